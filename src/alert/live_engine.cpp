// SPDX-License-Identifier: Apache-2.0
// The set of rules, silences, and whose turn it is. One evaluation: live_engine_look.cpp.
#include "alert/live_engine.h"

#include <algorithm>
#include <utility>

#include "base/digest.h"
#include "base/name_list.h"
#include "base/rfc3339.h"

namespace gpuscale::alert {
namespace {

/// Longest sleep of an idle thread: a clock set forward is noticed within it.
constexpr Nanos kLongestSleep = std::chrono::seconds{1};

using Work = std::function<Result<void>(db::Transaction&)>;

/// The graver of two states is the one to show of a rule with many.
int gravity(State state) {
  switch (state) {
    case State::kFiring:
      return 6;
    case State::kError:
      return 5;
    case State::kNoData:
      return 4;
    case State::kRecovering:
      return 3;
    case State::kPending:
      return 2;
    case State::kPaused:
      return 1;
    case State::kInactive:
      break;
  }
  return 0;
}

}  // namespace

LiveEngine::~LiveEngine() {
  stop();
}

// --- the set of rules
// ------------------------------------------------------------------------------------------

/// What happened while nobody looked is unknown.
void LiveEngine::resume(LiveRule& rule, Tracked& tracked, WallTime now) {
  RuleState& state = tracked.kept.stored.state;
  if (state.state == State::kPending) {
    state.state = State::kInactive;
    state.pending_since.reset();
  }
  // A message that waited through a restart may be about load that has gone: until the rule has looked, it is
  // held, as that of a rule that lost its data is.
  const bool fires = state.state == State::kFiring || state.state == State::kRecovering;
  if (!fires || rule.spec.paused || state.blindness != Blindness::kNone || tracked.kept.stored.owed) return;
  state.blindness = Blindness::kNoData;
  Notification held = rule.notification_of(tracked, state, now);
  held.channels.clear();
  tracked.kept.stored.owed = std::move(held);
  hand_over(rule, tracked);
}

Result<void> LiveEngine::pause(LiveRule& rule, Tracked& tracked, WallTime now) {
  RuleState& state = tracked.kept.stored.state;
  if (state.state == State::kPaused) return {};
  state.state = State::kPaused;
  state.since = now;
  state.notified_at.reset();
  state.blindness = Blindness::kNone;
  state.muted = false;
  ++state.sequence;
  Notification calling_off = rule.notification_of(tracked, state, now);
  calling_off.channels.clear();
  tracked.kept.stored.owed = std::move(calling_off);
  activity::Entry entry{.at = now,
                        .kind = "rule.paused",
                        .subject = rule.spec.name,
                        .correlation = state.correlation,
                        .summary = rule.spec.name + labels_text(tracked.kept.labels) + " is paused"};
  GS_CHECK(keep(rule.spec.name, tracked.kept, &entry));
  hand_over(rule, tracked);
  return {};
}

Result<LiveEngine::RulePtr> LiveEngine::make_rule(RuleSpec spec, std::vector<StoredInstance> stored,
                                                  WallTime now) {
  GS_TRY(RulePtr rule, LiveRule::make(std::move(spec)));
  Tracked whole;
  whole.kept.stored.state.since = now;
  for (StoredInstance& instance : stored) {
    Tracked tracked{std::move(instance), std::nullopt};
    if (tracked.kept.labels.empty()) {
      whole = std::move(tracked);
    } else if (rule->spec.per_series) {
      resume(*rule, tracked, now);
      rule->tracked.emplace(labels_text(tracked.kept.labels), std::move(tracked));
    } else {
      GS_CHECK(retire(*rule, tracked, now));
    }
  }
  resume(*rule, whole, now);
  rule->tracked.emplace("", std::move(whole));
  if (!rule->spec.paused) return rule;
  for (auto& [key, tracked] : rule->tracked) GS_CHECK(pause(*rule, tracked, now));
  return rule;
}

Result<void> LiveEngine::retire(const LiveRule& rule, const Tracked& tracked, WallTime now) {
  Notification calling_off = rule.notification_of(tracked, tracked.kept.stored.state, now);
  calling_off.state = State::kPaused;
  // One that the rule told before must not be taken for this one, and stay.
  ++calling_off.sequence;
  calling_off.channels.clear();
  GS_CHECK(parts_.sink(calling_off));
  return parts_.database.transact(Work([&](db::Transaction& transaction) {
    return RuleStore::remove(transaction, rule.spec.name, tracked.kept.labels);
  }));
}

/// The same condition, told or timed differently: what was seen still counts.
Result<LiveEngine::RulePtr> LiveEngine::edited_rule(RuleSpec spec, LiveRule& before, WallTime now) {
  GS_TRY(RulePtr rule, LiveRule::make(std::move(spec)));
  rule->tracked = before.tracked;
  rule->evaluated_at = before.evaluated_at;
  rule->evaluation = before.evaluation;
  rule->muted_by = before.muted_by;
  if (!rule->spec.paused) return rule;
  for (auto& [key, tracked] : rule->tracked) GS_CHECK(pause(*rule, tracked, now));
  return rule;
}

Result<std::vector<LiveEngine::RulePtr>> LiveEngine::make_rules(std::vector<RuleSpec> specs,
                                                                const std::map<std::string, RulePtr>& before,
                                                                WallTime now) {
  GS_TRY(auto stored, parts_.store.load());
  std::vector<RulePtr> rules;
  for (RuleSpec& spec : specs) {
    std::vector<StoredInstance> mine;
    if (const auto found = stored.find(spec.name); found != stored.end()) {
      mine = std::move(found->second);
      stored.erase(found);
    }
    const auto known = before.find(spec.name);
    if (known != before.end() && known->second->spec == spec) {
      rules.push_back(known->second);
      continue;
    }
    if (known != before.end() && judges_alike(known->second->spec, spec)) {
      const std::scoped_lock lock(known->second->mutex);
      GS_TRY(RulePtr rule, edited_rule(std::move(spec), *known->second, now));
      rules.push_back(std::move(rule));
      continue;
    }
    GS_TRY(RulePtr rule, make_rule(std::move(spec), std::move(mine), now));
    rules.push_back(std::move(rule));
  }
  for (auto& [name, instances] : stored) {
    LiveRule gone;
    gone.spec.name = name;
    for (StoredInstance& left : instances) GS_CHECK(retire(gone, {std::move(left), std::nullopt}, now));
  }
  return rules;
}

Result<void> LiveEngine::set_rules(std::vector<RuleSpec> specs) {
  const std::scoped_lock setup(setup_mutex_);
  std::map<std::string, RulePtr> before;
  {
    const std::scoped_lock lock(mutex_);
    for (const RulePtr& rule : rules_) before.emplace(rule->spec.name, rule);
  }
  std::map<std::string_view, const RuleSpec*> wanted;
  for (const RuleSpec& spec : specs) wanted.emplace(spec.name, &spec);
  std::vector<RulePtr> ending;
  for (const auto& [name, rule] : before) {
    const auto found = wanted.find(name);
    if (found == wanted.end() || *found->second != rule->spec) ending.push_back(rule);
  }
  const auto end_old = [&ending](bool ended) {
    for (const RulePtr& rule : ending) {
      const std::scoped_lock lock(rule->mutex);
      rule->removed = ended;
    }
  };
  // An evaluation that runs meanwhile would write over what is loaded: the old rules end first.
  end_old(true);
  auto rules = make_rules(std::move(specs), before, parts_.clock.wall());
  if (!rules) {
    end_old(false);
    return std::move(rules).error();
  }
  {
    const std::scoped_lock lock(mutex_);
    for (const RulePtr& rule : ending) rule->replaced = true;
    for (Queue& queue : queues_) std::erase_if(queue, [](const auto& turn) { return turn.second->replaced; });
    for (const RulePtr& rule : *rules) {
      const auto known = before.find(rule->spec.name);
      if (known == before.end() || known->second != rule) queues_[kQuick].emplace(WallTime::min(), rule);
    }
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
    status.evaluated_at = rule->evaluated_at;
    status.took = rule->took;
    status.explanation = rule->evaluation.explanation;
    status.values = rule->evaluation.values;
    status.last_error = rule->evaluation.error;
    status.muted_by = rule->muted_by;
    bool first = true;
    for (const auto& [key, tracked] : rule->tracked) {
      const RuleState& state = tracked.kept.stored.state;
      const State shown = shown_state(state);
      if (first || gravity(shown) > gravity(status.state)) {
        status.state = shown;
        status.since = state.since;
        status.correlation = state.correlation;
      }
      first = false;
      if (!rule->spec.per_series || key.empty() || status.instances.size() == kMaxShownInstances) continue;
      status.instances.push_back({tracked.kept.labels, shown, state.since, tracked.value, state.correlation});
    }
    out.push_back(std::move(status));
  }
  return out;
}

// --- silences
// ----------------------------------------------------------------------------------------------------

Result<Silence> LiveEngine::silence(Silence silence) {
  const WallTime now = parts_.clock.wall();
  if (silence.until <= now) {
    return fail(Errc::kInvalidArgument, "until " + base::format_second(silence.until) + " is past");
  }
  if (!silence.rule.empty()) {
    const std::scoped_lock lock(mutex_);
    std::vector<std::string> known;
    for (const RulePtr& rule : rules_) known.push_back(rule->spec.name);
    if (std::find(known.begin(), known.end(), silence.rule) == known.end())
      return fail(Errc::kNotFound, "no rule \"" + silence.rule + "\"; known: " + base::known_names(known));
  }
  silence.id = "s-" + base::random_hex(8);
  {
    const std::scoped_lock lock(silences_mutex_);
    std::erase_if(silences_, [&](const Silence& each) { return each.until <= now; });
    if (silences_.size() >= kMaxSilences) {
      return fail(Errc::kExhausted, "there are " + std::to_string(kMaxSilences) + " silences; lift some");
    }
    GS_CHECK(parts_.store.save(silence));
    silences_.push_back(silence);
  }
  GS_CHECK(parts_.ledger.append(
      {.at = now,
       .kind = "rule.silenced",
       .subject = silence.rule,
       .correlation = activity::new_correlation(),
       .summary = silence.who + " silences " + (silence.rule.empty() ? "all rules" : silence.rule) +
                  " until " + base::format_second(silence.until),
       .details = {{"id", silence.id}, {"labels", silence.labels}, {"comment", silence.comment}}}));
  return silence;
}

Result<void> LiveEngine::lift_silence(const std::string& id) {
  const WallTime now = parts_.clock.wall();
  {
    const std::scoped_lock lock(silences_mutex_);
    const auto found = std::find_if(silences_.begin(), silences_.end(),
                                    [&](const Silence& each) { return each.id == id && now < each.until; });
    if (found == silences_.end()) return fail(Errc::kNotFound, "no silence \"" + id + "\"");
    GS_CHECK(parts_.store.remove_silence(id, now));
    silences_.erase(found);
  }
  return {};
}

std::vector<Silence> LiveEngine::silences() const {
  const WallTime now = parts_.clock.wall();
  const std::scoped_lock lock(silences_mutex_);
  std::vector<Silence> out;
  for (const Silence& each : silences_) {
    if (now < each.until) out.push_back(each);
  }
  std::sort(out.begin(), out.end(), [](const Silence& a, const Silence& b) { return a.until < b.until; });
  return out;
}

// --- turns
// -----------------------------------------------------------------------------------------------------

/// What was begun in the future of a clock that was set back is due at once.
void LiveEngine::notice_set_back(WallTime now) {
  if (now < newest_now_) {
    for (Queue& queue : queues_) {
      Queue anew;
      for (auto& [due, rule] : queue) {
        const bool ahead = rule->begun && *rule->begun > now;
        anew.emplace(ahead ? WallTime::min() : due, std::move(rule));
      }
      queue = std::move(anew);
    }
  }
  newest_now_ = now;
}

LiveEngine::RulePtr LiveEngine::take_due(WallTime now, Lane lane) {
  notice_set_back(now);
  Queue& queue = queues_[lane];
  if (queue.empty() || queue.begin()->first > now) return nullptr;
  RulePtr rule = std::move(queue.begin()->second);
  queue.erase(queue.begin());
  // The beat is kept where it can be; what was missed altogether is not made up for.
  const bool on_beat = rule->begun && now - *rule->begun < 2 * rule->spec.every && now > *rule->begun;
  rule->begun = on_beat ? *rule->begun + rule->spec.every : now;
  return rule;
}

void LiveEngine::requeue(const RulePtr& rule) {
  if (rule->replaced) return;
  queues_[rule->slow ? kSlow : kQuick].emplace(*rule->begun + rule->spec.every, rule);
}

void LiveEngine::spread_out(LiveRule& rule, WallTime now) {
  if (std::exchange(rule.spread, true)) return;
  std::size_t hash = 0;
  for (const auto& [name, text] : rule.spec.queries) hash = hash * 31 + std::hash<std::string>{}(text);
  constexpr std::size_t kPlaces = 1'000;
  const auto place = static_cast<std::int64_t>(hash % kPlaces);
  rule.begun = now - rule.spec.every + rule.spec.every / static_cast<std::int64_t>(kPlaces) * place;
}

Nanos LiveEngine::until_next(WallTime now, Lane lane) const {
  const Queue& queue = queues_[lane];
  if (queue.empty()) return kLongestSleep;
  const WallTime next = queue.begin()->first;
  return next <= now ? Nanos{0} : std::min<Nanos>(kLongestSleep, next - now);
}

void LiveEngine::tick(WallTime now) {
  for (const Lane lane : {kQuick, kSlow}) {
    while (true) {
      RulePtr rule;
      {
        const std::scoped_lock lock(mutex_);
        rule = take_due(now, lane);
      }
      if (!rule) break;
      evaluate_now(Inquiry{rule, now, {}, 0}, std::nullopt);
      const std::scoped_lock lock(mutex_);
      requeue(rule);
    }
  }
}

void LiveEngine::start() {
  const std::scoped_lock lock(mutex_);
  if (!threads_.empty()) return;
  stopping_ = false;
  letterbox_ = std::make_shared<Letterbox>(*this);
  quick_threads_ = std::max(1, parts_.options.threads);
  for (int i = 0; i < quick_threads_; ++i) threads_.emplace_back([this] { run(kQuick); });
  for (int i = 0; i < kSlowThreads; ++i) threads_.emplace_back([this] { run(kSlow); });
  threads_.emplace_back([this] { keep_quick(); });
}

void LiveEngine::stop() {
  std::vector<std::thread> threads;
  std::shared_ptr<Letterbox> letterbox;
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
    letterbox = letterbox_;
  }
  wake_.notify_all();
  for (std::thread& thread : threads) thread.join();
  if (!letterbox) return;
  letterbox->close();
  const std::scoped_lock lock(mutex_);
  for (const Lane lane : {kQuick, kSlow})
    while (const InquiryPtr inquiry = take_answered(lane)) requeue(inquiry->rule);
  for (const InquiryPtr& inquiry : asked_) requeue(inquiry->rule);
  asked_.clear();
}

