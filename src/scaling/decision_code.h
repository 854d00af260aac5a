// SPDX-License-Identifier: Apache-2.0
/// The decisions of a pool with all their inputs, as bytes that a journal keeps and a replay reads:
/// everything that the pure functions look at, and what they answered. Pure.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "policy/council.h"
#include "scaling/reconcile.h"
#include "scaling/size_order.h"
#include "scaling/trigger.h"

namespace gpuscale::scaling {

struct TriggerInputs {
  TriggerSpec trigger;  ///< what decide_trigger() looks at: never its secret
  TriggerCall call;
  PoolView pool;
  WallTime now;
};
struct SizeInputs {
  SizeOrder order;
  pool::PoolSpec spec;
  RailsView rails;
  int desired = 0;
  WallTime now;
};
using DecisionInputs = std::variant<ReconcileInput, TriggerInputs, SizeInputs>;

/// "pass", "trigger", "size".
std::string_view name_of(const DecisionInputs& inputs);
WallTime time_of(const DecisionInputs& inputs);

/// Runs the very function that decides live; its whole answer as text.
std::string decide_again(DecisionInputs inputs);
std::string text_of(const Plan& plan);
std::string text_of(const TriggerOutcome& outcome);

/// How records are written. Raised with every change of what the visits write, so that a record of another
/// version of gpuscale is told from a damaged one, and none is read as what it is not; the test RecordLayout
/// fails where that was forgotten.
constexpr std::int64_t kRecordFormat = 2;

/// Of a pool's provider nothing is kept: no decision looks at it, and its options may hold secrets.
std::string encode(const ReconcileInput& input);
std::string encode(const TriggerInputs& input);
std::string encode(const SizeInputs& input);
/// Errors: kCorrupt.
Result<DecisionInputs> decode_inputs(std::string_view bytes);

/// One look of a pool's policies: what they saw and, shortened, what they answered.
struct CouncilTick {
  WallTime at;
  policy::Observation seen;
  std::int64_t min_nodes = 0;
  std::int64_t max_nodes = 0;
  std::optional<std::int64_t> boot_seconds;
  std::optional<std::int64_t> want;  ///< proposed; absent = nothing
  std::uint64_t digest = 0;          ///< of every opinion and the proposal, reasons included
};
std::string encode(const CouncilTick& tick);
Result<CouncilTick> decode_tick(std::string_view bytes);

/// How a council began: its state is this, and the ticks since.
struct CouncilSegment {
  std::vector<policy::PolicySpec> specs;       ///< without their queries: their values are in the ticks
  std::map<std::string, std::string> learned;  ///< by policy
  std::vector<CouncilTick> warm_up;            ///< seen before; nobody heard the answers
};
std::string encode(const CouncilSegment& segment);
Result<CouncilSegment> decode_segment(std::string_view bytes);

/// The council of a segment before its first tick. `unusable` gets the policies whose learned state is of
/// another version or damaged: they begin afresh.
policy::Council open_council(const CouncilSegment& segment, std::vector<std::string>* unusable = nullptr);
/// Lets the council look, and notes its answer in `tick`.
std::optional<policy::Proposal> look(policy::Council& council, CouncilTick& tick);

}  // namespace gpuscale::scaling
