// SPDX-License-Identifier: Apache-2.0
#include "scaling/decision_frame.h"

#include <zstd.h>

#include <algorithm>
#include <bit>
#include <memory>

namespace gpuscale::scaling {
namespace {

constexpr int kQuick = 1;
/// Over the inputs of 500,000 nodes; a damaged length must not allocate the machine away.
constexpr unsigned long long kMostPlain = 256ULL << 20U;

/// The window must reach back over prefix and text.
int window_of(std::size_t bytes) {
  return std::clamp(static_cast<int>(std::bit_width(bytes)), 10, 28);
}

}  // namespace

std::string pack(std::string_view plain, std::string_view prefix) {
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kQuick);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  if (!prefix.empty()) {
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_windowLog, window_of(plain.size() + prefix.size()));
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_enableLongDistanceMatching, 1);
    ZSTD_CCtx_refPrefix(context.get(), prefix.data(), prefix.size());
  }
  std::string packed(ZSTD_compressBound(plain.size()), '\0');
  packed.resize(ZSTD_compress2(context.get(), packed.data(), packed.size(), plain.data(), plain.size()));
  return packed;
}

Result<std::string> unpack(std::string_view packed, std::string_view prefix) {
  const unsigned long long size = ZSTD_getFrameContentSize(packed.data(), packed.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > kMostPlain)
    return fail(Errc::kCorrupt, "no zstd frame");
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, 28);
  if (!prefix.empty()) ZSTD_DCtx_refPrefix(context.get(), prefix.data(), prefix.size());
  std::string plain(size, '\0');
  if (ZSTD_decompressDCtx(context.get(), plain.data(), plain.size(), packed.data(), packed.size()) != size)
    return fail(Errc::kCorrupt, "a damaged zstd frame");
  return plain;
}

}  // namespace gpuscale::scaling
