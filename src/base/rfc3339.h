// SPDX-License-Identifier: Apache-2.0
/// RFC 3339 times in UTC, with as many fraction digits as are not zero (Go's RFC3339Nano, which InfluxDB
/// prints).
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace gpuscale::base {

/// "2026-11-24T02:15:36Z", "2026-11-24T02:15:36.5Z".
std::string format_rfc3339(WallTime t);
/// For sentences: to the second that it lies in.
std::string format_second(WallTime t);

/// Takes 'T' or a blank between date and time, an optional fraction of up to nine digits, and Z or an offset
/// ("+08:00"). Errors: kInvalidArgument naming the text; also outside the years 1678..2261 (int64
/// nanoseconds).
Result<WallTime> parse_rfc3339(std::string_view text);

}  // namespace gpuscale::base
