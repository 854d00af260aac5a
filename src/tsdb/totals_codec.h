// SPDX-License-Identifier: Apache-2.0
/// Private to the room: how SlotTotals are made, and how they are bytes and back. Pure. The grammar is in
/// docs/storage-format.md.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tsdb/catalogue.h"
#include "tsdb/slot_totals.h"
#include "tsdb/store.h"

namespace gpuscale::tsdb {

/// Adds up series after series of one numeric field.
class TotalsBuilder {
 public:
  /// @param range of all samples that may come @param rows of all series together
  TotalsBuilder(FieldType type, TimeRange range, std::size_t rows);

  /// @param column times inside of the range
  void add(const Column& column);
  /// Nothing where they save too little: fewer than `worth` samples a slot, or slots far apart; nor where a
  /// number has no sum.
  std::optional<SlotTotals> take(std::size_t worth) &&;

 private:
  template <typename T>
  void add_numbers(const std::vector<std::int64_t>& times, const std::vector<T>& values);
  template <typename T>
  void close_gaps();

  SlotTotals totals_;  ///< a place for each second of the range
  std::int64_t begin_ns_ = 0;
};

/// Whose totals they are: bytes that a broken file gives for those of another are not taken for them.
struct TotalsPlace {
  FieldId field = 0;
  std::uint64_t directory_sum = 0;  ///< Segment::directory_sum()
};

std::string encode_totals(const SlotTotals& totals, const TotalsPlace& place);
/// Errors: kCorrupt.
Result<std::shared_ptr<const SlotTotals>> decode_totals(std::string_view bytes, const TotalsPlace& place);

std::size_t bytes_of(const SlotTotals& totals);

}  // namespace gpuscale::tsdb
