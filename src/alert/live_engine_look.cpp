// SPDX-License-Identifier: Apache-2.0
// One evaluation of one rule: ask, judge, write down, hand over.
#include <algorithm>
#include <utility>

#include "alert/alignment.h"
#include "alert/grafana44.h"
#include "alert/live_engine.h"
#include "base/rfc3339.h"

namespace gpuscale::alert {
namespace {

WallTime rounded_down(WallTime now, Nanos to) {
  return to <= Nanos{0} ? now : now - now.time_since_epoch() % to;
}

std::vector<const Answer*> pointers_to(const std::vector<AnswerCache::AnswerPtr>& answers, std::size_t begin,
                                       std::size_t end) {
  std::vector<const Answer*> out;
  for (std::size_t i = begin; i < end; ++i) out.push_back(answers[i].get());
  return out;
}

Evaluation evaluate_by_profile(const LiveRule& rule, const std::vector<const Answer*>& answers,
                               const Facts& facts) {
  if (rule.spec.profile == Profile::kGrafana44) return grafana44::evaluate(rule.condition, answers);
  return evaluate(rule.condition, answers, facts,
                  rule.spec.per_series ? Granularity::kPerSeries : Granularity::kWhole);
}

bool is_empty(const Answer& answer) {
  const auto has_value = [](const datasource::Series& series) {
    return std::any_of(series.samples.begin(), series.samples.end(),
                       [](const datasource::Sample& sample) { return sample.value.has_value(); });
  };
  return answer && std::none_of(answer->begin(), answer->end(), has_value);
}

bool differs(const RuleState& a, const RuleState& b) {
  return a.state != b.state || a.since != b.since || a.pending_since != b.pending_since ||
         a.calm_since != b.calm_since || a.notified_at != b.notified_at || a.blindness != b.blindness ||
         a.muted != b.muted;
}

}  // namespace

datasource::Query LiveEngine::query_of(const LiveRule& rule, const Reduction& reduction, WallTime moment,
                                       Nanos timeout) const {
  const std::string& text = rule.spec.queries.at(reduction.query);
  const WallTime to = moment - reduction.delay;
  const bool aligned = rule.spec.whole_buckets && rule.spec.profile == Profile::kOwn;
  AlignedQuery query =
      aligned ? align(text, reduction.window, to) : AlignedQuery{text, to - reduction.window, to};
  return {std::move(query.text),
          query.from,
          query.to,
          moment,
          std::chrono::ceil<std::chrono::milliseconds>(timeout),
          rule.source_of(reduction)};
}

std::optional<std::vector<AnswerCache::AnswerPtr>> LiveEngine::ask(const Inquiry& inquiry,
                                                                   std::optional<Nanos> patience) {
  const LiveRule& rule = *inquiry.rule;
  const WallTime moment = rounded_down(inquiry.now, parts_.options.moment);
  const MonoTime deadline = parts_.clock.mono() + parts_.options.query_timeout;
  const std::vector<const Reduction*> reductions = rule.reductions();
  const bool aligned = rule.spec.whole_buckets && rule.spec.profile == Profile::kOwn;
  std::vector<AnswerCache::AnswerPtr> answers = inquiry.answers;
  answers.resize(reductions.size());
  for (std::size_t i = 0; i < reductions.size(); ++i) {
    if (answers[i]) continue;
    const Reduction& reduction = *reductions[i];
    const std::string key =
        rule.spec.queries.at(reduction.query) + '\1' + std::to_string(reduction.window.count()) + '\1' +
        std::to_string(reduction.delay.count()) + (aligned ? "a" : "") + '\1' + rule.source_of(reduction);
    const Nanos left = deadline - parts_.clock.mono();
    if (left <= Nanos{0}) {
      // This rule's own fault: not an answer for others that ask the same.
      answers[i] = std::make_shared<const Answer>(
          fail(Errc::kTimeout, "its other queries have used up the time of a look"));
      continue;
    }
    const auto ask_source = [&]() -> Answer {
      return parts_.source.query(query_of(rule, reduction, moment, left));
    };
    answers[i] = answers_.get(key, moment, ask_source, patience);
    if (!answers[i]) return std::nullopt;
  }
  return answers;
}

void LiveEngine::inquire(const InquiryPtr& inquiry) {
  const LiveRule& rule = *inquiry->rule;
  const WallTime moment = rounded_down(inquiry->now, parts_.options.moment);
  const std::vector<const Reduction*> reductions = rule.reductions();
  std::vector<std::size_t> elsewhere;
  for (std::size_t i = 0; i < reductions.size(); ++i)
    if (!rule.source_of(*reductions[i]).empty()) elsewhere.push_back(i);
  std::shared_ptr<Letterbox> letterbox;
  {
    const std::scoped_lock lock(mutex_);
    inquiry->answers.resize(reductions.size());
    inquiry->left = elsewhere.size();
    asked_.insert(inquiry);
    letterbox = letterbox_;
  }
  for (const std::size_t which : elsewhere) {
    parts_.source.ask(query_of(rule, *reductions[which], moment, parts_.options.query_timeout),
                      [letterbox, inquiry, which](Answer answer) {
                        letterbox->deliver(inquiry, which, std::make_shared<const Answer>(std::move(answer)));
                      });
  }
}

std::string LiveEngine::absence_of(LiveRule& rule, const std::vector<AnswerCache::AnswerPtr>& answers,
                                   WallTime now) {
  const std::vector<const Reduction*> reductions = rule.reductions();
  std::map<std::string, const Reduction*> empty;
  for (std::size_t i = 0; i < reductions.size(); ++i) {
    if (is_empty(*answers[i])) empty.emplace(reductions[i]->query, reductions[i]);
  }
  if (empty.empty()) {
    rule.why_empty.reset();
    return "";
  }
  const bool fresh = rule.why_empty && rule.why_empty->looked_up_at <= now &&
                     now - rule.why_empty->looked_up_at < kLookUpAgain;
  if (fresh) return rule.why_empty->text;
  std::string why;
  for (const auto& [name, reduction] : empty) {
    const std::string of_this =
        parts_.source.why_empty(query_of(rule, *reduction, now, parts_.options.query_timeout));
    if (!of_this.empty()) why += (why.empty() ? "" : "; ") + name + ": " + of_this;
  }
  if (!why.empty()) why = " (" + why + ")";
  rule.why_empty = {now, why};
  return why;
}

std::string LiveEngine::muted_by(const LiveRule& rule, const metrics::Tags& labels, WallTime now) const {
  if (parts_.options.muted) {
    if (auto window = parts_.options.muted(rule.spec.name, now)) return *std::move(window);
  }
  const std::scoped_lock lock(silences_mutex_);
  for (const Silence& silence : silences_) {
    if (covers(silence, rule.spec.name, labels, now)) return "silence " + silence.id;
  }
  return "";
}

void LiveEngine::settle_gone(const LiveRule& rule, Tracked& tracked, Look& look, WallTime now) {
  if (!tracked.unseen_since || *tracked.unseen_since > now) tracked.unseen_since = now;
  const State state = tracked.kept.stored.state.state;
  const bool fires = state == State::kFiring || state == State::kRecovering;
  const Nanos patience = rule.spec.gone_after;
  if (!fires || patience <= Nanos{0} || now - *tracked.unseen_since < patience) return;
  look.outcome = Outcome::kFalse;
  look.recovered = Outcome::kTrue;
}

std::map<std::string, Look> LiveEngine::looks_of(LiveRule& rule, const Evaluation& recovered, WallTime now) {
  const Evaluation& seen = rule.evaluation;
  std::map<std::string, Look> out;
  if (!rule.spec.per_series) {
    out[""] = {seen.outcome, recovered.outcome, false};
    return out;
  }
  for (const Instance& instance : seen.instances) {
    const std::string key = labels_text(instance.labels);
    out[key].outcome = instance.outcome;
    const auto [found, is_new] = rule.tracked.try_emplace(key);
    found->second.value = instance.value;
    found->second.unseen_since.reset();
    if (!is_new) continue;
    found->second.kept.labels = instance.labels;
    found->second.kept.stored.state.since = now;
  }
  for (const Instance& instance : recovered.instances) {
    if (const auto found = out.find(labels_text(instance.labels)); found != out.end()) {
      found->second.recovered = instance.outcome;
    }
  }
  const bool failed = seen.outcome == Outcome::kError;
  for (auto& [key, tracked] : rule.tracked) {
    if (out.contains(key)) continue;
    tracked.value.reset();
    // The rule as a whole stands for series that do not exist; once there are some, it has nothing to say.
    const bool spoken_for = key.empty() && !seen.instances.empty();
    Look& look = out[key];
    look.outcome = failed ? Outcome::kError : spoken_for ? Outcome::kFalse : Outcome::kAbsent;
    if (failed || key.empty()) continue;
    // Where nobody is seen the data is missing, not the series.
    if (seen.instances.empty()) {
      tracked.unseen_since.reset();
    } else {
      settle_gone(rule, tracked, look, now);
    }
  }
  return out;
}

std::optional<Notification> LiveEngine::owed_after(const LiveRule& rule, const Tracked& tracked,
                                                   const Step& step, WallTime now) const {
  if (step.tell) return rule.notification_of(tracked, step.next, now);
  const StoredRule& before = tracked.kept.stored;
  const auto fires = [](State state) { return state == State::kFiring || state == State::kRecovering; };
  // Only what fired already may have a message that waits.
  const bool fires_on = fires(step.next.state) && fires(before.state.state);
  if (is_held(step.next) == is_held(before.state) || !fires_on || before.owed) return before.owed;
  Notification waiting = rule.notification_of(tracked, step.next, now);
  waiting.channels.clear();
  return waiting;
}

std::optional<LiveEngine::Change> LiveEngine::change_of(LiveRule& rule, Tracked& tracked, const Look& look,
                                                        bool seen, WallTime now) {
  const RuleState& state = tracked.kept.stored.state;
  Change change;
  change.tracked = &tracked;
  change.step = advance(rule.spec, state, look, now, activity::new_correlation());
  // A calm series that is gone leaves nothing to remember.
  const bool gone = !seen && !tracked.kept.labels.empty() && !look.muted;
  change.forget = gone && change.step.next.state == State::kInactive && !change.step.tell &&
                  !tracked.kept.stored.owed && look.outcome == Outcome::kAbsent;
  if (change.forget) return change;
  if (!change.step.tell && change.step.ledger.empty() && !differs(change.step.next, state))
    return std::nullopt;
  change.next = {change.step.next, owed_after(rule, tracked, change.step, now)};
  if (!change.step.ledger.empty()) {
    change.entry = rule.entry_of(tracked, change.step, now);
    const auto sample = rule.evaluation.newest_sample;
    const bool known = sample && parts_.options.stored_at && rule.spec.sources.empty();
    const auto stored = known ? parts_.options.stored_at(*sample) : std::nullopt;
    if (stored) change.entry->details["stored_at"] = base::format_rfc3339(*stored);
  }
  return change;
}

Result<void> LiveEngine::keep(const std::string& rule, const StoredInstance& next, activity::Entry* entry) {
  const std::function<Result<void>(db::Transaction&)> work([&](db::Transaction& transaction) -> Result<void> {
    GS_CHECK(RuleStore::save(transaction, rule, next));
    if (entry != nullptr) GS_CHECK(parts_.ledger.append_in(transaction, *entry));
    return {};
  });
  GS_CHECK(parts_.database.transact(work));
  if (entry != nullptr) parts_.ledger.publish(*entry);
  return {};
}

Result<void> LiveEngine::keep(const std::string& rule, std::vector<Change>& changes) {
  const std::function<Result<void>(db::Transaction&)> work([&](db::Transaction& transaction) -> Result<void> {
    for (Change& change : changes) {
      const metrics::Tags& labels = change.tracked->kept.labels;
      if (change.forget) {
        GS_CHECK(RuleStore::remove(transaction, rule, labels));
        continue;
      }
      GS_CHECK(RuleStore::save(transaction, rule, {labels, change.next}));
      if (change.entry) GS_CHECK(parts_.ledger.append_in(transaction, *change.entry));
    }
    return {};
  });
  GS_CHECK(parts_.database.transact(work));
  for (const Change& change : changes) {
    if (change.entry) parts_.ledger.publish(*change.entry);
  }
  return {};
}

/// Gives what is owed to the sink; what it does not take is owed still.
void LiveEngine::hand_over(LiveRule& rule, Tracked& tracked) {
  StoredRule& stored = tracked.kept.stored;
  if (!stored.owed) return;
  if (const auto taken = parts_.sink(*stored.owed); !taken) {
    parts_.log.warn("rule.notification_waits", {{"rule", rule.spec.name}, {"error", taken.error()}});
    return;
  }
  StoredInstance next = tracked.kept;
  next.stored.owed.reset();
  // A crash, or a failure, before this is on disk hands it over twice; the sink knows it by its sequence.
  if (const auto kept = keep(rule.spec.name, next, nullptr); !kept) {
    parts_.log.error("rule.not_stored", {{"rule", rule.spec.name}, {"error", kept.error()}});
    return;
  }
  tracked.kept = std::move(next);
}

void LiveEngine::log_step(const LiveRule& rule, const Tracked& tracked, const Step& step) const {
  if (step.ledger.empty()) return;
  const std::string name = rule.spec.name + labels_text(tracked.kept.labels);
  if (step.ledger == "rule.error") {
    parts_.log.warn(step.ledger, {{"rule", name}, {"error", rule.evaluation.error}});
  } else {
    parts_.log.info(step.ledger, {{"rule", name}, {"because", rule.explanation_of(tracked)}});
  }
}

bool LiveEngine::evaluate_now(const Inquiry& inquiry, std::optional<Nanos> patience) {
  LiveRule& rule = *inquiry.rule;
  const WallTime now = inquiry.now;
  if (rule.spec.paused) {
    // It is not looked at; but the calling-off that it owes has to arrive.
    const std::scoped_lock lock(rule.mutex);
    if (rule.removed) return true;
    for (auto& [key, tracked] : rule.tracked) hand_over(rule, tracked);
    return true;
  }
  const MonoTime begin = parts_.clock.mono();
  const auto asked = ask(inquiry, patience);
  if (!asked) return false;
  const std::vector<AnswerCache::AnswerPtr>& answers = *asked;
  const Facts facts =
      parts_.options.facts && !rule.spec.pool.empty() ? parts_.options.facts(rule.spec.pool) : Facts{};
  const std::size_t own = reductions_of(rule.condition).size();
  Evaluation evaluation = evaluate_by_profile(rule, pointers_to(answers, 0, own), facts);
  evaluation.explanation += absence_of(rule, answers, now);
  Evaluation recovered;
  if (rule.recover) {
    recovered = evaluate(*rule.recover, pointers_to(answers, own, answers.size()), facts,
                         rule.spec.per_series ? Granularity::kPerSeries : Granularity::kWhole);
  }

  const std::scoped_lock lock(rule.mutex);
  if (rule.removed) return true;
  rule.evaluated_at = now;
  rule.evaluation = std::move(evaluation);
  const std::map<std::string, Look> looks = looks_of(rule, recovered, now);
  rule.muted_by = muted_by(rule, {}, now);
  std::vector<Change> changes;
  for (const auto& [key, look] : looks) {
    Tracked& tracked = rule.tracked.at(key);
    Look full = look;
    full.muted = !rule.muted_by.empty() || !muted_by(rule, tracked.kept.labels, now).empty();
    const bool seen = look.outcome == Outcome::kTrue || look.outcome == Outcome::kFalse;
    if (auto change = change_of(rule, tracked, full, seen, now)) changes.push_back(*std::move(change));
  }
  rule.took = parts_.clock.mono() - begin;
  if (!changes.empty()) {
    if (const auto kept = keep(rule.spec.name, changes); !kept) {
      // Nobody is told of a state that is not on disk; the next turn tries again.
      parts_.log.error("rule.not_stored", {{"rule", rule.spec.name}, {"error", kept.error()}});
      return true;
    }
    for (Change& change : changes) {
      if (change.forget) {
        rule.tracked.erase(labels_text(change.tracked->kept.labels));
        continue;
      }
      change.tracked->kept.stored = std::move(change.next);
      log_step(rule, *change.tracked, change.step);
    }
  }
  for (auto& [key, tracked] : rule.tracked) hand_over(rule, tracked);
  return true;
}

}  // namespace gpuscale::alert
