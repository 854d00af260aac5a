// SPDX-License-Identifier: Apache-2.0
#include "gpu/nvml/reaction.h"

#include "gpu/nvml/abi.h"

namespace gpuscale::gpu::nvml {

Reaction react(int code) {
  switch (code) {
    case kSuccess:
      return Reaction::kUse;
    case kNotFound:
    case kInsufficientSize:
    case kTimeout:
    case kNoData:
    case kNotReady:
      return Reaction::kSkip;
    case kNotSupported:
    case kNoPermission:
      return Reaction::kMask;
    case kFunctionNotFound:
    case kArgumentVersionMismatch:
    case kDeprecated:
      return Reaction::kTryOlder;
    case kInvalidArgument:
      return Reaction::kReenumerate;
    case kUninitialized:
    case kDriverNotLoaded:
    case kLibraryNotFound:
    case kLibRmVersionMismatch:
    case kGpuNotFound:
      return Reaction::kReinitialize;
    default:
      return Reaction::kDeviceState;
  }
}

DeviceState state_for(int code) {
  switch (code) {
    case kGpuIsLost:
      return DeviceState::kLost;
    case kResetRequired:
      return DeviceState::kNeedsReset;
    case kNoPermission:
    case kOperatingSystem:
      return DeviceState::kNoPermission;
    default:
      return DeviceState::kDriverError;
  }
}

Error start_error(int code, const std::string& words) {
  switch (code) {
    case kLibRmVersionMismatch:
      return fail(Errc::kConflict,
                  "the NVIDIA library and the loaded kernel module are of different versions, as after a "
                  "driver upgrade: " +
                      words + "; reload the module or reboot");
    case kDriverNotLoaded:
    case kLibraryNotFound:
      return fail(Errc::kUnavailable,
                  "the NVIDIA driver is not loaded: " + words + "; load it with `modprobe nvidia`");
    case kNoPermission:
    case kOperatingSystem:
      return fail(Errc::kForbidden, "the NVIDIA driver refuses this process: " + words +
                                        "; give it access to /dev/nvidia* (user, cgroup, container runtime)");
    case kGpuNotFound:
      return fail(Errc::kNotFound, "the NVIDIA driver sees no GPU: " + words);
    default:
      return fail(Errc::kUnavailable, "NVML does not start: " + words);
  }
}

}  // namespace gpuscale::gpu::nvml
