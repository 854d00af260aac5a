// SPDX-License-Identifier: Apache-2.0
/// InfluxDB line protocol, both ways, with InfluxDB 1.x's rules and error texts
/// (`measurement[,tag=value...] field=value[,field=value...] [timestamp]`).
#pragma once
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "metrics/point.h"
#include "metrics/view_storage.h"

namespace gpuscale::metrics {

enum class Precision { kNanos, kMicros, kMillis, kSeconds, kMinutes, kHours };

/// "ns", "n", "u", "ms", "s", "m", "h"; anything else, also empty, is nanoseconds, as InfluxDB has it.
Precision parse_precision(std::string_view text);
/// Nanoseconds in one unit of `precision`.
std::int64_t nanos_per(Precision precision);

/// The outcome of parsing one body: the good points and the text of each bad line. Owns what the views refer
/// to except the body itself, which must outlive it. Movable.
struct ParsedLines {
  std::vector<PointView> points;
  /// One per bad line, as InfluxDB words it: "unable to parse 'w v=bad 21': invalid boolean".
  std::vector<std::string> errors;

  ViewStorage<TagView> tag_storage;      ///< views in `points` refer here
  ViewStorage<FieldView> field_storage;  ///< and here
  std::list<std::string> unescaped;      ///< and here, where a text had escapes

  /// How many tags and fields a point has.
  struct Extent {
    std::size_t tags;
    std::size_t fields;
  };
  std::vector<Extent> extents;  ///< for the reader, while it fills the storages
};

/// Parses a body part by part, so that megabytes of lines need the memory of a few hundred, which stays near.
/// Lines without a time get `now_ns` cut to `precision`. Blank and comment lines are skipped. Never fails as
/// a whole; O(body). Source: InfluxDB 1.6.7, observed.
class LineReader {
 public:
  /// `body` must outlive the reader and what it reads.
  LineReader(std::string_view body, Precision precision, std::int64_t now_ns);

  /// Takes the next lines, up to `most_points` good ones. The points of `out` and what they refer to are
  /// replaced, its errors are added to. @return false, with no points, once every line was read.
  bool read(std::size_t most_points, ParsedLines& out);
  /// Whether lines are left: they may hold no point.
  bool at_end() const { return at_ >= body_.size(); }

 private:
  std::string_view body_;
  Precision precision_;
  std::int64_t default_time_ns_;
  std::size_t at_ = 0;
};

/// Every line of `body` at once.
ParsedLines parse_lines(std::string_view body, Precision precision, std::int64_t now_ns);

/// Appends one line with its newline, tags sorted, text escaped. Float NaN and infinity have no form in line
/// protocol: such fields are left out. @return false, and nothing appended, where no field is left.
bool append_line(std::string& out, const Point& point);

/// The tags as PointView::tag_text has them. No two lists of tags without a backslash have the same.
std::string line_tags(std::span<const TagView> tags);
std::string line_tags(const Tags& tags);

/// "measurement,tag=value" escaped as in line protocol: the canonical name of a series.
std::string series_key(std::string_view measurement, std::span<const TagView> tags);
std::string series_key(std::string_view measurement, const Tags& tags);

}  // namespace gpuscale::metrics
