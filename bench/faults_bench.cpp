// SPDX-License-Identifier: Apache-2.0
/// The fault suite over many seeds: gpuscale_faults FIRST LAST. Exit 1 and the seed where a promise broke.
#include <cstdio>
#include <cstdlib>

#include "scaling/testing/fault_world.h"

int main(int argc, char** argv) {
  using gpuscale::scaling::testing::FaultReport;
  using gpuscale::scaling::testing::FaultWorld;
  if (argc != 3) {
    std::fputs("usage: gpuscale_faults FIRST LAST\n", stderr);
    return 2;
  }
  const auto first = std::strtoull(argv[1], nullptr, 10);
  const auto last = std::strtoull(argv[2], nullptr, 10);
  FaultReport sum;
  int broken = 0;
  for (auto seed = first; seed <= last; ++seed) {
    const FaultReport report = FaultWorld(seed, {}).run();
    sum.crashes += report.crashes;
    sum.launches += report.launches;
    sum.removals += report.removals;
    sum.rescues += report.rescues;
    for (const auto& promise : report.broken) {
      std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), promise.c_str());
      ++broken;
    }
    std::fflush(stdout);
  }
  std::printf(
      "{\"scenarios\": %llu, \"broken\": %d, \"crashes\": %d, \"launches\": %d, \"removals\": %d, "
      "\"rescues\": %d}\n",
      static_cast<unsigned long long>(last - first + 1), broken, sum.crashes, sum.launches, sum.removals,
      sum.rescues);
  return broken == 0 ? 0 : 1;
}
