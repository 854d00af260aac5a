// SPDX-License-Identifier: Apache-2.0
#include "tsdb/log_entry.h"

#include <zstd.h>

namespace gpuscale::tsdb {
namespace {

/// More than any commit held (1,024 batches of at most 25 MB); a damaged length must not allocate the machine
/// away.
constexpr unsigned long long kMaxBytes = 32ULL << 30U;

}  // namespace

Result<std::string> decode_log_entry(std::string_view entry) {
  const unsigned long long size = ZSTD_getFrameContentSize(entry.data(), entry.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > kMaxBytes) {
    return fail(Errc::kCorrupt, "no zstd frame");
  }
  std::string plain(size, '\0');
  if (ZSTD_decompress(plain.data(), plain.size(), entry.data(), entry.size()) != size) {
    return fail(Errc::kCorrupt, "a damaged zstd frame");
  }
  return plain;
}

}  // namespace gpuscale::tsdb
