// SPDX-License-Identifier: Apache-2.0
#include "gpu/source.h"

namespace gpuscale::gpu {

std::string_view to_string(DeviceState state) {
  switch (state) {
    case DeviceState::kOk:
      return "ok";
    case DeviceState::kLost:
      return "lost";
    case DeviceState::kNeedsReset:
      return "needs_reset";
    case DeviceState::kDriverError:
      return "driver_error";
    case DeviceState::kNoPermission:
      return "no_permission";
  }
  return "driver_error";
}

}  // namespace gpuscale::gpu
