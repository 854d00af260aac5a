// SPDX-License-Identifier: Apache-2.0
/// Any bytes as what stands in the tables of recorded decisions: must not crash, and what decodes is written
/// again as the same bytes.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "scaling/decision_code.h"
#include "scaling/decision_frame.h"

using namespace gpuscale::scaling;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)unpack(bytes);
  (void)unpack(bytes, bytes.substr(size / 2));
  if (const auto same = unpack(pack(bytes, bytes), bytes); !same || *same != bytes) std::abort();
  for (const char kind : {'\0', '\1', '\2'}) (void)decode_inputs(kind + std::string(bytes));
  (void)decode_segment(bytes);
  if (const auto tick = decode_tick(bytes)) {
    const std::string once = encode(*tick);
    if (encode(*decode_tick(once)) != once) std::abort();
  }
  return 0;
}
