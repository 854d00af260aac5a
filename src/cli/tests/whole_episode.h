// SPDX-License-Identifier: Apache-2.0
/// One acceptance episode as the server tells it, for tests to take steps away from.
#pragma once
#include <string>

#include "base/rfc3339.h"
#include "cli/episode.h"

namespace gpuscale::cli {

inline const WallTime kStart = base::from_unix_nanos(1'700'000'000'000'000'000);

inline WallTime at(double seconds) {
  return kStart + std::chrono::duration_cast<Nanos>(std::chrono::duration<double>(seconds));
}

inline activity::Entry entry(double seconds, std::string kind, std::string subject, std::string correlation,
                             nlohmann::json details = nlohmann::json::object()) {
  activity::Entry e;
  e.at = at(seconds);
  e.kind = std::move(kind);
  e.subject = std::move(subject);
  e.correlation = std::move(correlation);
  e.details = std::move(details);
  return e;
}

inline nlohmann::json change(const char* type, int from, int to) {
  return {{"type", type}, {"from", from}, {"to", to}};
}

/// A whole episode: load rises at 20 s, falls at 80 s.
inline EpisodeInput whole() {
  EpisodeInput input;
  input.load_step_at = at(20);
  input.first_fall_at = at(60);
  input.load_back_at = at(70);
  input.load_fall_at = at(80);
  const std::string newest = base::format_rfc3339(at(22.5));
  const std::string stored = base::format_rfc3339(at(22.6));
  input.entries = {
      entry(5, "rule.firing", "GPU usage low", "c-low"),
      entry(5.1, "message.sent", "scale_in", "c-low"),
      entry(23, "rule.firing", "GPU usage high", "c-out", {{"newest_sample", newest}, {"stored_at", stored}}),
      entry(23.2, "trigger.accepted", "gpu-out", "c-out", change("scale_out", 2, 3)),
      entry(23.2, "pool.desired", "gpu", "c-out", change("scale_out", 2, 3)),
      entry(23.3, "message.sent", "scale_out", "c-out"),
      entry(23.4, "node.launching", "gpu-3", "c-out"),
      entry(23.6, "node.booting", "gpu-3", "c-out"),
      entry(25, "node.ready", "gpu-3", "c-out"),
      entry(40, "rule.ok", "GPU usage high", "c-out"),
      entry(68, "trigger.accepted", "gpu-in", "c-fall", change("scale_in", 3, 2)),
      entry(68.2, "node.draining", "gpu-2", "c-fall"),
      entry(75, "node.undrained", "gpu-2", "c-fall"),
      entry(95, "rule.firing", "GPU usage low", "c-in"),
      entry(95.1, "trigger.accepted", "gpu-in", "c-in", change("scale_in", 3, 2)),
      entry(95.2, "message.sent", "scale_in", "c-in"),
      entry(95.3, "node.draining", "gpu-2", "c-in"),
      entry(95.5, "node.drained", "gpu-2", "c-in", {{"in_flight", 0}}),
      entry(95.9, "node.gone", "gpu-2", "c-in"),
  };
  for (int s = 0; s <= 110; ++s) {
    Observation o;
    o.at = at(s);
    o.ready = s >= 25 && s < 96 ? 3 : 2;
    o.desired = s >= 24 && s < 96 ? 3 : 2;
    o.average = s < 22 ? 20.0 : s < 35 ? 80.0 : s < 80 ? 40.0 : 10.0;
    input.observations.push_back(o);
  }
  load::Report report;
  report.offered = 1000;
  report.served = 1000;
  input.load = report;
  return input;
}

}  // namespace gpuscale::cli
