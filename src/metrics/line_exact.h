// SPDX-License-Identifier: Apache-2.0
/// Private to the room: the exact rules of InfluxDB 1.6.7's line protocol, step by step, for every line that
/// the quick reader of line_protocol.cpp does not take: escapes, odd spacing, errors.
#pragma once
#include <string>
#include <string_view>

#include "metrics/line_protocol.h"

namespace gpuscale::metrics {

/// Where the line that starts at `from` ends: the index of its newline, or body.size(). A newline inside a
/// quoted field value belongs to the line.
std::size_t find_line_end(std::string_view body, std::size_t from);

/// What parse_exact_line needs beside the line.
struct LineContext {
  Precision precision;
  std::int64_t default_time_ns;  ///< already cut to the precision
};

/// Parses one line (leading blanks already gone) and appends its tags and fields to the storages of `out`;
/// sets measurement and time of `point`, never its spans. @return the error in InfluxDB's words, or "" when
/// good; on error the storages may hold leftovers, which the caller cuts off.
std::string parse_exact_line(std::string_view line, const LineContext& context, ParsedLines& out,
                             PointView& point);

/// Unit number -> nanoseconds; false where the result is outside InfluxDB's range of times.
bool scale_time(std::int64_t value, Precision precision, std::int64_t& time_ns);

}  // namespace gpuscale::metrics
