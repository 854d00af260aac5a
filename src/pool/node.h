// SPDX-License-Identifier: Apache-2.0
/// Nodes and pools: the nouns that scaling decides about.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/strong_id.h"
#include "base/time.h"

namespace gpuscale::pool {

using NodeId = base::StrongId<struct NodeIdTag>;      ///< "gpu-7f3a9c"; unique for ever
using PoolName = base::StrongId<struct PoolNameTag>;  ///< "gpu"

/// launching: intent written, provider asked; booting: the instance exists, its agent has not reported a
/// working device; ready: it has; draining: takes no new work; gone: released (kept for history).
enum class NodeState { kLaunching, kBooting, kReady, kDraining, kGone };
std::string_view to_string(NodeState state);
std::optional<NodeState> parse_node_state(std::string_view text);

struct Node {
  NodeId id;
  PoolName pool;
  NodeState state = NodeState::kLaunching;
  WallTime created;
  WallTime state_since;
  std::optional<WallTime> ready_at;
  std::string endpoint;     ///< "http://127.0.0.1:40123"; "" while unknown
  std::string correlation;  ///< of the activity that made it
  std::string reason;       ///< why it is in this state
  bool protected_from_scale_in = false;

  friend bool operator==(const Node&, const Node&) = default;
};

/// Number of nodes that count as capacity now or soon: launching, booting, ready.
struct PoolCounts {
  int launching = 0;
  int booting = 0;
  int ready = 0;
  int draining = 0;
  int parked = 0;  ///< of the draining ones, those that are kept to return at once
  int capacity() const { return launching + booting + ready; }
  void add(NodeState state);
};

/// What a provider's service may be asked, for those that count calls.
struct CallLimits {
  int changes_per_minute = 0;  ///< launch, drain, undrain, terminate together; 0 = no limit
  Nanos list_every{0};         ///< 0 = with each pass of the controller
  friend bool operator==(const CallLimits&, const CallLimits&) = default;
};

/// The user's programs around a node's drain; each a command, empty = none. The first word is an absolute
/// path.
struct DrainHooks {
  std::vector<std::string> drain{};    ///< once it takes no new work
  std::vector<std::string> undrain{};  ///< once the drain is undone
  std::vector<std::string> end{};      ///< before a drained node ends
  Nanos limit = std::chrono::seconds{30};
  bool empty() const { return drain.empty() && undrain.empty() && end.empty(); }
  friend bool operator==(const DrainHooks&, const DrainHooks&) = default;
};

struct ProviderSpec {
  std::string type = "local";
  std::map<std::string, std::string> options{};  ///< provider's own keys, checked by it
  CallLimits limits{};
  DrainHooks hooks{};
  std::vector<ProviderSpec> fallback{};  ///< at most one: makes what this one has no capacity for
  friend bool operator==(const ProviderSpec&, const ProviderSpec&) = default;
};

/// What must hold before a scale-in takes a node, and how sick nodes are replaced.
struct ScaleInSpec {
  /// Percent of GPU work that the survivors may have at most; 0 = none stated: the line of the rule that
  /// grows the pool, else kDefaultCeiling.
  double ceiling = 0;
  Nanos window = std::chrono::minutes{1};  ///< whose peak load the survivors must be able to bear
  /// A drained node is kept this long before it is let go, so that load that returns finds it in one tick.
  Nanos watch{0};
  Nanos sick_after = std::chrono::seconds{30};  ///< of failed devices before a node counts as sick
  int replace_percent = 20;  ///< of the pool that may be replaced as sick at a time; at least one node
  int broken_percent = 45;   ///< of the ready nodes sick or silent, and over 3: removals stop
  /// What a node of a GPU class counts beside those of others, by the beginning of the class's name.
  std::map<std::string, double> capacity{};
};
constexpr double kDefaultCeiling = 90;

/// Drained nodes of a scale-in that stay parked: idle, without new work, paid for, back at once when the pool
/// grows.
struct WarmSpec {
  int nodes = 0;                          ///< the most at a time, those that drained last; 0 = none
  Nanos keep = std::chrono::minutes{10};  ///< from the beginning of the drain
};

/// At most `nodes` in any window of `per`; 0 = no limit.
struct RateLimit {
  int nodes = 0;
  Nanos per{0};
};

enum class BudgetPeriod { kDay, kWeek, kMonth };
/// What a pool may use up in a period; 0 = no limit. When it is used up the pool no longer grows.
struct BudgetSpec {
  double gpu_hours = 0;
  double money = 0;
  double price_per_gpu_hour = 0;
  BudgetPeriod period = BudgetPeriod::kDay;
};

/// What bounds changes of size beside min and max.
struct LimitsSpec {
  RateLimit out;
  RateLimit in;
  Nanos stabilise_out{0};  ///< the lowest size wanted within this window wins
  Nanos stabilise_in{0};   ///< the highest
  BudgetSpec budget;
  int gpus_per_node = 1;
};

struct PoolSpec {
  std::string name;
  ProviderSpec provider;
  int min = 1;
  int max = 1;
  Nanos cooldown_out = std::chrono::seconds{30};
  Nanos cooldown_in = std::chrono::minutes{2};
  Nanos boot_timeout = std::chrono::minutes{5};  ///< launch to ready; then replaced
  Nanos telemetry_timeout =
      std::chrono::seconds{15};  ///< a ready node whose process lives but says nothing is "silent"
  Nanos drain_timeout = std::chrono::minutes{10};  ///< 0 = wait for ever
  ScaleInSpec scale_in;
  WarmSpec warm;
  LimitsSpec limits;
  friend bool operator==(const PoolSpec& a, const PoolSpec& b) { return a.name == b.name; }
};

}  // namespace gpuscale::pool
