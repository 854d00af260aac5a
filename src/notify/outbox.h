// SPDX-License-Identifier: Apache-2.0
/// The durable outbox: a message is written before it is sent, retried with back-off until delivered or
/// expired, and replaced by a newer one of the same channel and key. A receiver that hangs delays no other.
/// Thread-safe.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "activity/ledger.h"
#include "base/result.h"
#include "base/time.h"
#include "db/database.h"
#include "log/log.h"
#include "notify/message.h"

namespace gpuscale::notify {

/// What a receiver said.
struct Receipt {
  int status = 0;                    ///< HTTP status; the trigger channel answers as the trigger's URL would
  std::string answer;                ///< at most kMaxAnswerBytes of it
  std::optional<Nanos> retry_after;  ///< as the receiver asked
};
inline constexpr std::size_t kMaxAnswerBytes = 4'096;

/// Carries one message to one receiver. Thread-safe.
class Sender {
 public:
  virtual ~Sender() = default;
  /// Whatever the receiver answers is a value; an error means that there was no answer.
  virtual Result<Receipt> send(const ChannelSpec& channel, const Message& message) = 0;
  /// Sends under way return at once with kUnavailable, and so do later ones.
  virtual void stop() {}
};

enum class DeliveryState { kWaiting, kDelivered, kReplaced, kExpired, kDead };
std::string_view to_string(DeliveryState state);

struct Delivery {
  std::int64_t id = 0;
  std::string channel;
  std::string key;
  std::string state_sent;  ///< "firing", ...
  DeliveryState state = DeliveryState::kWaiting;
  int attempts = 0;
  WallTime created;
  std::optional<WallTime> next_attempt;
  std::optional<WallTime> finished;
  std::string last_error;  ///< redacted
  int answer_status = 0;
  std::string answer;
  std::string correlation;
};

class Outbox {
 public:
  /// `senders`: one per ChannelKind that is used.
  static Result<std::unique_ptr<Outbox>> open(db::Database& database, activity::Ledger& ledger,
                                              const Clock& clock, log::Log log,
                                              std::map<ChannelKind, std::shared_ptr<Sender>> senders);
  virtual ~Outbox() = default;  ///< stops

  /// Replaces the set of channels, also while they send. What waits for a channel that is no more is called
  /// off.
  virtual Result<void> set_channels(std::vector<ChannelSpec> channels) = 0;
  virtual std::vector<ChannelSpec> channels() const = 0;

  /// Durable on return. Idempotent by Message::idempotency and channel. A waiting message of the same channel
  /// and key is replaced, and what the receiver asked of it (Retry-After, back-off) binds the new one too.
  /// Errors: kNotFound (channel).
  virtual Result<void> enqueue(const std::string& channel, const Message& message) = 0;
  virtual Result<std::vector<Delivery>> deliveries(const std::string& channel, std::size_t limit) const = 0;
  /// Drops what still waits under this key (a scale-out whose reason has gone), but for the message with this
  /// idempotency: what is handed over a second time must not call itself off.
  virtual Result<void> cancel(const std::string& key, const std::string& except_idempotency) = 0;
  /// What waits under this key is not sent while it is held (its reason may have gone: nobody can tell).
  virtual Result<void> hold(const std::string& key, bool on) = 0;

  /// What could not be delivered (refused, or too late), newest first.
  virtual Result<std::vector<Delivery>> dead_letters(std::size_t limit) const = 0;
  /// Sends one of these once more, as if it had just been enqueued; its idempotency key stays. Errors:
  /// kNotFound, kConflict (it was delivered, or still waits; or its channel is no more).
  virtual Result<void> replay(std::int64_t delivery) = 0;
  /// Sends this message through such a channel at once, once, past the outbox, on the calling thread: whether
  /// a channel works, before anything depends on it. Errors: kUnsupported (nothing sends this type); those of
  /// the sender.
  virtual Result<Receipt> probe(const ChannelSpec& channel, const Message& message) = 0;
  /// Until when nothing is sent to this channel's receiver, because it has failed too often in a row.
  virtual std::optional<WallTime> resting_until(const std::string& channel) const = 0;

  /// Sends what is due at `now` on the calling thread; start() does so on threads of its own, one per
  /// channel.
  virtual void tick(WallTime now) = 0;
  virtual void start() = 0;
  virtual void stop() = 0;  ///< idempotent
};

/// Sends by HTTP what http_message.h makes of a message, for every kind of channel that goes by HTTP.
/// Redirects are answers, not followed: the secret in a URL is for its receiver alone.
std::shared_ptr<Sender> make_webhook_sender();
/// Sends an e-mail over SMTP.
std::shared_ptr<Sender> make_mail_sender();
/// Runs a program: its own arguments, no shell; our JSON body on its standard input, and GPUSCALE_STATE,
/// GPUSCALE_RULE, GPUSCALE_IDEMPOTENCY_KEY and GPUSCALE_CORRELATION in an environment that is otherwise PATH
/// and LANG alone. Exit code 0 is delivered, 75 (EX_TEMPFAIL of sysexits.h) is tried again, all else refused.
/// It is killed with its children where it outlasts the channel's time-out.
std::shared_ptr<Sender> make_exec_sender();
/// Pulls a trigger of ours by a function call; `pull(trigger, message)` is scaling's service.
std::shared_ptr<Sender> make_trigger_sender(
    std::function<Result<Receipt>(const std::string& trigger, const Message& message)> pull);
/// One for every kind of channel.
std::map<ChannelKind, std::shared_ptr<Sender>> all_senders(
    std::function<Result<Receipt>(const std::string& trigger, const Message& message)> pull);

}  // namespace gpuscale::notify
