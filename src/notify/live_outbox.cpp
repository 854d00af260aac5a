// SPDX-License-Identifier: Apache-2.0
#include "notify/live_outbox.h"

#include <algorithm>
#include <utility>

namespace gpuscale::notify {
namespace {

/// A clock that is set forward is noticed within it.
constexpr Nanos kLongestSleep = std::chrono::seconds{1};
constexpr int kTooManyRequests = 429;
/// A message that is replayed by hand expires as late as a new one.
constexpr Nanos kReplayLife = std::chrono::hours{1};
/// Between two looks at a database that fails.
constexpr Nanos kPauseAfterFault = std::chrono::milliseconds{500};

activity::Entry entry_about(const ChannelSpec& channel, const Waiting& waiting, WallTime at,
                            std::string kind) {
  activity::Entry entry;
  entry.at = at;
  entry.kind = std::move(kind);
  entry.subject = channel.name;
  entry.correlation = waiting.message.correlation;
  entry.details = {{"channel", channel.name},
                   {"rule", waiting.message.rule},
                   {"state", waiting.message.state},
                   {"idempotency_key", waiting.message.idempotency},
                   {"attempts", waiting.attempts + 1}};
  return entry;
}

}  // namespace

LiveOutbox::~LiveOutbox() {
  stop();
}

Result<void> LiveOutbox::set_channels(std::vector<ChannelSpec> channels) {
  for (const ChannelSpec& spec : channels) {
    if (!parts_.senders.contains(spec.kind)) {
      return fail(Errc::kUnsupported, "channel \"" + spec.name + "\": nothing here sends this type");
    }
  }
  std::vector<std::string> gone;
  {
    const std::scoped_lock lock(mutex_);
    std::map<std::string, LinePtr> next;
    for (ChannelSpec& spec : channels) {
      const auto known = lines_.find(spec.name);
      const LinePtr line = known != lines_.end() ? known->second : std::make_shared<Line>();
      line->spec = std::move(spec);
      line->woken = true;
      next.emplace(line->spec.name, line);
    }
    for (auto& [name, line] : lines_) {
      if (next.contains(name)) continue;
      line->closing = true;
      line->wake.notify_all();
      leaving_.push_back(line);
      gone.push_back(name);
    }
    lines_ = std::move(next);
    for (auto& [name, line] : lines_) {
      if (started_) employ(line);
      line->wake.notify_all();
    }
  }
  dismiss_ended();
  for (const std::string& name : gone) GS_CHECK(parts_.store.cancel_channel(name, parts_.clock.wall()));
  return {};
}

void LiveOutbox::dismiss_ended() {
  std::vector<LinePtr> ended;
  {
    const std::scoped_lock lock(mutex_);
    const auto stays = [](const LinePtr& line) { return line->thread.joinable() && !line->ended; };
    const auto first = std::stable_partition(leaving_.begin(), leaving_.end(), stays);
    ended.assign(first, leaving_.end());
    leaving_.erase(first, leaving_.end());
  }
  for (const LinePtr& line : ended) {
    if (line->thread.joinable()) line->thread.join();
  }
}

Result<Receipt> LiveOutbox::probe(const ChannelSpec& channel, const Message& message) {
  const auto sender = parts_.senders.find(channel.kind);
  if (sender == parts_.senders.end()) {
    return fail(Errc::kUnsupported, "channel \"" + channel.name + "\": nothing here sends this type");
  }
  return sender->second->send(channel, message);
}

std::vector<ChannelSpec> LiveOutbox::channels() const {
  const std::scoped_lock lock(mutex_);
  std::vector<ChannelSpec> out;
  for (const auto& [name, line] : lines_) out.push_back(line->spec);
  return out;
}

Result<void> LiveOutbox::enqueue(const std::string& channel, const Message& message) {
  {
    const std::scoped_lock lock(mutex_);
    if (!lines_.contains(channel)) return fail(Errc::kNotFound, "no channel \"" + channel + "\"");
  }
  GS_CHECK(parts_.store.add(channel, message, parts_.clock.wall()));
  wake(channel);
  return {};
}

void LiveOutbox::wake(const std::string& channel) {
  const std::scoped_lock lock(mutex_);
  if (const auto line = lines_.find(channel); line != lines_.end()) {
    line->second->woken = true;
    line->second->wake.notify_all();
  }
}

Result<std::vector<Delivery>> LiveOutbox::dead_letters(std::size_t limit) const {
  return parts_.store.dead_letters(limit);
}

Result<void> LiveOutbox::replay(std::int64_t delivery) {
  GS_TRY(const std::string channel, parts_.store.revive(delivery, parts_.clock.wall(), kReplayLife));
  parts_.log.info("message.replayed", {{"channel", channel}, {"delivery", delivery}});
  wake(channel);
  return {};
}

std::optional<WallTime> LiveOutbox::resting_until(const std::string& channel) const {
  const WallTime now = parts_.clock.wall();
  const std::scoped_lock lock(mutex_);
  const auto line = lines_.find(channel);
  if (line == lines_.end() || may_send(line->second->breaker, now)) return std::nullopt;
  return line->second->breaker.open_until;
}

Result<std::vector<Delivery>> LiveOutbox::deliveries(const std::string& channel, std::size_t limit) const {
  return parts_.store.deliveries(channel, limit);
}

Result<void> LiveOutbox::cancel(const std::string& key, const std::string& except_idempotency) {
  return parts_.store.cancel(key, except_idempotency, parts_.clock.wall());
}

Result<void> LiveOutbox::hold(const std::string& key, bool on) {
  GS_CHECK(parts_.store.hold(key, on));
  const std::scoped_lock lock(mutex_);
  for (auto& [name, line] : lines_) {
    line->woken = true;
    line->wake.notify_all();
  }
  return {};
}

void LiveOutbox::tick(WallTime now) {
  for (const ChannelSpec& channel : channels()) {
    Result<bool> sent = true;
    while (sent && *sent) sent = send_due(channel, now);
  }
}

void LiveOutbox::start() {
  const std::scoped_lock lock(mutex_);
  started_ = true;
  for (auto& [name, line] : lines_) employ(line);
}

void LiveOutbox::stop() {
  std::vector<std::thread> threads;
  {
    const std::scoped_lock lock(mutex_);
    if (!started_) return;
    started_ = false;
    for (auto& [name, line] : lines_) {
      line->closing = true;
      line->wake.notify_all();
      threads.push_back(std::move(line->thread));
    }
    for (const LinePtr& line : std::exchange(leaving_, {})) threads.push_back(std::move(line->thread));
  }
  for (auto& [kind, sender] : parts_.senders) sender->stop();
  for (std::thread& thread : threads) {
    if (thread.joinable()) thread.join();
  }
}

void LiveOutbox::employ(const LinePtr& line) {
  if (line->thread.joinable()) return;
  line->closing = false;
  line->ended = false;
  line->thread = std::thread([this, line] { run(line); });
}

void LiveOutbox::run(const LinePtr& line) {
  std::unique_lock lock(mutex_);
  while (!line->closing) {
    line->woken = false;
    const ChannelSpec channel = line->spec;
    lock.unlock();
    const auto sent = send_due(channel, parts_.clock.wall());
    const Nanos pause = !sent ? kPauseAfterFault : *sent ? Nanos{0} : until_due(channel.name);
    lock.lock();
    line->wake.wait_for(lock, pause, [&] { return line->woken || line->closing; });
  }
  line->ended = true;
}

Nanos LiveOutbox::until_due(const std::string& channel) const {
  if (const auto rest = resting_until(channel)) {
    return std::clamp(Nanos{*rest - parts_.clock.wall()}, Nanos{0}, kLongestSleep);
  }
  const auto next = parts_.store.next_due(channel);
  if (!next) return kPauseAfterFault;
  if (!*next) return kLongestSleep;
  return std::clamp(Nanos{**next - parts_.clock.wall()}, Nanos{0}, kLongestSleep);
}

Result<void> LiveOutbox::settle_unrecorded(const std::string& channel) {
  const std::scoped_lock lock(unrecorded_mutex_);
  const auto found = unrecorded_.find(channel);
  if (found == unrecorded_.end()) return {};
  Unrecorded& left = found->second;
  activity::Entry* entry = left.entry ? &*left.entry : nullptr;
  GS_CHECK(parts_.store.record(left.waiting, left.attempt, left.at, parts_.ledger, entry));
  unrecorded_.erase(found);
  return {};
}

Result<bool> LiveOutbox::send_due(const ChannelSpec& channel, WallTime now) {
  GS_CHECK(settle_unrecorded(channel.name));
  {
    const std::scoped_lock lock(mutex_);
    const auto line = lines_.find(channel.name);
    if (line != lines_.end() && !may_send(line->second->breaker, now)) return false;
  }
  const auto waiting = parts_.store.due(channel.name, now);
  if (!waiting) {
    parts_.log.error("outbox.unreadable", {{"channel", channel.name}, {"error", waiting.error()}});
    return waiting.error();
  }
  if (!*waiting) return false;
  const Waiting& next = **waiting;
  Result<void> done;
  if (now < next.message.expires) {
    done = attempt(channel, next);
  } else {
    activity::Entry entry = entry_about(channel, next, now, "message.expired");
    entry.summary = next.message.rule + ": a message to " + channel.name + " expired before it was delivered";
    parts_.log.warn("message.expired", {{"channel", channel.name}, {"rule", next.message.rule}});
    done = parts_.store.expire(next, now, parts_.ledger, entry);
  }
  if (!done) {
    // Only a crash before it is recorded sends it again; its receiver knows it by the idempotency key.
    parts_.log.error("outbox.not_stored", {{"channel", channel.name}, {"error", done.error()}});
    return done.error();
  }
  return true;
}

Result<void> LiveOutbox::attempt(const ChannelSpec& channel, const Waiting& waiting) {
  const MonoTime begin = parts_.clock.mono();
  auto outcome = parts_.senders.at(channel.kind)->send(channel, waiting.message);
  {
    const WallTime now = parts_.clock.wall();
    const std::scoped_lock lock(mutex_);
    if (const auto line = lines_.find(channel.name); line != lines_.end()) {
      const bool was_closed = may_send(line->second->breaker, now);
      const Breaker next = after_attempt(line->second->breaker, is_receiver_failing(outcome), now);
      line->second->breaker = next;
      if (was_closed && !may_send(next, now)) {
        parts_.log.warn("channel.rests", {{"channel", channel.name}, {"failures", next.failures}});
      }
    }
  }
  OutboxStore::Attempt attempt{judge(outcome, waiting.failures, dice()), 0, ""};
  if (outcome) {
    attempt.status = outcome->status;
    attempt.answer = std::move(outcome->answer);
  }
  return record(channel, waiting, attempt, parts_.clock.mono() - begin);
}

/// Delivery, death and the first failure are worth a line in the ledger; the retries in between are counted
/// in it.
Result<void> LiveOutbox::record(const ChannelSpec& channel, const Waiting& waiting,
                                const OutboxStore::Attempt& attempt, Nanos took) {
  const WallTime now = parts_.clock.wall();
  const Judgement& judgement = attempt.judgement;
  const bool delivered = judgement.fate == Fate::kDelivered;
  const bool dead = judgement.fate == Fate::kDead;
  const auto write = [&](std::optional<activity::Entry> entry) -> Result<void> {
    auto written = parts_.store.record(waiting, attempt, now, parts_.ledger, entry ? &*entry : nullptr);
    if (written) return written;
    const std::scoped_lock lock(unrecorded_mutex_);
    unrecorded_.insert_or_assign(channel.name, Unrecorded{waiting, attempt, now, std::move(entry)});
    return written;
  };
  if (!delivered && !dead && waiting.attempts > 0) return write(std::nullopt);
  // "Not yet" is an answer, not a failure: a pool that cools down says so.
  const bool deferred = attempt.status == kTooManyRequests;
  const char* kind = delivered ? "message.sent" : deferred ? "message.deferred" : "message.failed";
  activity::Entry entry = entry_about(channel, waiting, now, kind);
  entry.details["status"] = attempt.status;
  entry.details["answer"] = attempt.answer.substr(0, kMaxAnswerBytes);
  entry.details["took_ms"] = std::chrono::duration<double, std::milli>(took).count();
  entry.details["error"] = judgement.reason;
  entry.summary = waiting.message.rule + ": ";
  if (delivered) {
    entry.summary += "told " + channel.name + " (" + waiting.message.state + ")";
    parts_.log.info("message.sent", {{"channel", channel.name},
                                     {"rule", waiting.message.rule},
                                     {"status", attempt.status},
                                     {"attempts", waiting.attempts + 1},
                                     {"took", took}});
  } else if (deferred) {
    entry.summary += channel.name + " says not yet, tried again: " + judgement.reason;
    parts_.log.info(
        "message.deferred",
        {{"channel", channel.name}, {"rule", waiting.message.rule}, {"because", judgement.reason}});
  } else {
    entry.summary += channel.name + (dead ? " refused the message: " : " could not be told, tried again: ") +
                     judgement.reason;
    parts_.log.warn("message.failed", {{"channel", channel.name},
                                       {"rule", waiting.message.rule},
                                       {"retried", !dead},
                                       {"error", judgement.reason}});
  }
  return write(std::move(entry));
}

double LiveOutbox::dice() {
  const std::scoped_lock lock(dice_mutex_);
  return std::uniform_real_distribution<double>(0, 1)(random_);
}

}  // namespace gpuscale::notify
