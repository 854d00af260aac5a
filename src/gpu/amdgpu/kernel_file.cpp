// SPDX-License-Identifier: Apache-2.0
#include "gpu/amdgpu/kernel_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace gpuscale::gpu::amdgpu {

FileText read_bytes(const std::string& path, CallWatch* watch, const char* call, std::size_t most) {
  const WatchedCall watched(watch, call);
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {"", errno};
  FileText out{std::string(most, '\0'), 0};
  const ssize_t size = ::read(file, out.text.data(), out.text.size());
  if (size < 0) out.error = errno;
  ::close(file);
  out.text.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  return out;
}

FileText read_text(const std::string& path, CallWatch* watch, const char* call, std::size_t most) {
  FileText file = read_bytes(path, watch, call, most);
  while (file.text.ends_with('\n')) file.text.pop_back();
  return file;
}

}  // namespace gpuscale::gpu::amdgpu
