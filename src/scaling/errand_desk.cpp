// SPDX-License-Identifier: Apache-2.0
#include "scaling/errand_desk.h"

#include <algorithm>
#include <utility>

namespace gpuscale::scaling {
namespace {

constexpr const char* kStoppedInTheMiddle =
    "the server stopped while it ran; it is not repeated by itself: look at what it does, and pull again";

/// Between two looks at what waits, where nobody says that something does.
constexpr std::chrono::seconds kLongestWait{1};

notify::Message message_of(const Errand& errand, const TriggerSpec& trigger) {
  notify::Message message;
  message.key = "trigger/" + errand.trigger;
  message.idempotency = "gpuscale-" + errand.correlation + "-" + std::to_string(errand.id);
  message.correlation = errand.correlation;
  message.at = message.starts_at = errand.asked;
  message.state = "pulled";
  message.title = "[Trigger] " + errand.trigger;
  message.text = errand.source;
  message.values = nlohmann::json::array();
  message.labels = {{"trigger", errand.trigger}};
  message.pool = trigger.pool;
  message.expires = errand.asked + kErrandLife;
  return message;
}

/// What is known once the sender has returned. Where a request left and no answer came, the other side may
/// have acted.
void judge(Errand& errand, Direction type, const Result<notify::Receipt>& receipt) {
  if (receipt) {
    const bool good = receipt->status >= 200 && receipt->status < 300;
    errand.state = good ? ErrandState::kDone : ErrandState::kFailed;
    errand.result = receipt->answer;
    if (type == Direction::kCall)
      errand.result = "answers " + std::to_string(receipt->status) +
                      (receipt->answer.empty() ? "" : ": " + receipt->answer);
  } else {
    const Errc code = receipt.error().code();
    const bool may_have_acted =
        type == Direction::kCall &&
        (code == Errc::kTimeout || code == Errc::kInternal || code == Errc::kExhausted);
    errand.state = may_have_acted ? ErrandState::kUnknown : ErrandState::kFailed;
    errand.result = receipt.error().message();
  }
  errand.result.erase(errand.result.find_last_not_of(" \r\n") + 1);
  if (errand.result.size() > kMaxErrandResult) errand.result.resize(kMaxErrandResult);
}

}  // namespace

Result<std::unique_ptr<ErrandDesk>> ErrandDesk::open(Ports ports) {
  GS_TRY(const ErrandStore store, ErrandStore::open(ports.database));
  const WallTime now = ports.clock.wall();
  std::unique_ptr<ErrandDesk> desk(new ErrandDesk(std::move(ports), store));
  GS_CHECK(desk->settle_unfinished("", now));
  return desk;
}

ErrandDesk::~ErrandDesk() {
  stop();
}

activity::Entry ErrandDesk::entry_of(const Errand& errand, const std::string& kind, WallTime now) const {
  return {.at = now,
          .kind = kind,
          .subject = errand.trigger,
          .correlation = errand.correlation,
          .summary = "trigger " + errand.trigger + ": " + words_of(errand),
          .details = {{"trigger", errand.trigger},
                      {"errand", errand.id},
                      {"state", to_string(errand.state)},
                      {"source", errand.source},
                      {"result", errand.result}}};
}

/// Of one trigger, of which nothing runs in this process; "" = of all.
Result<void> ErrandDesk::settle_unfinished(const std::string& trigger, WallTime now) {
  return ports_.book.change([&](Draft& draft) -> Result<void> {
    GS_TRY(std::vector<Errand> left, store_.all(draft.transaction(), ErrandState::kRunning));
    for (Errand& errand : left) {
      if (!trigger.empty() && errand.trigger != trigger) continue;
      errand.state = ErrandState::kUnknown;
      errand.ended = now;
      errand.result = kStoppedInTheMiddle;
      GS_CHECK(store_.save(draft.transaction(), errand));
      draft.tell(entry_of(errand, "errand.unknown", now));
    }
    return {};
  });
}

Result<void> ErrandDesk::configure(const std::vector<TriggerSpec>& triggers) {
  std::map<std::string, TriggerSpec> next;
  for (const TriggerSpec& trigger : triggers)
    if (trigger.action) next.emplace(trigger.name, trigger);
  std::set<std::string> deleted;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [name, trigger] : triggers_)
      if (!next.contains(name)) deleted.insert(name);
  }
  const WallTime now = ports_.clock.wall();
  if (!deleted.empty()) {
    GS_CHECK(ports_.book.change([&](Draft& draft) -> Result<void> {
      GS_TRY(std::vector<Errand> waiting, store_.all(draft.transaction(), ErrandState::kWaiting));
      for (Errand& errand : waiting) {
        if (!deleted.contains(errand.trigger)) continue;
        errand.state = ErrandState::kFailed;
        errand.ended = now;
        errand.result = "its trigger was deleted before it began";
        GS_CHECK(store_.save(draft.transaction(), errand));
        draft.tell(entry_of(errand, "errand.failed", now));
      }
      return {};
    }));
  }
  const std::scoped_lock lock(mutex_);
  triggers_ = std::move(next);
  return {};
}

