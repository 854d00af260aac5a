// SPDX-License-Identifier: Apache-2.0
#include "scaling/report_age.h"

#include <algorithm>
#include <utility>

namespace gpuscale::scaling {

void ReportAge::correct(TelemetryByNode& telemetry, const std::set<std::string>& silent, MonoTime mono,
                        WallTime now) {
  constexpr std::size_t kFew = 1'000;
  const auto last_look = std::exchange(last_look_, now);
  if (seen_.size() > 2 * telemetry.size() + kFew)
    std::erase_if(seen_, [&](const auto& of) { return !telemetry.contains(of.first); });
  for (auto& [node, said] : telemetry) {
    if (!said.last_report) continue;
    const WallTime report = *said.last_report;
    const Nanos age = std::max(Nanos{now - report}, Nanos{0});
    const auto [found, first] = seen_.try_emplace(node, Seen{report, mono - age});
    Seen& seen = found->second;
    const bool may_be_old = !last_look || report < *last_look - kLate || silent.contains(node);
    if (first && may_be_old) seen.since = mono - std::max(age, kLongestRepeat);
    if (!first && (report > seen.newest || report < seen.newest - kLongestRepeat))
      seen = {report, mono - age};
    const Nanos counted = mono - seen.since;
    if (counted > age + kDrift) said.last_report = now - counted;
  }
}

}  // namespace gpuscale::scaling
