// SPDX-License-Identifier: Apache-2.0
/// Live events: follows the activity ledger for every connected listener. Each has its own place in the
/// ledger, so a new entry, a resumed connection and a listener that fell behind are one and the same case,
/// and nothing is lost or sent twice. Thread-safe.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "activity/ledger.h"
#include "base/result.h"
#include "base/time.h"
#include "http/message.h"
#include "log/log.h"

namespace gpuscale::api {

struct EventHubOptions {
  std::size_t max_listeners = 256;
  std::size_t batch = 500;  ///< entries read at once; a long catch-up is sent in as many turns as it takes
  std::chrono::seconds heartbeat{15};
};

class EventHub {
 public:
  EventHub(activity::Ledger& ledger, const Clock& clock, log::Log log, EventHubOptions options = {});
  ~EventHub();  ///< stops
  EventHub(const EventHub&) = delete;
  EventHub& operator=(const EventHub&) = delete;

  /// Something was appended to the ledger; quick. Wire it: ledger.set_listener([&](auto&) { hub.notify(); }).
  void notify();

  /// Sends every entry after `after_id` (absent: from now on) until the listener goes or is too slow for its
  /// writer's queue; then it is dropped, and resumes by Last-Event-ID. Errors: kExhausted (too many),
  /// kUnavailable (stopped).
  Result<void> attach(std::shared_ptr<http::StreamWriter> writer, std::optional<std::int64_t> after_id);

  /// One turn: sends what is new, and a comment line to everyone when a heartbeat is due at `now`.
  /// @return whether there is more to send at once.
  bool pump(MonoTime now);
  void start();  ///< pumps on a thread of its own
  void stop();   ///< idempotent; ends every stream

  std::size_t listeners() const;

 private:
  struct Listener {
    std::shared_ptr<http::StreamWriter> writer;
    std::int64_t last_id;
  };
  void run();
  bool deliver();

  activity::Ledger& ledger_;
  const Clock& clock_;
  log::Log log_;
  EventHubOptions options_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Listener> listeners_;
  bool news_ = false;
  bool stopped_ = false;
  MonoTime next_heartbeat_;
  std::thread thread_;
};

/// "id: 7\nevent: activity\ndata: {...}\n\n".
std::string to_event(const activity::Entry& entry);

}  // namespace gpuscale::api
