// SPDX-License-Identifier: Apache-2.0
/// Private to the room: durations as InfluxQL and Go print them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gpuscale::influxql {

/// "1h30m", "-5s", "10ns", "10µ" in nanoseconds; absent where it is no duration. `overflowed` tells that it
/// was one, too long for int64 nanoseconds.
std::optional<std::int64_t> parse_influx_duration(std::string_view text, bool& overflowed);
/// The greatest unit that divides it: 120 s -> "2m", 0 -> "0s".
std::string print_influx_duration(std::int64_t ns);
/// Go's time.Duration: "168h0m0s", "1.5s", "0s".
std::string print_go_duration(std::int64_t ns);

}  // namespace gpuscale::influxql
