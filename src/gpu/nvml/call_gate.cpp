// SPDX-License-Identifier: Apache-2.0
#include "gpu/nvml/call_gate.h"

#include "gpu/nvml/reaction.h"

namespace gpuscale::gpu::nvml {

CallGate::CallGate(const Library& library, int code)
    : library_(&library), gone_(true), state_(state_for(code)), detail_(library.describe(code)) {}

void CallGate::begin() {
  if (!gone_) {
    state_ = DeviceState::kOk;
    detail_.clear();
  }
  stopped_ = false;
  aftermath_ = Aftermath::kNone;
}

bool CallGate::usable(Call call, int code) {
  switch (react(code)) {
    case Reaction::kUse:
      return true;
    case Reaction::kSkip:
      return false;
    case Reaction::kMask:
    case Reaction::kTryOlder:
      mask(call);
      return false;
    case Reaction::kReenumerate:
      if (mask_invalid_) {
        mask(call);
        return false;
      }
      aftermath_ = Aftermath::kReenumerate;
      break;
    case Reaction::kReinitialize:
      aftermath_ = Aftermath::kReinitialize;
      break;
    case Reaction::kDeviceState:
      state_ = state_for(code);
      detail_ = library_->describe(code);
      // What may pass by itself is asked again at the next reading; a lost device only when enumerated anew.
      gone_ = state_ == DeviceState::kLost || state_ == DeviceState::kNeedsReset;
      break;
  }
  aftermath_code_ = code;
  stopped_ = true;
  return false;
}

}  // namespace gpuscale::gpu::nvml
