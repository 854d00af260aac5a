// SPDX-License-Identifier: Apache-2.0
/// What to do about an NVML return code: the table, apart from the calls. Pure.
#pragma once
#include <string>

#include "base/error.h"
#include "gpu/source.h"

namespace gpuscale::gpu::nvml {

enum class Reaction {
  kUse,          ///< the value is good
  kSkip,         ///< no value this time; ask again at the next reading
  kMask,         ///< this device does not have it: do not ask again until the devices are enumerated anew
  kTryOlder,     ///< the library does not know this form: take the older call from now on
  kDeviceState,  ///< the device as a whole is in trouble: see state_for()
  kReenumerate,  ///< the handle is stale: get it anew
  kReinitialize  ///< NVML as a whole is dead: initialise it anew
};
Reaction react(int code);

/// The state of a device whose call answered a kDeviceState code.
DeviceState state_for(int code);

/// The error of a failed initialisation or enumeration, with what mends it. `words` is the library's own
/// text. kConflict: versions differ; kForbidden: no access; kNotFound: no GPU; else kUnavailable.
Error start_error(int code, const std::string& words);

}  // namespace gpuscale::gpu::nvml
