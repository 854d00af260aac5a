// SPDX-License-Identifier: Apache-2.0
/// Private to the room: sealed samples of many series of one measurement in one policy. A segment is a
/// directory (its series and their times) and one strip for each field (the values of all series in the
/// directory's order), so that a query reads the fields it asks for and no others. Immutable once made.
#pragma once
#include <algorithm>
#include <functional>
#include <memory>
#include <optional>

#include "tsdb/byte_code.h"
#include "tsdb/catalogue.h"
#include "tsdb/chunk_codec.h"

namespace gpuscale::tsdb {

using SegmentId = std::int64_t;
using MeasurementId = std::int64_t;

/// Whose samples a segment holds.
struct SegmentOwner {
  PolicyId policy = 0;
  MeasurementId measurement = 0;
  friend auto operator<=>(const SegmentOwner&, const SegmentOwner&) = default;
};

/// The directory, decoded.
class Segment {
 public:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  struct Label {
    SegmentId id = 0;
    SegmentOwner owner;
    int level = 0;                  ///< how often its samples were joined
    std::int64_t generation = 0;    ///< of two samples of one time the one of the higher generation wins
    std::uint64_t strip_bytes = 0;  ///< of all its strips; 0 where an earlier version made it
    /// That it has strips of, ascending; nothing where an earlier version made it.
    std::optional<std::vector<FieldId>> fields;
  };

  /// Errors: kCorrupt.
  static Result<std::shared_ptr<const Segment>> decode(Label label, std::string directory);

  const Label& label() const { return label_; }
  /// Whether it must have a strip of the field, or must have none; nothing where that was not noted.
  std::optional<bool> holds(FieldId field) const {
    if (!label_.fields) return std::nullopt;
    return std::binary_search(label_.fields->begin(), label_.fields->end(), field);
  }
  TimeRange range() const { return range_; }
  std::size_t rows() const { return rows_; }            ///< of all series together
  std::size_t most_rows() const { return most_rows_; }  ///< of any series
  const std::vector<SeriesId>& series() const { return series_; }
  std::size_t bytes() const;
  /// Tells its directory from any other.
  std::uint64_t directory_sum() const;

  /// Position of a series, or kNone. `hint`: where it is tried first; left behind the position found.
  std::size_t find(SeriesId id, std::size_t& hint) const;
  /// Series of one moment share an axis: equal numbers, equal times.
  std::size_t axis_of(std::size_t position) const { return axis_of_[position]; }
  const AxisExtent& extent(std::size_t position) const { return axes_[axis_of_[position]].extent; }
  Result<std::vector<std::int64_t>> times(std::size_t axis) const;
  bool touches(TimeRange range) const {
    return range_.min_ns <= range.max_ns && range_.max_ns >= range.min_ns;
  }

 private:
  struct Axis {
    std::size_t at;
    std::size_t size;
    AxisExtent extent;
  };
  Label label_;
  TimeRange range_;
  std::size_t rows_ = 0;
  std::size_t most_rows_ = 0;
  std::string directory_;
  std::vector<SeriesId> series_;  ///< ascending
  std::vector<std::uint32_t> axis_of_;
  std::vector<Axis> axes_;
};

/// The strip of one field, its chunks found but not decoded.
class Strip {
 public:
  /// Errors: kCorrupt, also where the checksum is not that of the bytes.
  static Result<std::shared_ptr<const Strip>> open(std::string bytes, std::size_t series);

  FieldType type() const { return type_; }
  /// Empty where the series has no value of the field.
  std::string_view chunk(std::size_t position) const {
    return std::string_view(bytes_).substr(starts_[position], ends_[position] - starts_[position]);
  }
  std::size_t bytes() const {
    return bytes_.size() + (starts_.size() + ends_.size()) * sizeof(std::uint32_t);
  }

 private:
  std::string bytes_;
  FieldType type_ = FieldType::kFloat;
  std::vector<std::uint32_t> starts_;
  std::vector<std::uint32_t> ends_;
};

inline std::size_t bytes_of(const Strip& strip) {
  return strip.bytes();
}

/// Writes a directory: series ascending, each with its times.
class DirectoryWriter {
 public:
  void add(SeriesId id, std::span<const std::int64_t> times);
  std::size_t series() const { return count_; }
  std::string take() &&;

 private:
  std::string bytes_;
  std::size_t count_ = 0;
  SeriesId last_ = 0;
  std::vector<std::int64_t> last_times_;
};

/// Writes a strip: one call per series of the directory, in its order.
class StripWriter {
 public:
  explicit StripWriter(FieldType type) { bytes_.push_back(static_cast<char>(type)); }
  void add(std::span<const std::int64_t> axis, const Column& column);
  void add_absent() { put_varint(bytes_, 0); }
  bool empty() const { return empty_; }
  std::string take() &&;

 private:
  std::string bytes_;
  bool empty_ = true;
};

/// What a segment has of one field.
struct SegmentPiece {
  FieldId field = 0;
  std::string strip;
  std::string totals;  ///< see totals_codec.h; "" where it has none
};

/// A segment on its way to the disk.
struct NewSegment {
  NewSegment(SegmentOwner owner, int level, std::int64_t generation)
      : label{0, owner, level, generation, 0, std::vector<FieldId>()} {}

  Segment::Label label;  ///< its id is 0 where nothing of it is on the disk yet
  std::string directory;
  std::vector<SegmentPiece> pieces;  ///< those that are not

  /// In the label; fields come in ascending order.
  void note(const SegmentPiece& piece) {
    label.fields->push_back(piece.field);
    label.strip_bytes += piece.strip.size();
  }
};

}  // namespace gpuscale::tsdb
