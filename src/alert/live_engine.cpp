// SPDX-License-Identifier: Apache-2.0
#include "alert/live_engine.h"

#include <algorithm>
#include <utility>

#include "base/duration.h"
#include "base/rfc3339.h"

namespace gpuscale::alert {
namespace {

/// Longest sleep of an idle thread: a clock set forward is noticed within it.
constexpr Nanos kLongestSleep = std::chrono::seconds{1};

std::string title_of(const std::string& rule, State state) {
  switch (state) {
    case State::kFiring:
      return "[Alerting] " + rule;
    case State::kNoData:
      return "[No Data] " + rule;
    case State::kError:
      return "[Error] " + rule;
    case State::kPaused:
      return "[Paused] " + rule;
    default:
      return "[OK] " + rule;
  }
}

std::string summary_of(const RuleSpec& spec, const Step& step, const Evaluation& evaluation) {
  const std::string because = ": " + evaluation.explanation;
  if (step.ledger == "rule.firing") return spec.name + " fires" + because;
  if (step.ledger == "rule.ok") return spec.name + " is content again" + because;
  if (step.ledger == "rule.pending") {
    return spec.name + " fires if this holds for " + base::format_duration(spec.hold_for) + because;
  }
  if (step.ledger == "rule.sees_again") return spec.name + " has data again" + because;
  const std::string what = step.ledger == "rule.error" ? " could not be evaluated" : " has no data";
  return spec.name + what + " and stays " + std::string(to_string(step.next.state)) + because;
}

}  // namespace

LiveEngine::~LiveEngine() {
  stop();
}

// --- the set of rules
// ------------------------------------------------------------------------------------------

Result<LiveEngine::RulePtr> LiveEngine::make_rule(RuleSpec spec, std::map<std::string, StoredRule>& stored,
                                                  WallTime now) {
  auto rule = std::make_shared<Rule>();
  GS_TRY(rule->condition, parse_condition(spec.condition));
  rule->spec = std::move(spec);
  rule->stored.state.since = now;
  if (const auto found = stored.find(rule->spec.name); found != stored.end()) {
    rule->stored = std::move(found->second);
    stored.erase(found);
  }
  RuleState& state = rule->stored.state;
  // What happened while nobody looked is unknown, so `for` must hold anew.
  if (state.state == State::kPending) {
    state.state = State::kInactive;
    state.pending_since.reset();
  }
  if (rule->spec.paused && state.state != State::kPaused) {
    state.state = State::kPaused;
    state.since = now;
    state.notified_at.reset();
    state.blindness = Blindness::kNone;
    ++state.sequence;
    Notification calling_off = notification_of(*rule, state, now);
    calling_off.channels.clear();
    rule->stored.owed = std::move(calling_off);
    activity::Entry entry{.at = now,
                          .kind = "rule.paused",
                          .subject = rule->spec.name,
                          .correlation = state.correlation,
                          .summary = rule->spec.name + " is paused"};
    GS_CHECK(keep(rule->spec.name, rule->stored, &entry));
    hand_over(*rule);
  }
  // A message that waited through a restart may be about load that has gone: until the rule has looked, it is
  // held, as that of a rule that lost its data is.
  if (state.state == State::kFiring && state.blindness == Blindness::kNone && !rule->stored.owed) {
    state.blindness = Blindness::kNoData;
    Notification held = notification_of(*rule, state, now);
    held.channels.clear();
    rule->stored.owed = std::move(held);
    hand_over(*rule);
  }
  return rule;
}

/// A rule that is no more must not go on acting through a message that still waits.
Result<void> LiveEngine::retire(const RulePtr& rule, WallTime now) {
  const std::scoped_lock lock(rule->mutex);
  rule->removed = true;
  Notification calling_off = notification_of(*rule, rule->stored.state, now);
  calling_off.state = State::kPaused;
  calling_off.channels.clear();
  GS_CHECK(parts_.sink(calling_off));
  return parts_.database.transact(std::function<Result<void>(db::Transaction&)>(
      [&](db::Transaction& transaction) { return RuleStore::remove(transaction, rule->spec.name); }));
}

Result<std::vector<LiveEngine::RulePtr>> LiveEngine::make_rules(std::vector<RuleSpec> specs, WallTime now) {
  GS_TRY(const RuleStore store, RuleStore::open(parts_.database));
  GS_TRY(auto stored, store.load());
  std::vector<RulePtr> rules;
  for (RuleSpec& spec : specs) {
    GS_TRY(RulePtr rule, make_rule(std::move(spec), stored, now));
    rules.push_back(std::move(rule));
  }
  for (auto& [name, left] : stored) {
    auto gone = std::make_shared<Rule>();
    gone->spec.name = name;
    gone->stored = std::move(left);
    GS_CHECK(retire(gone, now));
  }
  return rules;
}

Result<void> LiveEngine::set_rules(std::vector<RuleSpec> specs) {
  const std::scoped_lock setup(setup_mutex_);
  std::vector<RulePtr> before;
  {
    const std::scoped_lock lock(mutex_);
    before = rules_;
  }
  const auto end_old = [&before](bool ended) {
    for (const RulePtr& rule : before) {
      const std::scoped_lock lock(rule->mutex);
      rule->removed = ended;
    }
  };
  // An evaluation that runs meanwhile would write over what is loaded: the old rules end first.
  end_old(true);
  auto rules = make_rules(std::move(specs), parts_.clock.wall());
  if (!rules) {
    end_old(false);
    return std::move(rules).error();
  }
  {
    const std::scoped_lock lock(mutex_);
    rules_ = *std::move(rules);
  }
  wake_.notify_all();
  return {};
}

std::vector<RuleStatus> LiveEngine::status() const {
  std::vector<RulePtr> rules;
  {
    const std::scoped_lock lock(mutex_);
    rules = rules_;
  }
  std::vector<RuleStatus> out;
  out.reserve(rules.size());
  for (const RulePtr& rule : rules) {
    const std::scoped_lock lock(rule->mutex);
    RuleStatus status;
    status.spec = rule->spec;
    status.state = shown_state(rule->stored.state);
    status.since = rule->stored.state.since;
    status.evaluated_at = rule->evaluated_at;
    status.explanation = rule->evaluation.explanation;
    status.values = rule->evaluation.values;
    status.last_error = rule->evaluation.error;
    status.correlation = rule->stored.state.correlation;
    out.push_back(std::move(status));
  }
  return out;
}

// --- turns
// -----------------------------------------------------------------------------------------------------

LiveEngine::RulePtr LiveEngine::take_due(WallTime now) {
  RulePtr longest;
  for (const RulePtr& rule : rules_) {
    if (rule->running || !is_due(rule->begun, rule->spec.every, now)) continue;
    if (!longest || rule->begun.value_or(WallTime::min()) < longest->begun.value_or(WallTime::min()))
      longest = rule;
  }
  if (!longest) return nullptr;
  longest->running = true;
  // The beat is kept where it can be; what was missed altogether is not made up for.
  const bool on_beat =
      longest->begun && now - *longest->begun < 2 * longest->spec.every && now > *longest->begun;
  longest->begun = on_beat ? *longest->begun + longest->spec.every : now;
  return longest;
}

void LiveEngine::finish(const RulePtr& rule) {
  const std::scoped_lock lock(mutex_);
  rule->running = false;
}

Nanos LiveEngine::until_next(WallTime now) const {
  Nanos shortest = kLongestSleep;
  for (const RulePtr& rule : rules_) {
    if (rule->running) continue;
    const Nanos left = rule->begun ? *rule->begun + rule->spec.every - now : Nanos{0};
    shortest = std::min(shortest, std::max(left, Nanos{0}));
  }
  return shortest;
}

void LiveEngine::tick(WallTime now) {
  while (true) {
    RulePtr rule;
    {
      const std::scoped_lock lock(mutex_);
      rule = take_due(now);
    }
    if (!rule) return;
    evaluate_now(*rule, now);
    finish(rule);
  }
}

void LiveEngine::start() {
  const std::scoped_lock lock(mutex_);
  if (!threads_.empty()) return;
  stopping_ = false;
  for (int i = 0; i < std::max(1, parts_.options.threads); ++i) threads_.emplace_back([this] { run(); });
}

void LiveEngine::stop() {
  std::vector<std::thread> threads;
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

void LiveEngine::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const WallTime now = parts_.clock.wall();
    const RulePtr rule = take_due(now);
    if (!rule) {
      wake_.wait_for(lock, until_next(now));
      continue;
    }
    lock.unlock();
    evaluate_now(*rule, now);
    lock.lock();
    rule->running = false;
  }
}

