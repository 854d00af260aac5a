// SPDX-License-Identifier: Apache-2.0
/// Durations as people write them in config, rules and queries: "30s", "1h30m", "250ms".
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace gpuscale::base {

/// Parses one or more `<integer><unit>` with units ns, u, µs, us, ms, s, m, h, d, w ("1h30m"); "0" alone is
/// allowed. Errors: kInvalidArgument naming the text, also on overflow of int64 nanoseconds.
Result<Nanos> parse_duration(std::string_view text);

/// The shortest exact form in the units above: 90s -> "1m30s", 0 -> "0s".
std::string format_duration(Nanos duration);

/// For people, in whole seconds. What is left is rounded up, so that it suffices to wait that long and
/// nothing that is left reads "0s"; what has passed is rounded down. Nothing is shown as negative.
std::string format_left(Nanos left);
std::string format_passed(Nanos passed);

}  // namespace gpuscale::base
