// SPDX-License-Identifier: Apache-2.0
#include "scaling/class_load.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace gpuscale::scaling {
namespace {

/// Work that small is the rounding of none.
constexpr double kNoWork = 1e-6;

}  // namespace

std::optional<double> capacity_of(const std::string& gpu_class, const std::map<std::string, double>& known) {
  std::optional<double> out;
  std::size_t longest = 0;
  for (const auto& [name, capacity] : known) {
    if (!gpu_class.starts_with(name) || name.size() < longest) continue;
    longest = name.size();
    out = capacity;
  }
  return out;
}

Departures::Departures(std::vector<ClassLoad> classes, bool capacities_known, double ceiling)
    : capacities_known_(capacities_known), ceiling_(ceiling) {
  for (ClassLoad& load : classes) {
    if (!capacities_known) load.capacity = 1;
    shares_.push_back({std::move(load)});
  }
}

Departures::Burden Departures::burden_without(const std::string& gpu_class) const {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  double all = 0;
  double left = 0;
  double work = 0;
  for (const Share& share : shares_) {
    // Nodes that do nothing are sent nothing: their going moves no load, their staying bears none.
    if (share.load.work <= kNoWork) continue;
    const int gone = share.gone + (share.load.gpu_class == gpu_class ? 1 : 0);
    all += share.load.nodes * share.load.capacity;
    left += (share.load.nodes - gone) * share.load.capacity;
    work += share.load.work * share.load.capacity;
  }
  Burden most;
  for (const Share& share : shares_) {
    const ClassLoad& load = share.load;
    if (load.nodes == 0 || load.work <= kNoWork) continue;
    const int nodes = load.nodes - share.gone - (load.gpu_class == gpu_class ? 1 : 0);
    double percent = 0;
    if (nodes > 0) {
      percent = 100 * load.work / load.nodes * all / left;
      if (!capacities_known_) percent = std::max(percent, 100 * load.work / nodes);
    } else {
      percent = capacities_known_ && left > 0 ? 100 * work / left : kInfinite;
    }
    if (percent >= most.percent) most = {percent, load.gpu_class, std::max(nodes, 0)};
  }
  return most;
}

bool Departures::may_go(const std::string& gpu_class, const Burden& without) const {
  // The slack keeps a load that is exactly at the ceiling from being over it by the last bit of a division.
  constexpr double kSlack = 1e-9;
  const bool any_left = std::any_of(shares_.begin(), shares_.end(), [&](const Share& share) {
    return share.load.gpu_class == gpu_class && share.gone < share.load.nodes;
  });
  return any_left && without.percent <= ceiling_ * (1 + kSlack);
}

void Departures::take(const std::string& gpu_class) {
  for (Share& share : shares_) share.gone += share.load.gpu_class == gpu_class ? 1 : 0;
}

int most_departures(const std::vector<ClassLoad>& classes, bool capacities_known, double ceiling) {
  Departures departures(classes, capacities_known, ceiling);
  int most = 0;
  for (const ClassLoad& load : classes) {
    for (; departures.may_go(load.gpu_class); ++most) departures.take(load.gpu_class);
  }
  return most;
}

}  // namespace gpuscale::scaling
