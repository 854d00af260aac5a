// SPDX-License-Identifier: Apache-2.0
/// What a policy would have cost and lost, had it been the only one: the pool model of sim, kept up to date
/// on the demand that the live pool shows. The same reckoned for the pool as it really was is what to compare
/// with. Pure: time and measurements are passed in. Not thread-safe.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "policy/council.h"
#include "sim/pool_run.h"

namespace gpuscale::scaling {

struct TrialSums {
  std::int64_t looks = 0;    ///< that this is about, each Council::kTickSeconds
  double node_seconds = 0;   ///< paid
  double offered = 0;        ///< work, in node-seconds
  double bad = 0;            ///< of it, lost or late
  std::int64_t crowded = 0;  ///< looks at which the pool was all but full

  double node_hours() const { return node_seconds / 3'600; }
  double bad_share() const { return offered > 0 ? bad / offered : 0; }
  TrialSums& operator+=(const TrialSums& other);
  friend bool operator==(const TrialSums&, const TrialSums&) = default;
};

/// Sums by the hour, the newest kKeptHours of them.
class TrialHours {
 public:
  static constexpr std::size_t kKeptHours = 7 * 24;
  void add(WallTime at, const TrialSums& sums);
  /// Of the hours that overlap the window before `now`.
  TrialSums within(Nanos window, WallTime now) const;

  std::string text() const;
  static Result<TrialHours> parse(const std::string& text);  ///< kCorrupt

 private:
  std::map<std::int64_t, TrialSums> hours_;  ///< by hours since 1970
};

/// One look at the live pool, as trials need it.
struct TrialLook {
  WallTime at;
  double demand = 0;  ///< node-equivalents of work that came
  std::int64_t ready = 0;
  std::int64_t paid = 0;
  std::int64_t min_nodes = 0;
  std::int64_t max_nodes = 0;
  std::int64_t boot_seconds = 0;
  /// Of a policy that goes by one: what each of the `ready` nodes had of it; absent = unknown.
  std::optional<double> value{};
};

/// Utilisation from which a pool counts as all but full.
constexpr double kCrowded = 0.95;

/// The demand that a look shows: what the nodes did; a full pool may have been asked for more than it shows,
/// so that it counts with a margin. What was refused beyond that nobody sees. Without a
/// measurement `last` stands.
double demand_of(const policy::Observation& seen, double last);

/// One that goes by utilisation, or by a value per node: what all nodes had of it together is then shared by
/// the nodes of the trial. Of a step policy nobody knows what its value would be in another pool.
bool can_be_tried(const policy::PolicySpec& spec);

class PolicyTrial {
 public:
  /// Of a policy that can_be_tried(), with what it has `learned` ("" = nothing).
  PolicyTrial(const policy::PolicySpec& spec, const std::string& learned, const TrialLook& first,
              TrialHours hours);
  /// Of the pool as it is.
  PolicyTrial(const TrialLook& first, TrialHours hours);

  /// Returns what this look added.
  TrialSums look(const TrialLook& look);
  const TrialHours& hours() const { return hours_; }

 private:
  std::unique_ptr<policy::Policy> policy_;  ///< null = the pool as it is
  std::optional<std::int64_t> boot_seconds_;
  std::unique_ptr<sim::PoolRun> run_;
  TrialHours hours_;
};

}  // namespace gpuscale::scaling
