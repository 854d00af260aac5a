// SPDX-License-Identifier: Apache-2.0
/// Any bytes as a block or a log entry of metrics.db: must not crash, and a block that decodes reads the same
/// once encoded.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tsdb/block_codec.h"
#include "tsdb/log_entry.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gpuscale::tsdb;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto entry = decode_log_entry(bytes);
  const auto block = decode_block(bytes);
  if (block) {
    const auto again = decode_block(encode_block(*block));
    if (!again || again->times != block->times || again->columns.size() != block->columns.size())
      std::abort();
  }
  return entry && entry->size() == SIZE_MAX ? 1 : 0;
}
