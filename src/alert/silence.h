// SPDX-License-Identifier: Apache-2.0
/// A silence keeps rules from telling until it expires; their states go on. Pure.
#pragma once
#include <map>
#include <string>

#include "base/time.h"
#include "metrics/point.h"

namespace gpuscale::alert {

struct Silence {
  std::string id;                             ///< "s-" and 16 hex digits, set by the engine
  std::string rule;                           ///< "" = any
  std::map<std::string, std::string> labels;  ///< each must be among the series' labels
  WallTime until;
  std::string who;
  std::string comment;
};

inline constexpr std::size_t kMaxSilences = 1'000;

inline bool covers(const Silence& silence, const std::string& rule, const metrics::Tags& labels,
                   WallTime now) {
  if (now >= silence.until || (!silence.rule.empty() && silence.rule != rule)) return false;
  for (const auto& [key, value] : silence.labels) {
    if (metrics::tag_value(labels, key) != value) return false;
  }
  return true;
}

}  // namespace gpuscale::alert
