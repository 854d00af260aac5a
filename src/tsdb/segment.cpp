// SPDX-License-Identifier: Apache-2.0
#include "tsdb/segment.h"

#include <algorithm>

#include "tsdb/byte_code.h"

namespace gpuscale::tsdb {
namespace {

/// Strips are addressed by 32 bits; segments are joined to a small part of it.
constexpr std::size_t kMaxStripBytes = 1U << 30U;

Error damaged(const char* what) {
  return fail(Errc::kCorrupt, what);
}

}  // namespace

Result<std::shared_ptr<const Segment>> Segment::decode(Label label, std::string directory) {
  auto segment = std::make_shared<Segment>();
  segment->label_ = label;
  segment->directory_ = std::move(directory);
  segment->directory_.shrink_to_fit();  // it is kept, and half of what it grew into may be empty
  const auto body = without_checksum(segment->directory_);
  if (!body) return damaged("the checksum of a directory does not fit");
  ByteReader reader(*body);
  const std::uint64_t count = reader.varint();
  // Each takes two bytes at least.
  if (count == 0 || count > reader.left()) return damaged("a directory is cut short");
  segment->series_.reserve(count);
  segment->axis_of_.reserve(count);
  segment->range_ = {std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()};
  SeriesId id = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t step = reader.varint();
    const std::string_view axis = reader.text();
    if (!reader.ok() || step == 0 || (axis.empty() && segment->axes_.empty()))
      return damaged("a directory does not decode");
    id += step;
    if (!axis.empty()) {
      GS_TRY(const AxisExtent extent, axis_extent(axis));
      segment->axes_.push_back(
          {static_cast<std::size_t>(axis.data() - segment->directory_.data()), axis.size(), extent});
      segment->range_.min_ns = std::min(segment->range_.min_ns, extent.min_ns);
      segment->range_.max_ns = std::max(segment->range_.max_ns, extent.max_ns);
      segment->most_rows_ = std::max(segment->most_rows_, extent.rows);
    }
    segment->series_.push_back(id);
    segment->axis_of_.push_back(static_cast<std::uint32_t>(segment->axes_.size() - 1));
    segment->rows_ += segment->axes_.back().extent.rows;
  }
  if (!reader.at_end()) return damaged("a directory has bytes left over");
  return std::shared_ptr<const Segment>(std::move(segment));
}

std::size_t Segment::bytes() const {
  return sizeof *this + directory_.size() + axes_.size() * sizeof(Axis) +
         series_.size() * (sizeof(SeriesId) + sizeof(std::uint32_t));
}

std::uint64_t Segment::directory_sum() const {
  return trailing_checksum(directory_);
}

std::size_t Segment::find(SeriesId id, std::size_t& hint) const {
  if (hint >= series_.size() || series_[hint] != id) {
    const auto at = std::lower_bound(series_.begin(), series_.end(), id);
    if (at == series_.end() || *at != id) return kNone;
    hint = static_cast<std::size_t>(at - series_.begin());
  }
  return hint++;
}

Result<std::vector<std::int64_t>> Segment::times(std::size_t axis) const {
  return decode_axis(std::string_view(directory_).substr(axes_[axis].at, axes_[axis].size));
}

Result<std::shared_ptr<const Strip>> Strip::open(std::string bytes, std::size_t series) {
  if (bytes.size() > kMaxStripBytes) return damaged("a strip is larger than any strip is written");
  auto strip = std::make_shared<Strip>();
  strip->bytes_ = std::move(bytes);
  strip->bytes_.shrink_to_fit();  // as a directory
  const auto body = without_checksum(strip->bytes_);
  if (!body) return damaged("the checksum of a strip does not fit");
  ByteReader reader(*body);
  const std::uint8_t type = reader.byte();
  if (!reader.ok() || type > static_cast<std::uint8_t>(FieldType::kBoolean) || series > reader.left())
    return damaged("a strip does not decode");
  strip->type_ = static_cast<FieldType>(type);
  strip->starts_.resize(series);
  strip->ends_.resize(series);
  for (std::size_t i = 0; i < series; ++i) {
    const std::string_view chunk = reader.text();
    if (!reader.ok()) return damaged("a strip is cut short");
    const auto end = static_cast<std::uint32_t>(body->size() - reader.left());
    strip->ends_[i] = end;
    strip->starts_[i] = end - static_cast<std::uint32_t>(chunk.size());
  }
  if (!reader.at_end()) return damaged("a strip has bytes left over");
  return std::shared_ptr<const Strip>(std::move(strip));
}

void DirectoryWriter::add(SeriesId id, std::span<const std::int64_t> times) {
  put_varint(bytes_, id - last_);
  last_ = id;
  ++count_;
  if (std::equal(times.begin(), times.end(), last_times_.begin(), last_times_.end())) {
    put_varint(bytes_, 0);
    return;
  }
  put_text(bytes_, encode_axis(times));
  last_times_.assign(times.begin(), times.end());
}

std::string DirectoryWriter::take() && {
  std::string out;
  put_varint(out, count_);
  return with_checksum(out + bytes_);
}

void StripWriter::add(std::span<const std::int64_t> axis, const Column& column) {
  if (column.times.empty()) return add_absent();
  put_text(bytes_, encode_chunk(axis, column));
  empty_ = false;
}

std::string StripWriter::take() && {
  return with_checksum(std::move(bytes_));
}

}  // namespace gpuscale::tsdb
