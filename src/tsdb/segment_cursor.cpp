// SPDX-License-Identifier: Apache-2.0
#include "tsdb/segment_cursor.h"

#include <algorithm>
#include <utility>

#include "tsdb/chunk_codec.h"

namespace gpuscale::tsdb {
namespace {

constexpr std::size_t kCacheLine = 64;
constexpr std::size_t kMostExpected = 4'096;  // bytes

}  // namespace

std::optional<std::size_t> SegmentCursor::find(SeriesId id, TimeRange range) {
  if (strip_ == nullptr) return std::nullopt;
  const std::size_t position = segment_.find(id, hint_);
  if (position == Segment::kNone || strip_->chunk(position).empty()) return std::nullopt;
  const AxisExtent& extent = segment_.extent(position);
  if (extent.max_ns < range.min_ns || extent.min_ns > range.max_ns) return std::nullopt;
  return position;
}

void SegmentCursor::expect(std::size_t series) const {
  const std::size_t all = segment_.series().size();
  if (strip_ == nullptr || hint_ >= all) return;
  const std::string_view first = strip_->chunk(hint_);
  const std::string_view last = strip_->chunk(std::min(hint_ + series, all) - 1);
  const char* const end = std::min(last.data() + last.size(), first.data() + kMostExpected);
  for (const char* at = first.data(); at < end; at += kCacheLine) __builtin_prefetch(at);
}

Result<void> SegmentCursor::add_to(Column& whole, std::size_t position, TimeRange range, Column& piece) {
  GS_CHECK(turn_to(position));
  const RowRange rows = rows_of(range);
  if (rows.size() == 0) return {};
  const bool later = whole.times.empty() || whole.times.back() < times_[rows.begin];
  Column& into = later ? whole : piece;
  if (!later) reset(piece, whole.type);
  if (auto done = append_chunk_rows(strip_->chunk(position), times_, rows, into); !done)
    return damaged(done.error());
  if (!later) join(whole, piece);
  return {};
}

/// To the times of the series, which are mostly those of the one before.
Result<void> SegmentCursor::turn_to(std::size_t position) {
  const std::size_t axis = segment_.axis_of(position);
  if (known_ && axis == axis_) return {};
  auto decoded = segment_.times(axis);
  if (!decoded) return damaged(decoded.error());
  times_ = *std::move(decoded);
  axis_ = axis;
  known_ = true;
  rows_known_ = false;
  return {};
}

/// The rows of the present axis inside the range, which is mostly the one asked for before.
RowRange SegmentCursor::rows_of(TimeRange range) {
  if (!rows_known_ || rows_range_.min_ns != range.min_ns || rows_range_.max_ns != range.max_ns) {
    rows_ = rows_in(times_, range);
    rows_range_ = range;
    rows_known_ = true;
  }
  return rows_;
}

Error SegmentCursor::damaged(Error error) const {
  return std::move(error).with_context("segment " + std::to_string(segment_.label().id));
}

}  // namespace gpuscale::tsdb
