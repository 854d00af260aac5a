// SPDX-License-Identifier: Apache-2.0
/// The outbox that Outbox::open() makes: one thread per channel, each asleep until something of its channel
/// is due.
#pragma once
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "notify/breaker.h"
#include "notify/outbox_store.h"

namespace gpuscale::notify {

class LiveOutbox final : public Outbox {
 public:
  struct Parts {
    OutboxStore store;
    activity::Ledger& ledger;
    const Clock& clock;
    log::Log log;
    std::map<ChannelKind, std::shared_ptr<Sender>> senders;
  };
  explicit LiveOutbox(Parts parts) : parts_(std::move(parts)) {}
  ~LiveOutbox() override;
  LiveOutbox(const LiveOutbox&) = delete;
  LiveOutbox& operator=(const LiveOutbox&) = delete;

  Result<void> set_channels(std::vector<ChannelSpec> channels) override;
  std::vector<ChannelSpec> channels() const override;
  Result<void> enqueue(const std::string& channel, const Message& message) override;
  Result<std::vector<Delivery>> deliveries(const std::string& channel, std::size_t limit) const override;
  Result<void> cancel(const std::string& key, const std::string& except_idempotency) override;
  Result<void> hold(const std::string& key, bool on) override;
  Result<std::vector<Delivery>> dead_letters(std::size_t limit) const override;
  Result<void> replay(std::int64_t delivery) override;
  Result<Receipt> probe(const ChannelSpec& channel, const Message& message) override;
  std::optional<WallTime> resting_until(const std::string& channel) const override;
  void tick(WallTime now) override;
  void start() override;
  void stop() override;

 private:
  /// A channel and who works for it. Guarded by mutex_, but for the thread itself.
  struct Line {
    ChannelSpec spec;
    std::condition_variable wake;
    Breaker breaker;
    bool woken = false;
    bool closing = false;
    bool ended = false;  ///< the thread has left run()
    std::thread thread;
  };
  using LinePtr = std::shared_ptr<Line>;

  void employ(const LinePtr& line);
  /// Joins the threads of closed channels that have ended; a receiver that hangs keeps nobody waiting.
  void dismiss_ended();
  void run(const LinePtr& line);
  /// Sends the one that is due, if any. @return whether there was one. Errors: of the database, logged.
  Result<bool> send_due(const ChannelSpec& channel, WallTime now);
  Result<void> attempt(const ChannelSpec& channel, const Waiting& waiting);
  Result<void> record(const ChannelSpec& channel, const Waiting& waiting, const OutboxStore::Attempt& attempt,
                      Nanos took);
  /// Writes down what could not be written when it was learned. @return whether nothing is left of it.
  Result<void> settle_unrecorded(const std::string& channel);
  Nanos until_due(const std::string& channel) const;
  void wake(const std::string& channel);
  double dice();

  Parts parts_;
  mutable std::mutex mutex_;
  std::map<std::string, LinePtr> lines_;
  std::vector<LinePtr>
      leaving_;  ///< of channels that are no more; their last message may still be on its way
  bool started_ = false;
  /// What became of a message whose row could not be updated (a full disk), by channel: recorded before
  /// anything else is sent, so that a receiver is not told the same every half second.
  struct Unrecorded {
    Waiting waiting;
    OutboxStore::Attempt attempt;
    WallTime at;
    std::optional<activity::Entry> entry;
  };
  std::mutex unrecorded_mutex_;
  std::map<std::string, Unrecorded> unrecorded_;
  std::mutex dice_mutex_;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace gpuscale::notify