// --- one evaluation
// --------------------------------------------------------------------------------------------

std::vector<Answer> LiveEngine::ask(const Rule& rule, WallTime now) {
  const std::vector<const Term*> terms = terms_of(rule.condition);
  std::vector<Answer> answers;
  answers.reserve(terms.size());
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const Term& term = *terms[i];
    const auto same =
        std::find_if(terms.begin(), terms.begin() + static_cast<std::ptrdiff_t>(i), [&](const Term* t) {
          return t->query == term.query && t->window == term.window && t->delay == term.delay;
        });
    if (same != terms.begin() + static_cast<std::ptrdiff_t>(i)) {
      answers.push_back(answers[static_cast<std::size_t>(same - terms.begin())]);
      continue;
    }
    const WallTime to = now - term.delay;
    answers.push_back(parts_.source.query(
        {rule.spec.queries.at(term.query), to - term.window, to, now, parts_.options.query_timeout}));
  }
  return answers;
}

Notification LiveEngine::notification_of(const Rule& rule, const RuleState& state, WallTime now) const {
  Notification out;
  out.rule = rule.spec.name;
  out.channels = rule.spec.notify;
  out.state = state.state;
  out.blind = state.blindness != Blindness::kNone;
  out.sequence = state.sequence;
  out.correlation = state.correlation;
  out.at = now;
  out.title = title_of(rule.spec.name, state.state);
  out.text = rule.evaluation.explanation;
  if (!rule.spec.message.empty()) out.text = rule.spec.message + (out.text.empty() ? "" : "\n") + out.text;
  out.values = rule.evaluation.values;
  out.newest_sample = rule.evaluation.newest_sample.value_or(now);
  return out;
}

