// SPDX-License-Identifier: Apache-2.0
/// One read of a file in sysfs or /proc: the kernel makes its text anew each time, and it may be gone.
#pragma once
#include <cstddef>
#include <string>

#include "gpu/call_watch.h"

namespace gpuscale::gpu::amdgpu {

/// What a file holds, or the error number.
struct FileText {
  std::string text;
  int error = 0;
};

/// @param call how the watch is to name the read  @param most bytes; the rest is left out
FileText read_bytes(const std::string& path, CallWatch* watch, const char* call = "amdgpu's sysfs",
                    std::size_t most = 4096);
/// The same without its last newlines.
FileText read_text(const std::string& path, CallWatch* watch, const char* call = "amdgpu's sysfs",
                   std::size_t most = 4096);

}  // namespace gpuscale::gpu::amdgpu
