// SPDX-License-Identifier: Apache-2.0
/// The fault suite over many seeds: gpuscale_faults FIRST LAST. Exit 1 and the seed where a promise broke.
/// gpuscale_faults SEED tells the whole story of one.
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/rfc3339.h"
#include "scaling/testing/fault_world.h"

namespace {

using gpuscale::scaling::testing::FaultReport;
using gpuscale::scaling::testing::FaultWorld;
using gpuscale::scaling::testing::options_of;

int tell(std::uint64_t seed) {
  FaultWorld world(seed, options_of(seed));
  const FaultReport report = world.run();
  for (const auto& entry : world.story()) {
    std::printf("%s %s %s: %s\n", gpuscale::base::format_rfc3339(entry.at).c_str(), entry.pool.c_str(),
                entry.kind.c_str(), entry.summary.c_str());
  }
  for (const auto& promise : report.broken) std::printf("broken: %s\n", promise.c_str());
  return report.broken.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2) return tell(std::strtoull(argv[1], nullptr, 10));
  if (argc != 3) {
    std::fputs("usage: gpuscale_faults FIRST LAST, or gpuscale_faults SEED\n", stderr);
    return 2;
  }
  const auto first = std::strtoull(argv[1], nullptr, 10);
  const auto last = std::strtoull(argv[2], nullptr, 10);
  FaultReport sum;
  int broken = 0;
  for (auto seed = first; seed <= last; ++seed) {
    const FaultReport report = FaultWorld(seed, options_of(seed)).run();
    sum.crashes += report.crashes;
    sum.launches += report.launches;
    sum.removals += report.removals;
    sum.rescues += report.rescues;
    sum.reversals += report.reversals;
    for (const auto& [fault, times] : report.injected) sum.injected[fault] += times;
    for (const auto& promise : report.broken) {
      std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), promise.c_str());
      ++broken;
    }
    std::fflush(stdout);
  }
  const nlohmann::json summary{{"scenarios", last - first + 1}, {"broken", broken},
                               {"crashes", sum.crashes},        {"launches", sum.launches},
                               {"removals", sum.removals},      {"rescues", sum.rescues},
                               {"reversals", sum.reversals},    {"faults", sum.injected}};
  std::printf("%s\n", summary.dump().c_str());
  return broken == 0 ? 0 : 1;
}