Result<void> ErrandDesk::decide_in(Draft& draft, const TriggerSpec& trigger, const TriggerCall& call,
                                   WallTime now, TriggerOutcome& outcome) {
  const bool offered =
      trigger.type == Direction::kRun ? ports_.senders.run != nullptr : ports_.senders.call != nullptr;
  if (!offered) {
    return fail(Errc::kUnsupported,
                "triggers of type " + std::string(to_string(trigger.type)) + " are not carried out here");
  }
  db::Transaction& tx = draft.transaction();
  ErrandView view;
  GS_TRY(view.waiting, store_.first(tx, trigger.name, ErrandState::kWaiting));
  GS_TRY(const auto newest, store_.newest(tx, trigger.name, 1));
  if (!newest.empty()) view.last_asked = newest.front().asked;
  outcome = decide_errand(trigger, call, view, now);
  if (outcome.correlation.empty()) outcome.correlation = activity::new_correlation();
  if (outcome.verdict != Verdict::kAccepted) return {};
  Errand errand{
      .trigger = trigger.name, .correlation = outcome.correlation, .source = call.source, .asked = now};
  GS_CHECK(store_.add(tx, errand));
  outcome.errand = errand.id;
  return {};
}

Result<std::string> ErrandDesk::progress_of(Draft& draft, const TriggerOutcome& outcome) const {
  GS_TRY(const auto errand, store_.find(draft.transaction(), outcome.errand));
  return errand ? words_of(*errand) : std::string("it is so old that it is forgotten");
}

Result<std::vector<Errand>> ErrandDesk::newest(const std::string& trigger, std::size_t most) const {
  using Errands = std::vector<Errand>;
  return ports_.database.read<Errands>(
      [&](db::Transaction& tx) -> Result<Errands> { return store_.newest(tx, trigger, most); });
}

std::set<std::string> ErrandDesk::triggers_with_waiting() const {
  {
    const std::scoped_lock lock(mutex_);
    if (triggers_.empty()) return {};
  }
  using Errands = std::vector<Errand>;
  const auto waiting = ports_.database.read<Errands>(
      [&](db::Transaction& tx) -> Result<Errands> { return store_.all(tx, ErrandState::kWaiting); });
  std::set<std::string> out;
  if (!waiting) {
    ports_.log.error("errands.not_read", {{"error", waiting.error()}});
    return out;
  }
  const std::scoped_lock lock(mutex_);
  for (const Errand& errand : *waiting) {
    const auto found = triggers_.find(errand.trigger);
    if (found != triggers_.end() && found->second.enabled) out.insert(errand.trigger);
  }
  return out;
}

Result<std::optional<Errand>> ErrandDesk::begin(const std::string& trigger, WallTime now) {
  std::optional<Errand> begun;
  GS_CHECK(ports_.book.change([&](Draft& draft) -> Result<void> {
    GS_TRY(begun, store_.first(draft.transaction(), trigger, ErrandState::kWaiting));
    if (!begun) return {};
    const bool expired = now - begun->asked > kErrandLife;
    begun->state = expired ? ErrandState::kFailed : ErrandState::kRunning;
    (expired ? begun->ended : begun->started) = now;
    if (expired) begun->result = "it was asked for more than an hour ago, and is not begun any more";
    GS_CHECK(store_.save(draft.transaction(), *begun));
    draft.tell(entry_of(*begun, expired ? "errand.failed" : "errand.begun", now));
    return {};
  }));
  return begun;
}

