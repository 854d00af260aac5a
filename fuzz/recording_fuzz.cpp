// SPDX-License-Identifier: Apache-2.0
/// Any bytes as a recording: must not crash, neither when read nor when played.
#include <cstdint>
#include <string_view>

#include "gpu/replay/replay_source.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gpuscale;
  const auto recording = gpu::parse_recording("fuzz", {reinterpret_cast<const char*>(data), size});
  if (!recording) return 0;
  std::size_t devices = 0;
  for (const Nanos from : {Nanos{-1}, Nanos{0}, recording->length / 2}) {
    devices += gpu::play(*recording, from, recording->length).size();
  }
  return devices == SIZE_MAX ? 1 : 0;
}
