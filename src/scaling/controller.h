// SPDX-License-Identifier: Apache-2.0
/// The controller: desired sizes, nodes and triggers, all in state.db; each tick moves what is towards what
/// should be. Level, not edge: it starts from what the provider and the telemetry show, so that it resumes
/// after kill -9 at any instruction with nothing launched twice and nothing forgotten. Public methods are
/// thread-safe.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "activity/ledger.h"
#include "base/digest.h"
#include "base/result.h"
#include "base/time.h"
#include "db/database.h"
#include "log/log.h"
#include "pool/node.h"
#include "pool/provider.h"
#include "scaling/budget.h"
#include "scaling/errand_desk.h"
#include "scaling/flap_meter.h"
#include "scaling/phase.h"
#include "scaling/removal_proof.h"
#include "scaling/telemetry.h"
#include "scaling/trigger.h"
#include "scaling/victim.h"

namespace gpuscale::scaling {

struct NodeStatus {
  pool::Node node;
  NodeTelemetry telemetry;
  int victim_rank = 0;        ///< 1 = would be taken next; 0 = would not be taken
  std::string victim_reason;  ///< why (not)
  Victim victim;              ///< the same in numbers, and its health
  std::string drain;          ///< how far a draining node has come; else ""
  std::string drain_phase;    ///< the same in one word: LedgerLine::drain_phase
  bool parked = false;        ///< drained, and kept to return at once
};

struct PoolStatus {
  pool::PoolSpec spec;
  int desired = 0;
  pool::PoolCounts counts;
  PoolPhase phase = PoolPhase::kSteady;
  std::string phase_reason;
  PhaseCause phase_cause = PhaseCause::kCounts;
  std::optional<WallTime> cooldown_out_until;
  std::optional<WallTime> cooldown_in_until;
  RemovalProof proof;  ///< of the last pass: how many can be spared
  std::int64_t saved_boots = 0;
  Hold hold;                                  ///< kNone once it has expired
  std::optional<SizeOverride> size_override;  ///< while it holds
  BudgetView budget;
  FlapMeter flaps;
};

struct ControllerOptions {
  std::chrono::milliseconds tick{200};
  Nanos telemetry_window = std::chrono::seconds{15};
  int fleet_max_gpus = 0;  ///< of all pools together; 0 = no cap
  /// What makes a node's id unique beside its pool's name; tests that must repeat give their own.
  std::function<std::string()> id_suffix = [] { return base::random_hex(3); };
  ErrandSenders errands{};  ///< who runs commands and calls URLs for triggers
};

class Controller {
 public:
  using ProviderFactory = std::function<Result<std::unique_ptr<pool::NodeProvider>>(const pool::PoolSpec&)>;

  static Result<std::unique_ptr<Controller>> open(db::Database& database, activity::Ledger& ledger,
                                                  Telemetry& telemetry, const Clock& clock, log::Log log,
                                                  ProviderFactory providers, ControllerOptions options = {});
  virtual ~Controller() = default;  ///< stops; leaves the nodes as they are

  /// The pools and triggers of the config; a pool keeps its desired size (clipped to new bounds), a trigger
  /// its secret. Returns the secrets made for triggers that had none: (trigger, secret), to be shown once.
  virtual Result<std::vector<std::pair<std::string, Secret>>> configure(
      std::vector<pool::PoolSpec> pools, std::vector<TriggerSpec> triggers) = 0;

  virtual std::vector<PoolStatus> pools() const = 0;
  virtual std::vector<NodeStatus> nodes(const std::string& pool) const = 0;  ///< "" = all; not those gone
  virtual std::vector<TriggerSpec> triggers() const = 0;                     ///< their own secrets empty

  /// kNotFound (unknown trigger), kUnauthenticated (wrong secret; compared by hash in constant time).
  virtual Result<void> authenticate(const std::string& trigger, const std::string& secret) const = 0;
  /// sha256_hex of the trigger's secret: the key that signed calls are checked with. kNotFound (unknown
  /// trigger), kUnsupported (a secret stored before signed calls existed).
  virtual Result<std::string> secret_digest(const std::string& trigger) const = 0;
  /// Gives the trigger a new secret, shown this once; the old one ends at once. Errors: kNotFound, kConflict
  /// (its secret is declared in the configuration).
  virtual Result<Secret> rotate_secret(const std::string& trigger, const std::string& who) = 0;
  /// Refuses, or takes again, every call; lasts over restarts. Errors: kNotFound, kConflict (off in the
  /// configuration).
  virtual Result<void> enable_trigger(const std::string& trigger, bool on, const std::string& who) = 0;
  /// Decides and makes it last in one transaction with its ledger entry and its idempotency key. Errors:
  /// kNotFound, kInvalidArgument (step). A refusal is an outcome, not an error.
  virtual Result<TriggerOutcome> pull(const TriggerCall& call) = 0;
  /// What a trigger of type run or call was pulled for, newest first.
  virtual Result<std::vector<Errand>> errands(const std::string& trigger, std::size_t most) const = 0;
  /// Sets the desired size by hand (clipped to min, max, fleet and budget); `who` goes into the ledger. With
  /// `hold_for` nothing else moves the pool for so long; without, an override that stands is lifted.
  virtual Result<TriggerOutcome> set_desired(const std::string& pool, int desired, const std::string& who,
                                             std::optional<Nanos> hold_for) = 0;
  Result<TriggerOutcome> set_desired(const std::string& pool, int desired, const std::string& who) {
    return set_desired(pool, desired, who, std::nullopt);
  }
  /// The same as a policy asks for it: every guard rail binds (holds, overrides, rates, stabilisation), and
  /// an override stays.
  virtual Result<TriggerOutcome> propose_size(const std::string& pool, int desired,
                                              const std::string& who) = 0;
  /// Pauses the pool, lets it only grow, or (kNone) lets it go on.
  virtual Result<void> set_hold(const std::string& pool, Hold hold) = 0;
  /// Drains, then ends this node; the pool replaces it if desired asks for it.
  virtual Result<void> release_node(const std::string& node, const std::string& who) = 0;
  /// The node takes no new work and stays, until it is taken back or released; the pool replaces it.
  virtual Result<void> hold_node(const std::string& node, const std::string& who) = 0;
  /// Takes a draining node back. kConflict where its end has begun or it does not drain.
  virtual Result<void> undrain_node(const std::string& node, const std::string& who) = 0;
  virtual Result<void> protect_node(const std::string& node, bool on, const std::string& who) = 0;

  /// One pass over every pool, then the errands that wait.
  virtual void tick(WallTime now) = 0;
  virtual void start() = 0;
  virtual void stop() = 0;  ///< idempotent
  /// Ends every node of every pool (what `gpuscale up` does when it ends); waits up to `patience`.
  virtual Result<void> shut_down_nodes(std::chrono::milliseconds patience) = 0;
};

}  // namespace gpuscale::scaling