Result<bool> ErrandDesk::carry_out_next(const std::string& trigger, WallTime now) {
  TriggerSpec spec;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = triggers_.find(trigger);
    if (found == triggers_.end() || stopping_) return false;
    spec = found->second;
  }
  // What could not be written down as ended is no longer running either.
  GS_CHECK(settle_unfinished(trigger, now));
  GS_TRY(std::optional<Errand> begun, begin(trigger, now));
  if (!begun) return false;
  Errand errand = *std::move(begun);
  if (errand.state != ErrandState::kRunning) return true;
  const auto& sender = spec.type == Direction::kRun ? ports_.senders.run : ports_.senders.call;
  const auto receipt = sender->send(*spec.action, message_of(errand, spec));
  {
    const std::scoped_lock lock(mutex_);
    // Cut short by stop(): the next start says that nobody knows.
    if (stopping_ && !receipt) return false;
  }
  judge(errand, spec.type, receipt);
  GS_CHECK(end(std::move(errand)));
  return true;
}

Result<void> ErrandDesk::end(Errand errand) {
  const WallTime now = ports_.clock.wall();
  errand.ended = now;
  const std::string kind = "errand." + std::string(to_string(errand.state));
  ports_.log.info(kind, {{"trigger", errand.trigger}, {"result", errand.result}});
  return ports_.book.change([&](Draft& draft) -> Result<void> {
    draft.tell(entry_of(errand, kind, now));
    return store_.save(draft.transaction(), errand);
  });
}

void ErrandDesk::run(const std::string& trigger) {
  auto more = carry_out_next(trigger, ports_.clock.wall());
  while (more && *more) more = carry_out_next(trigger, ports_.clock.wall());
  // Where nothing can be written nothing is begun; the dispatcher's next round tries again.
  if (!more) ports_.log.error("errand.not_stored", {{"trigger", trigger}, {"error", more.error()}});
  const std::scoped_lock lock(mutex_);
  busy_.erase(trigger);
  due_ = due_ || more.has_value();
  if (const auto own = threads_.find(trigger); own != threads_.end()) {
    ended_.push_back(std::move(own->second));
    threads_.erase(own);
  }
  wake_.notify_all();
}

void ErrandDesk::tick(WallTime now) {
  for (const std::string& trigger : triggers_with_waiting()) {
    auto more = carry_out_next(trigger, now);
    while (more && *more) more = carry_out_next(trigger, now);
    if (!more) ports_.log.error("errand.not_stored", {{"trigger", trigger}, {"error", more.error()}});
  }
}

void ErrandDesk::start() {
  const std::scoped_lock lock(mutex_);
  if (!dispatcher_.joinable() && !stopping_) dispatcher_ = std::thread([this] { dispatch(); });
}

void ErrandDesk::wake() {
  const std::scoped_lock lock(mutex_);
  due_ = true;
  wake_.notify_all();
}

void ErrandDesk::dispatch() {
  while (true) {
    start_due();
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, kLongestWait, [this] { return due_ || stopping_; });
    due_ = false;
    if (stopping_) return;
  }
}

void ErrandDesk::start_due() {
  const std::set<std::string> due = triggers_with_waiting();
  std::vector<std::thread> ended;
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_) return;
    ended.swap(ended_);
    for (const std::string& trigger : due) {
      if (busy_.size() >= kMostErrandsAtOnce || !busy_.insert(trigger).second) continue;
      threads_.emplace(trigger, std::thread([this, trigger] { run(trigger); }));
    }
  }
  for (std::thread& thread : ended) thread.join();
}

void ErrandDesk::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (dispatcher_.joinable()) dispatcher_.join();
  if (ports_.senders.run) ports_.senders.run->stop();
  if (ports_.senders.call) ports_.senders.call->stop();
  std::vector<std::thread> threads;
  {
    const std::scoped_lock lock(mutex_);
    threads.swap(ended_);
    for (auto& [trigger, thread] : threads_) threads.push_back(std::move(thread));
    threads_.clear();
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace gpuscale::scaling
