// SPDX-License-Identifier: Apache-2.0
#include "tsdb/log_frame.h"

#include <array>

#include "tsdb/byte_code.h"

namespace gpuscale::tsdb {
namespace {

std::uint64_t sum_of(std::uint64_t salt, std::int64_t sequence, std::string_view batches) {
  std::array<char, 3 * sizeof(std::uint64_t)> parts{};
  char* at = parts.data();
  if (salt != FileHead::kNoSalt) at = put_fixed(at, salt);
  at = put_fixed(at, static_cast<std::uint64_t>(sequence));
  at = put_fixed(at, checksum(batches));
  return checksum({parts.data(), static_cast<std::size_t>(at - parts.data())});
}

}  // namespace

std::optional<FrameHead> FrameHead::read(std::string_view bytes) {
  ByteReader reader(bytes.substr(0, kBytes));
  if (reader.fixed() != kMark) return std::nullopt;
  FrameHead head;
  head.sequence = static_cast<std::int64_t>(reader.fixed());
  head.length = reader.fixed();
  head.sum = reader.fixed();
  return reader.ok() ? std::optional(head) : std::nullopt;
}

bool FrameHead::fits(std::uint64_t salt, std::string_view batches) const {
  return batches.size() == length && sum_of(salt, sequence, batches) == sum;
}

void put_file_head(std::string& out, std::uint64_t salt) {
  put_fixed(out, FileHead::kMark);
  put_fixed(out, salt);
  put_fixed(out, salt);
}

void put_frame(std::string& out, std::uint64_t salt, std::int64_t sequence,
               std::span<const std::string_view> batches) {
  const std::size_t begin = out.size();
  out.append(FrameHead::kBytes, '\0');
  for (const std::string_view batch : batches) put_text(out, batch);
  const std::string_view payload = std::string_view(out).substr(begin + FrameHead::kBytes);
  char* at = put_fixed(out.data() + begin, FrameHead::kMark);
  at = put_fixed(at, static_cast<std::uint64_t>(sequence));
  at = put_fixed(at, payload.size());
  put_fixed(at, sum_of(salt, sequence, payload));
}

Result<void> each_batch(std::string_view batches,
                        const std::function<Result<void>(std::string_view)>& apply) {
  ByteReader reader(batches);
  while (reader.ok() && !reader.at_end()) {
    const std::string_view batch = reader.text();
    if (reader.ok()) GS_CHECK(apply(batch));
  }
  if (!reader.ok()) return fail(Errc::kCorrupt, "a batch runs past the end of its entry");
  return {};
}

}  // namespace gpuscale::tsdb
