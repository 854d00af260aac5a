// SPDX-License-Identifier: Apache-2.0
/// Writes batch after batch and prints a dot for each that was acknowledged, until it is killed.
///   gpuscale_tsdb_writer FILE FIRST
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "base/system_clock.h"
#include "metrics/line_protocol.h"
#include "tsdb/store.h"

int main(int argc, char** argv) {
  using namespace gpuscale;
  if (argc != 3) return 2;
  tsdb::StoreLimits limits;
  limits.max_unflushed_bytes = 2'000;  // so that it also dies while it seals
  limits.max_joining_bytes = 1;        // and while it joins, between two of the pieces
  limits.samples_of_a_slot = 1;
  const base::SystemClock clock;
  auto store = tsdb::Store::open({argv[1], limits}, clock, log::Log::silent());
  if (!store) return 3;
  if (!(*store)->create_database("db", std::nullopt)) return 4;
  for (int i = std::atoi(argv[2]);; ++i) {
    const std::string number = std::to_string(i);
    const std::string value = number + ",g=" + number + "i,h=" + number + " " + std::to_string(i + 1) + "\n";
    const std::string lines = "m,w=a f=" + value + "m,w=b f=" + value;
    const auto parsed = metrics::parse_lines(lines, metrics::Precision::kNanos, 0);
    const auto outcome = (*store)->write("db", "", parsed.points);
    if (!outcome || outcome->dropped > 0) return 5;
    if (::write(STDOUT_FILENO, ".", 1) != 1) return 6;
  }
}