activity::Entry LiveEngine::entry_of(const Rule& rule, const Step& step, const Evaluation& evaluation,
                                     WallTime now) const {
  activity::Entry entry;
  entry.at = now;
  entry.kind = step.ledger;
  entry.subject = rule.spec.name;
  entry.correlation = step.next.correlation;
  entry.summary = summary_of(rule.spec, step, evaluation);
  entry.details = {{"condition", rule.spec.condition},
                   {"explanation", evaluation.explanation},
                   {"values", evaluation.values},
                   {"state", std::string(to_string(step.next.state))},
                   {"sequence", step.next.sequence}};
  if (evaluation.newest_sample) {
    entry.details["newest_sample"] = base::format_rfc3339(*evaluation.newest_sample);
    const auto stored =
        parts_.options.stored_at ? parts_.options.stored_at(*evaluation.newest_sample) : std::nullopt;
    if (stored) entry.details["stored_at"] = base::format_rfc3339(*stored);
  }
  return entry;
}

std::optional<Notification> LiveEngine::owed_after(const Rule& rule, const Step& step, WallTime now) const {
  if (step.tell) return notification_of(rule, step.next, now);
  const bool sight_changed = step.next.blindness != rule.stored.state.blindness;
  if (!sight_changed || step.next.state != State::kFiring || rule.stored.owed) return rule.stored.owed;
  Notification waiting = notification_of(rule, step.next, now);
  waiting.channels.clear();
  return waiting;
}

Result<void> LiveEngine::keep(const std::string& name, const StoredRule& next, activity::Entry* entry) {
  const std::function<Result<void>(db::Transaction&)> work([&](db::Transaction& transaction) -> Result<void> {
    GS_CHECK(RuleStore::save(transaction, name, next));
    if (entry != nullptr) GS_CHECK(parts_.ledger.append_in(transaction, *entry));
    return {};
  });
  GS_CHECK(parts_.database.transact(work));
  if (entry != nullptr) parts_.ledger.publish(*entry);
  return {};
}

/// Gives what is owed to the sink; what it does not take is owed still.
void LiveEngine::hand_over(Rule& rule) {
  if (!rule.stored.owed) return;
  if (const auto taken = parts_.sink(*rule.stored.owed); !taken) {
    parts_.log.warn("rule.notification_waits", {{"rule", rule.spec.name}, {"error", taken.error()}});
    return;
  }
  StoredRule next = rule.stored;
  next.owed.reset();
  // A crash, or a failure, before this is on disk hands it over twice; the sink knows it by its sequence.
  if (const auto kept = keep(rule.spec.name, next, nullptr); !kept) {
    parts_.log.error("rule.not_stored", {{"rule", rule.spec.name}, {"error", kept.error()}});
    return;
  }
  rule.stored = std::move(next);
}

void LiveEngine::log_step(const Rule& rule, const Step& step, const Evaluation& evaluation) const {
  if (step.ledger.empty()) return;
  if (step.ledger == "rule.error") {
    parts_.log.warn(step.ledger, {{"rule", rule.spec.name}, {"error", evaluation.error}});
  } else {
    parts_.log.info(step.ledger, {{"rule", rule.spec.name}, {"because", evaluation.explanation}});
  }
}

void LiveEngine::evaluate_now(Rule& rule, WallTime now) {
  if (rule.spec.paused) {
    // It is not looked at; but the calling-off that it owes has to arrive.
    const std::scoped_lock lock(rule.mutex);
    if (!rule.removed) hand_over(rule);
    return;
  }
  Evaluation evaluation = evaluate(rule.condition, ask(rule, now));
  const std::scoped_lock lock(rule.mutex);
  if (rule.removed) return;
  const Step step = advance(rule.spec, rule.stored.state, evaluation, now, activity::new_correlation());
  rule.evaluated_at = now;
  rule.evaluation = std::move(evaluation);
  const bool changed = step.tell || !step.ledger.empty() || step.next.state != rule.stored.state.state ||
                       step.next.blindness != rule.stored.state.blindness;
  if (changed) {
    StoredRule next{step.next, owed_after(rule, step, now)};
    activity::Entry entry = entry_of(rule, step, rule.evaluation, now);
    if (const auto kept = keep(rule.spec.name, next, step.ledger.empty() ? nullptr : &entry); !kept) {
      // Nobody is told of a state that is not on disk; the next turn tries again.
      parts_.log.error("rule.not_stored", {{"rule", rule.spec.name}, {"error", kept.error()}});
      return;
    }
    rule.stored = std::move(next);
    log_step(rule, step, rule.evaluation);
  }
  hand_over(rule);
}

}  // namespace gpuscale::alert
