// SPDX-License-Identifier: Apache-2.0
/// The ticking shell around evaluate() and advance(): asks the data source, stores each rule's state before
/// anyone is told of a change, writes the ledger, and hands notifications to a sink. State survives restarts.
/// Thread-safe.
#pragma once
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "activity/ledger.h"
#include "alert/rule.h"
#include "base/result.h"
#include "base/time.h"
#include "datasource/data_source.h"
#include "db/database.h"
#include "log/log.h"

namespace gpuscale::alert {

enum class State { kInactive, kPending, kFiring, kNoData, kError, kPaused };
/// "inactive", "pending", "firing", "no_data", "error", "paused".
std::string_view to_string(State state);

/// One thing to tell: a rule's change of state, its repeat while it holds, or, without channels, what is to
/// become of messages that still wait: of a firing rule they wait on while it is `blind`, of any other they
/// are called off.
struct Notification {
  std::string rule;
  std::vector<std::string> channels;
  State state = State::kFiring;
  bool blind = false;          ///< the rule has lost its data and keeps its state
  std::uint64_t sequence = 0;  ///< counts the notifications of this rule; survives restarts
  std::string correlation;     ///< one per episode
  WallTime at;
  std::string title;       ///< "[Alerting] GPU usage high"
  std::string text;        ///< what was compared with what: "avg(C, 1m) = 61.2 > 45"
  nlohmann::json values;   ///< array of {"metric": "...", "value": n, "tags": {..}|null}
  WallTime newest_sample;  ///< time of the newest sample looked at; the timeline starts there
};

struct RuleStatus {
  RuleSpec spec;
  State state = State::kInactive;
  WallTime since;
  std::optional<WallTime> evaluated_at;
  std::string explanation;  ///< "avg(C, 1m) = 61.2 > 45"
  nlohmann::json values;    ///< as in Notification
  std::string last_error;   ///< of the last evaluation, "" where it went well
  std::string correlation;
};

struct EngineOptions {
  int threads =
      2;  ///< that evaluate; one slow rule never delays another's turn for longer than the pool is full
  std::chrono::milliseconds query_timeout{10'000};
  /// When the newest sample of this time was stored, where that is known; for the timeline alone.
  /// Thread-safe.
  std::function<std::optional<WallTime>(WallTime sample)> stored_at;
};

class Engine {
 public:
  /// Durable on return of the sink: a notification whose sink failed is handed over again on the next tick.
  using Sink = std::function<Result<void>(const Notification&)>;

  static Result<std::unique_ptr<Engine>> open(db::Database& database, activity::Ledger& ledger,
                                              datasource::DataSource& source, const Clock& clock,
                                              log::Log log, Sink sink, EngineOptions options = {});
  virtual ~Engine() = default;  ///< stops

  /// Replaces the set of rules; the state of a rule whose name stays is kept. Specs must be free of faults.
  virtual Result<void> set_rules(std::vector<RuleSpec> rules) = 0;
  virtual std::vector<RuleStatus> status() const = 0;

  /// Evaluates what is due at `now` on the calling thread; start() does so on threads of its own.
  virtual void tick(WallTime now) = 0;
  virtual void start() = 0;
  virtual void stop() = 0;  ///< idempotent
};

}  // namespace gpuscale::alert
