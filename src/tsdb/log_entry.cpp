// SPDX-License-Identifier: Apache-2.0
#include "tsdb/log_entry.h"

#include <zstd.h>

#include "tsdb/byte_code.h"

namespace gpuscale::tsdb {
namespace {

/// The quickest of zstd's levels: an entry lives for minutes.
constexpr int kLevel = 1;
/// More than any commit holds (1,024 batches of at most 25 MB); a damaged length must not allocate the
/// machine away.
constexpr unsigned long long kMaxBytes = 32ULL << 30U;

}  // namespace

std::string encode_log_entry(const std::vector<std::string_view>& batches) {
  std::string plain;
  for (const std::string_view batch : batches) put_text(plain, batch);
  std::string packed(ZSTD_compressBound(plain.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), kLevel));
  return packed;
}

Result<std::vector<std::string>> decode_log_entry(std::string_view entry) {
  const unsigned long long size = ZSTD_getFrameContentSize(entry.data(), entry.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > kMaxBytes) {
    return fail(Errc::kCorrupt, "no zstd frame");
  }
  std::string plain(size, '\0');
  if (ZSTD_decompress(plain.data(), plain.size(), entry.data(), entry.size()) != size) {
    return fail(Errc::kCorrupt, "a damaged zstd frame");
  }
  std::vector<std::string> batches;
  ByteReader reader(plain);
  while (reader.ok() && !reader.at_end()) batches.emplace_back(reader.text());
  if (!reader.ok()) return fail(Errc::kCorrupt, "a batch runs past the end of its entry");
  return batches;
}

}  // namespace gpuscale::tsdb