LiveEngine::InquiryPtr LiveEngine::take_answered(Lane lane) {
  std::deque<InquiryPtr>& answered = answered_[lane];
  if (answered.empty()) return nullptr;
  InquiryPtr inquiry = std::move(answered.front());
  answered.pop_front();
  return inquiry;
}

void LiveEngine::take_answer(const InquiryPtr& inquiry, std::size_t which, AnswerCache::AnswerPtr answer) {
  const std::scoped_lock lock(mutex_);
  inquiry->answers[which] = std::move(answer);
  if (--inquiry->left > 0) return;
  asked_.erase(inquiry);
  answered_[inquiry->rule->slow ? kSlow : kQuick].push_back(inquiry);
  wake_.notify_all();
}

void Letterbox::deliver(const std::shared_ptr<Inquiry>& inquiry, std::size_t which,
                        AnswerCache::AnswerPtr answer) {
  const std::scoped_lock lock(mutex_);
  if (engine_ != nullptr) engine_->take_answer(inquiry, which, std::move(answer));
}

void Letterbox::close() {
  const std::scoped_lock lock(mutex_);
  engine_ = nullptr;
}

void LiveEngine::run(Lane lane) {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (const InquiryPtr answered = take_answered(lane)) {
      look(lock, answered, lane);
      continue;
    }
    const WallTime now = parts_.clock.wall();
    const RulePtr rule = take_due(now, lane);
    if (!rule) {
      wake_.wait_for(lock, until_next(now, lane));
      continue;
    }
    const auto inquiry = std::make_shared<Inquiry>(Inquiry{rule, now, {}, 0});
    if (rule->spec.sources.empty() || rule->spec.paused) {
      look(lock, inquiry, lane);
      continue;
    }
    lock.unlock();
    inquire(inquiry);
    lock.lock();
  }
}

