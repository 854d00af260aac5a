// SPDX-License-Identifier: Apache-2.0
/// Any bytes as what stands in metrics.db - a log entry, a batch, times, values, a directory, a strip,
/// totals: must not crash, and times that decode read the same once encoded.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tsdb/batch.h"
#include "tsdb/log_entry.h"
#include "tsdb/log_frame.h"
#include "tsdb/segment.h"
#include "tsdb/totals_codec.h"

namespace {

using namespace gpuscale::tsdb;

/// A checksum that fits, so that what stands behind it is read too.
std::string summed(std::string_view bytes) {
  return with_checksum(std::string(bytes));
}

/// Totals whose place fits, too.
std::string placed(const TotalsPlace& place, std::string_view bytes) {
  std::string out;
  put_varint(out, place.field);
  put_fixed(out, place.directory_sum);
  return with_checksum(out + std::string(bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::size_t seen = 0;
  if (const auto entry = decode_log_entry(bytes)) seen += entry->size();
  if (const auto head = FrameHead::read(bytes))
    seen += head->fits(size, bytes.substr(FrameHead::kBytes)) ? 1U : 0U;
  (void)each_batch(bytes, [&seen](std::string_view part) -> gpuscale::base::Result<void> {
    seen += part.size();
    return {};
  });
  BatchReader batch(bytes);
  while (batch.next_row()) seen += batch.cells().size();
  if (const auto times = decode_axis(bytes)) {
    const auto again = decode_axis(encode_axis(*times));
    if (!again || *again != *times) std::abort();
  }
  const std::int64_t axis[] = {1, 2, 3, 5, 8, 13, 21, 34};
  for (const FieldType type :
       {FieldType::kFloat, FieldType::kInteger, FieldType::kString, FieldType::kBoolean}) {
    Column column;
    column.type = type;
    if (decode_chunk(bytes, axis, column)) seen += column.times.size();
  }
  if (const auto segment = Segment::decode({}, summed(bytes))) {
    for (std::size_t i = 0; i < (*segment)->series().size(); ++i)
      seen += (*segment)->extent(i).rows != 0 ? 1U : 0U;
  }
  if (size > 0) {
    if (const auto strip = Strip::open(summed(bytes.substr(1)), static_cast<std::size_t>(data[0])))
      seen += (*strip)->bytes();
  }
  const TotalsPlace place{7, 42};
  if (const auto totals = decode_totals(placed(place, bytes), place)) {
    const auto again = decode_totals(encode_totals(**totals, place), place);
    if (!again || (*again)->first_ns != (*totals)->first_ns || (*again)->counts != (*totals)->counts)
      std::abort();
  }
  return seen == SIZE_MAX ? 1 : 0;
}
