// SPDX-License-Identifier: Apache-2.0
/// Private to the room: the newest rows of the series of one policy. A query over a fleet looks at every
/// series, so a series is found by its number in a table, not by a search: numbers are given one after the
/// other.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <unordered_map>

#include "tsdb/recent_rows.h"
#include "tsdb/row_buffer.h"
#include "tsdb/segment.h"

namespace gpuscale::tsdb {

struct SeriesBuffer {
  SeriesId series = 0;  ///< 0: dropped
  MeasurementId measurement = 0;
  std::uint32_t place = 0;  ///< among all(), from 0
  RowBuffer rows;
};

/// Not thread-safe; any number of finders may look at once while nobody changes it.
class SeriesBuffers {
  static constexpr std::uint64_t kPageBits = 6;
  using Page = std::array<std::uint32_t, std::size_t{1} << kPageBits>;  // places + 1; 0 = not here

 public:
  /// Finds series after series; quickest where their numbers are near each other.
  class Finder {
   public:
    explicit Finder(const SeriesBuffers& buffers) : buffers_(&buffers) {}
    const SeriesBuffer* find(SeriesId series) {
      const auto at = place(series);
      return at ? &buffers_->held_[*at] : nullptr;
    }
    /// Among all(), without a look at it.
    std::optional<std::size_t> place(SeriesId series) {
      const std::uint64_t number = series >> kPageBits;
      if (number != number_) {
        const auto found = buffers_->pages_.find(number);
        page_ = found == buffers_->pages_.end() ? nullptr : &found->second;
        number_ = number;
      }
      const std::uint32_t place = page_ == nullptr ? 0 : (*page_)[series & (page_->size() - 1)];
      return place == 0 ? std::nullopt : std::optional<std::size_t>(place - 1);
    }

   private:
    const SeriesBuffers* buffers_;
    std::uint64_t number_ = ~std::uint64_t{0};
    const Page* page_ = nullptr;
  };

  const SeriesBuffer* find(SeriesId series) const { return Finder(*this).find(series); }
  SeriesBuffer* find(SeriesId series) { return const_cast<SeriesBuffer*>(Finder(*this).find(series)); }
  /// Made where it is not there. It stays where it is until it is dropped.
  SeriesBuffer& of(SeriesId series) {
    std::uint32_t& place = pages_[series >> kPageBits][series & (Page{}.size() - 1)];
    if (place == 0) {
      SeriesBuffer& made = held_.emplace_back();
      made.series = series;
      made.place = static_cast<std::uint32_t>(held_.size() - 1);
      place = static_cast<std::uint32_t>(held_.size());
    }
    return held_[place - 1];
  }
  void drop(SeriesId series) {
    const auto page = pages_.find(series >> kPageBits);
    if (page == pages_.end()) return;
    std::uint32_t& place = page->second[series & (page->second.size() - 1)];
    if (place != 0) held_[place - 1] = SeriesBuffer{};
    place = 0;
  }
  /// In the order in which they came, the dropped among them.
  const std::deque<SeriesBuffer>& all() const { return held_; }

  const RecentRows& recent() const { return recent_; }

  /// Adds a row to `buffer`, one of ours. @param arena outlives us @return bytes taken.
  std::size_t add(SeriesBuffer& buffer, std::int64_t time_ns, std::span<const CellName> shape,
                  std::span<const CellValue> cells, RowArena& arena) {
    extent_ = {std::min(extent_.min_ns, time_ns), std::max(extent_.max_ns, time_ns)};
    if (buffer.rows.is_newer(time_ns)) {
      recent_.add(buffer.place, time_ns, shape, cells, arena);
    } else {
      recent_.add_elsewhere(time_ns);
    }
    return buffer.rows.add(time_ns, shape, cells, lists_, &arena);
  }
  /// Whether a row may lie in the range: rows that were dropped count on.
  bool touches(TimeRange range) const {
    return extent_.min_ns <= range.max_ns && extent_.max_ns >= range.min_ns;
  }

 private:
  std::unordered_map<std::uint64_t, Page> pages_;
  std::deque<SeriesBuffer> held_;
  FieldLists lists_;
  RecentRows recent_;
  TimeRange extent_{std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()};
};

}  // namespace gpuscale::tsdb
