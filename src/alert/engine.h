// SPDX-License-Identifier: Apache-2.0
/// The ticking shell around evaluate() and advance(): asks the data source (once for all rules that ask the
/// same at the same moment), stores each rule's state before
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
#include "alert/facts.h"
#include "alert/rule.h"
#include "alert/silence.h"
#include "base/result.h"
#include "base/time.h"
#include "datasource/data_source.h"
#include "db/database.h"
#include "log/log.h"
#include "metrics/point.h"

namespace gpuscale::alert {

/// kRecovering: seen false, and waiting for keep_firing_for to pass.
enum class State { kInactive, kPending, kFiring, kRecovering, kNoData, kError, kPaused };
/// "inactive", "pending", "firing", "recovering", "no_data", "error", "paused".
std::string_view to_string(State state);

/// One thing to tell: a rule's change of state, its repeat while it holds, or, without channels, what is to
/// become of messages that still wait: of a firing rule they wait on while it is `held`, of any other they
/// are called off.
struct Notification {
  std::string rule;
  metrics::Tags instance;  ///< of a rule with a state per series: which
  std::vector<std::string> channels;
  State state = State::kFiring;
  bool held = false;           ///< the rule has lost its data, is muted or recovers, and keeps its state
  std::uint64_t sequence = 0;  ///< counts the notifications of this state; survives restarts
  std::string correlation;     ///< one per episode
  WallTime at;
  WallTime starts_at;      ///< of the episode
  std::string title;       ///< "[Alerting] GPU usage high"
  std::string text;        ///< what was compared with what: "avg(C, 1m) = 61.2 > 45"
  std::string message;     ///< its owner's words, rendered
  std::string pool;        ///< of the rule, "" = none
  Texts labels;            ///< the rule's, rendered, and the series'
  Texts annotations;       ///< rendered
  nlohmann::json values;   ///< array of {"metric": "...", "value": n, "tags": {..}|null, "matched"}
  WallTime newest_sample;  ///< time of the newest sample looked at; the timeline starts there
};

/// One series of a rule that keeps a state per series.
struct InstanceStatus {
  metrics::Tags labels;
  State state = State::kInactive;
  WallTime since;
  std::optional<double> value;
  std::string correlation;
};

struct RuleStatus {
  RuleSpec spec;
  State state = State::kInactive;  ///< of a rule with a state per series: the gravest
  WallTime since;
  std::optional<WallTime> evaluated_at;
  Nanos took{0};            ///< the last evaluation
  std::string explanation;  ///< "avg(C, 1m) = 61.2 > 45"
  nlohmann::json values;    ///< as in Notification
  std::string last_error;   ///< of the last evaluation, "" where it went well
  std::string muted_by;     ///< "" = it may tell
  std::string correlation;
  std::vector<InstanceStatus> instances;  ///< at most kMaxShownInstances
};
inline constexpr std::size_t kMaxShownInstances = 100;

struct EngineOptions {
  int threads = 2;  ///< that look at rules; more take over, up to kMostSpareThreads, where these are held up
  /// A look that takes longer makes its rule a slow one: those have threads of their own, kSlowThreads, until
  /// they are quick again.
  std::chrono::milliseconds patience{200};
  std::chrono::milliseconds query_timeout{10'000};  ///< for all queries of one look together
  /// When the newest sample of this time was stored, where that is known; for the timeline alone.
  /// Thread-safe.
  std::function<std::optional<WallTime>(WallTime sample)> stored_at;
  /// The facts of a pool; thread-safe. Empty = none are known.
  std::function<Facts(const std::string& pool)> facts;
  /// By which mute window a rule is muted at that time; nullopt = by none. Thread-safe.
  std::function<std::optional<std::string>(const std::string& rule, WallTime now)> muted;
  /// Moments are rounded down to this, so that rules which ask the same share an answer.
  std::chrono::milliseconds moment{100};
};

inline constexpr int kSlowThreads = 2;
inline constexpr int kMostSpareThreads = 8;

class Engine {
 public:
  /// Durable on return of the sink: a notification whose sink failed is handed over again on the next tick.
  using Sink = std::function<Result<void>(const Notification&)>;

  static Result<std::unique_ptr<Engine>> open(db::Database& database, activity::Ledger& ledger,
                                              datasource::DataSource& source, const Clock& clock,
                                              log::Log log, Sink sink, EngineOptions options = {});
  virtual ~Engine() = default;  ///< stops

  /// Replaces the set of rules, also while they are looked at. A rule whose spec stays goes on untouched. One
  /// that was edited keeps its states; where what it asks or judges has changed, one that fires is held until
  /// it has looked, and one that is pending begins anew. Specs must be free of faults.
  virtual Result<void> set_rules(std::vector<RuleSpec> rules) = 0;
  virtual std::vector<RuleStatus> status() const = 0;

  /// Keeps the rules it covers from telling until it expires; the id is given here. Lasts over restarts.
  /// Errors: kInvalidArgument (until is past), kExhausted (kMaxSilences).
  virtual Result<Silence> silence(Silence silence) = 0;
  /// Errors: kNotFound.
  virtual Result<void> lift_silence(const std::string& id) = 0;
  virtual std::vector<Silence> silences() const = 0;  ///< not expired, by their ends

  /// Evaluates what is due at `now` on the calling thread; start() does so on threads of its own.
  virtual void tick(WallTime now) = 0;
  virtual void start() = 0;
  virtual void stop() = 0;  ///< idempotent
};

}  // namespace gpuscale::alert
