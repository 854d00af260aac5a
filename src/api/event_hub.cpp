// SPDX-License-Identifier: Apache-2.0
#include "api/event_hub.h"

#include <map>

namespace gpuscale::api {

namespace {

// Between two turns of a catch-up, so that a listener's queue can drain: 500 entries are about 200 KB.
constexpr std::chrono::milliseconds kCatchUpPause{50};

}  // namespace

std::string to_event(const activity::Entry& entry) {
  // dump() escapes line breaks, so that the data is one line, as the event stream format asks.
  return "id: " + std::to_string(entry.id) + "\nevent: activity\ndata: " +
         activity::to_json(entry).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n\n";
}

EventHub::EventHub(activity::Ledger& ledger, const Clock& clock, log::Log log, EventHubOptions options)
    : ledger_(ledger),
      clock_(clock),
      log_(std::move(log)),
      options_(options),
      next_heartbeat_(clock.mono() + options.heartbeat) {}

EventHub::~EventHub() {
  stop();
}

void EventHub::notify() {
  {
    const std::scoped_lock lock(mutex_);
    news_ = true;
  }
  wake_.notify_one();
}

Result<void> EventHub::attach(std::shared_ptr<http::StreamWriter> writer,
                              std::optional<std::int64_t> after_id) {
  if (!after_id) {
    activity::Filter newest;
    newest.limit = 1;
    GS_TRY(const std::vector<activity::Entry> entries, ledger_.query(newest));
    after_id = entries.empty() ? 0 : entries.back().id;
  }
  {
    const std::scoped_lock lock(mutex_);
    if (stopped_) return fail(Errc::kUnavailable, "the server is stopping");
    if (listeners_.size() >= options_.max_listeners) {
      return fail(Errc::kExhausted,
                  "there are " + std::to_string(listeners_.size()) + " listeners already; try later");
    }
    writer->write("retry: 2000\n\n");
    listeners_.push_back({std::move(writer), *after_id});
    news_ = true;
  }
  wake_.notify_one();
  return {};
}

bool EventHub::pump(MonoTime now) {
  const bool more = deliver();
  const std::scoped_lock lock(mutex_);
  if (now >= next_heartbeat_) {
    next_heartbeat_ = now + options_.heartbeat;
    std::erase_if(listeners_, [](Listener& listener) { return !listener.writer->write(": still here\n\n"); });
  }
  std::erase_if(listeners_, [](const Listener& listener) { return listener.writer->closed(); });
  return more;
}

bool EventHub::deliver() {
  std::map<std::int64_t, std::vector<activity::Entry>> after;  // what follows each listener's place
  {
    const std::scoped_lock lock(mutex_);
    for (const Listener& listener : listeners_) after[listener.last_id];
  }
  bool more = false;
  for (auto& [place, entries] : after) {
    activity::Filter filter;
    filter.after_id = place;
    filter.limit = options_.batch;
    Result<std::vector<activity::Entry>> found = ledger_.query(filter);
    if (!found) {
      log_.warn("events.unreadable", {{"error", found.error()}});
      continue;
    }
    entries = *std::move(found);
    more = more || entries.size() >= options_.batch;
  }
  const std::scoped_lock lock(mutex_);
  std::erase_if(listeners_, [&after](Listener& listener) {
    const auto found = after.find(listener.last_id);
    if (found == after.end()) return false;
    for (const activity::Entry& entry : found->second) {
      if (!listener.writer->write(to_event(entry))) return true;
      listener.last_id = entry.id;
    }
    return false;
  });
  return more;
}

void EventHub::start() {
  thread_ = std::thread([this] { run(); });
}

void EventHub::run() {
  bool more = false;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      const Nanos pause =
          more ? Nanos(kCatchUpPause) : std::max(Nanos{0}, Nanos(next_heartbeat_ - clock_.mono()));
      wake_.wait_for(lock, pause, [&] { return stopped_ || (news_ && !more); });
      if (stopped_) return;
      news_ = false;
    }
    more = pump(clock_.mono());
  }
}

void EventHub::stop() {
  std::vector<Listener> last;
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
    last.swap(listeners_);
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  for (const Listener& listener : last) listener.writer->finish();
}

std::size_t EventHub::listeners() const {
  const std::scoped_lock lock(mutex_);
  return listeners_.size();
}

}  // namespace gpuscale::api