void LiveEngine::look(std::unique_lock<std::mutex>& lock, const InquiryPtr& inquiry, Lane lane) {
  const RulePtr& rule = inquiry->rule;
  const auto patience = lane == kQuick ? std::optional<Nanos>(parts_.options.patience) : std::nullopt;
  const MonoTime begin = parts_.clock.mono();
  const auto look = lane == kQuick ? looks_.insert(begin) : looks_.end();
  lock.unlock();
  const bool looked = evaluate_now(*inquiry, patience);
  lock.lock();
  if (lane == kQuick) looks_.erase(look);
  const bool was_slow =
      std::exchange(rule->slow, !looked || parts_.clock.mono() - begin > Nanos{parts_.options.patience});
  if (looked) {
    spread_out(*rule, inquiry->now);
  } else {
    rule->begun = inquiry->now - rule->spec.every;  // its turn is still to come
  }
  requeue(rule);
  if (rule->slow != was_slow) wake_.notify_all();
}

void LiveEngine::keep_quick() {
  std::unique_lock lock(mutex_);
  const int wanted = quick_threads_;
  while (!stopping_) {
    wake_.wait_for(lock, Nanos{parts_.options.patience} / 2);
    const MonoTime now = parts_.clock.mono();
    int held_up = 0;
    for (const MonoTime begin : looks_) held_up += now - begin > Nanos{parts_.options.patience} ? 1 : 0;
    if (stopping_ || quick_threads_ - held_up >= wanted || quick_threads_ >= wanted + kMostSpareThreads)
      continue;
    ++quick_threads_;
    threads_.emplace_back([this] { run(kQuick); });
    parts_.log.warn("rules.held_up", {{"looks", held_up}, {"threads", quick_threads_}});
  }
}

}  // namespace gpuscale::alert
