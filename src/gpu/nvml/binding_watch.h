// SPDX-License-Identifier: Apache-2.0
/// Which devices the driver is about to lose and which it got (bind and unbind in sysfs, a reset, passthrough
/// to a virtual machine). Drivers before R575 do not tell, others only to whom they please: then there is no
/// change.
#pragma once
#include "gpu/nvml/library.h"

namespace gpuscale::gpu::nvml {

/// Of more than one at once the one that matters: a device that leaves waits for us.
enum class BindingChange { kNone, kComes, kLeaves };

/// Not thread-safe. stop() must be called before the library is shut down.
class BindingWatch {
 public:
  explicit BindingWatch(const Library& library) : library_(library) {}
  void start();
  void stop();
  /// Takes what has been reported, without waiting.
  BindingChange drain();

 private:
  const Library& library_;
  SystemEventSet set_ = nullptr;
};

}  // namespace gpuscale::gpu::nvml
