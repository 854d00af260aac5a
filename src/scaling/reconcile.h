// SPDX-License-Identifier: Apache-2.0
/// From what should be and what is to the next steps, as a plain function: no clock, no calls, no storage. It
/// runs on levels, never on events, so that a pass after a crash finds the same work to do as the pass that
/// was cut short. Start at reconcile(). The controller writes each step down before it carries it out.
#pragma once
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "pool/node.h"
#include "pool/provider.h"
#include "scaling/node_record.h"
#include "scaling/removal_proof.h"
#include "scaling/telemetry.h"
#include "scaling/victim.h"

namespace gpuscale::scaling {

/// Consecutive observations of no request in flight, and the least time between first and last, before a
/// draining node counts as drained: one alone could fall between a caller's choice of the node and the
/// request's arrival.
constexpr int kIdleObservations = 2;
constexpr Nanos kIdleTime = std::chrono::milliseconds{200};

/// A draining node whose GPUs still do this much (percent) is not idle, whatever its endpoint says.
constexpr double kIdleBelow = 5;

struct NodeView {
  NodeRecord record;
  Nanos in_state{0};                       ///< by the monotonic clock, as far as this process has seen it
  bool call_due = true;                    ///< the back-off of its provider calls has passed
  std::optional<pool::Workload> workload;  ///< of a draining node; absent = unknown
  bool workload_unsupported = false;  ///< its provider cannot ask it: telemetry alone says when it is idle
  int idle_observations = 0;          ///< consecutive ones: refuses work and has none in flight
  Nanos idle_for{0};                  ///< between the first and the last of them
  Nanos failing_for{0};               ///< since it first reported a failed device without a pause
};

struct ReconcileInput {
  pool::PoolSpec spec;
  int desired = 0;
  std::vector<NodeView> nodes;                           ///< all that are not gone
  std::optional<std::vector<pool::Instance>> instances;  ///< absent = the provider could not say
  std::optional<TelemetryByNode> telemetry;              ///< absent = could not be read
  std::set<std::string> gone;  ///< of the instances without a record: the ids that we had let go
  bool launch_allowed = true;  ///< the back-off after failed boots has passed
  bool closing = false;        ///< all nodes are to go, none is to come
  Nanos watching{0};           ///< how long this process has been able to hear the agents
  double band = 1;             ///< factor on the ceiling of scale-in, of the flap meter
  std::string held;            ///< why a person forbids to remove any; "" = nobody does
  double peak_work = 0;        ///< highest measured load over scale_in.window, in nodes' worth
  std::map<std::string, double> peak_by_class{};  ///< the same, of pools of several GPU classes
  WallTime now;
};

enum class ActionKind {
  kAdopt,        ///< an instance nobody knows joins as booting
  kAdoptOrphan,  ///< an instance that we had let go is drained and ended
  kSetEndpoint,
  kMarkBooting,
  kMarkReady,
  kMarkSilent,
  kMarkHeard,
  kMarkLost,  ///< its instance has gone without our doing
  kMarkGone,  ///< its instance has gone, as decided
  kLaunch,    ///< a new node: intent, then the call
  kBeginDrain,
  kUndrain,
  kEnd,        ///< no way back from here: intent, then the call
  kAskLaunch,  ///< the four below repeat a call whose intent stands
  kAskDrain,
  kAskUndrain,
  kAskTerminate,
};
std::string_view to_string(ActionKind kind);

struct Action {
  ActionKind kind;
  std::string node;    ///< "" for kLaunch: the shell makes the id
  std::string reason;  ///< one sentence
  DrainCause cause = DrainCause::kNone;
  std::string endpoint;
  std::optional<int> desired;  ///< of a kUndrain by load: what the pool is to have from now on
  std::optional<double> work;  ///< the load measured then, in nodes' worth
  nlohmann::json details = nlohmann::json::object();  ///< inputs
  /// Those next in turn, and why not the others; one text for all drains of the pass. Null for other steps.
  std::shared_ptr<const nlohmann::json> ranking{};
};

/// What the pass has judged a node by.
struct LedgerLine {
  std::string node;
  Victim victim;
  std::string drain;             ///< how far it has come, where it drains; else ""
  std::string_view drain_phase;  ///< the same for programs: of to_string(DrainPhase), or "parked"
  bool parked = false;
};

struct Plan {
  std::vector<Action> actions;     ///< in the order to be carried out
  std::vector<LedgerLine> ledger;  ///< every node as it stood before the pass removed any
  RemovalProof proof;
  std::string removals_stopped;  ///< why nothing is removed, where the fleet looks broken; else ""
  std::string scale_in_blocked;  ///< why a surplus stays, where it does; else ""
  std::string launch_blocked;    ///< why a missing node is not launched, where a bound forbids it; else ""
};

/// The steps of one pass. Guarantees, by construction and by the property test: no step counts on an unknown;
/// no node with unknown or positive workload ends before drain_timeout; what drains for a scale-in returns
/// before anything is launched; ready plus coming nodes never fall under the desired size by a drain, but for
/// sick ones; no healthy node is taken beyond the removal proof. O(n log n).
/// The nodes are worked on where they are, since a copy of 10,000 is dear; on return `input` is as it was.
Plan reconcile(ReconcileInput& input);
Plan reconcile(ReconcileInput&& input);

}  // namespace gpuscale::scaling
