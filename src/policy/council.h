// SPDX-License-Identifier: Apache-2.0
/// The policies of one live pool: each sees the same observations and says how many nodes it wants; the
/// largest wins growth, and all must agree to shrink. Shadows say it too and are not heard. Pure: time and
/// measurements are passed in. Not thread-safe.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "policy/catalogue.h"
#include "policy/formula.h"
#include "policy/step_rules.h"

namespace gpuscale::policy {

struct PolicySpec {
  std::string name;
  std::string pool;
  PolicyChoice choice;
  bool shadow = false;
  /// From launch to useful work; absent = learned from the pool's own boots.
  std::optional<std::int64_t> boot_seconds;
  Formula formula{};              ///< of kind target and step
  std::vector<StepRule> steps{};  ///< of kind step

  friend bool operator==(const PolicySpec&, const PolicySpec&) = default;
};

/// The kinds that go by a formula: "target", whose choice.knob is the amount a node is to have, and "step".
/// They need queries, and so cannot be simulated on a trace.
bool goes_by_formula(const PolicySpec& spec);

/// The kinds that a live pool can run, for people to choose from.
std::vector<std::string> live_policy_kinds();

/// As a live pool runs it, with nothing learned: lookout by utilisation. Of a spec without faults.
std::unique_ptr<Policy> make_live_policy(const PolicySpec& spec);

/// What a live pool cannot offer a policy, and what contradicts itself; one sentence each, "" in none.
std::vector<std::string> faults_of(const PolicySpec& spec);

/// What was measured of a pool in one tick.
struct Observation {
  std::int64_t ready = 0;
  std::int64_t booting = 0;
  /// Of the ready nodes that were heard, 0..1; absent = none was.
  std::optional<double> utilization;
  /// Whether every ready node was heard. While one was not, nobody may ask for fewer: silence is no idleness.
  bool complete = true;
  std::map<std::string, double, std::less<>> signals{};  ///< of policies with a formula, where it has a value
};

/// What one policy thinks.
struct Opinion {
  std::string policy;
  bool shadow = false;
  std::optional<std::int64_t> want;  ///< absent = as it is
  std::string reason;
  Evidence evidence{};
};

struct Proposal {
  std::int64_t want = 0;
  std::string decided_by;  ///< the policy
  std::string reason;
};

class Council {
 public:
  static constexpr std::int64_t kTickSeconds = 5;
  static constexpr std::int64_t kDefaultBootSeconds = 120;

  explicit Council(std::vector<PolicySpec> specs);

  /// A tick has passed. @param at now: what hour and day it is, which forecasts may go by
  /// @param boot_seconds what the pool's boots took lately (p90); absent = unknown
  /// @returns what to have now, where that is known and differs from ready + booting
  std::optional<Proposal> tick(const Observation& seen, WallTime at, std::int64_t min_nodes,
                               std::int64_t max_nodes, std::optional<std::int64_t> boot_seconds);
  /// Of every policy, as of its latest turn.
  const std::vector<Opinion>& opinions() const { return opinions_; }

  /// By policy; see Policy::learned().
  std::string learned(const std::string& policy) const;
  Result<void> relearn(const std::string& policy, std::string_view text);

 private:
  struct Member {
    PolicySpec spec;
    std::unique_ptr<Policy> policy;
  };
  void remember(const Observation& seen);
  void forget();

  std::vector<Member> members_;
  std::vector<Opinion> opinions_;
  std::int64_t tick_ = 0;         ///< ticks that have ended
  std::int64_t first_tick_ = 0;   ///< of the series below
  double heard_utilization_ = 0;  ///< when nodes were last heard
  double heard_work_ = 0;         ///< then, in a tick; node-seconds
  std::vector<double> utilization_;
  std::vector<double> served_;
  std::vector<double> backlog_;
};

}  // namespace gpuscale::policy
