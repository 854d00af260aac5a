// SPDX-License-Identifier: Apache-2.0
/// The outbox's rows. Every call is one transaction, durable on return. Thread-safe as the database is.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "activity/ledger.h"
#include "base/result.h"
#include "db/database.h"
#include "notify/delivery_plan.h"
#include "notify/outbox.h"

namespace gpuscale::notify {

/// A message that waits, as a sender needs it.
struct Waiting {
  std::int64_t id = 0;
  Message message;
  int attempts = 0;
  int failures = 0;  ///< in a row at this receiver, also of those it replaced
};

class OutboxStore {
 public:
  static Result<OutboxStore> open(db::Database& database);

  /// False where this channel has had the message already.
  Result<bool> add(const std::string& channel, const Message& message, WallTime now);
  Result<void> cancel(const std::string& key, const std::string& except_idempotency, WallTime now);
  Result<void> hold(const std::string& key, bool on);
  /// All that waits for this channel.
  Result<void> cancel_channel(const std::string& channel, WallTime now);
  /// The one that has been due for longest at `now`.
  Result<std::optional<Waiting>> due(const std::string& channel, WallTime now) const;
  /// When the next of a channel is due; absent where none waits.
  Result<std::optional<WallTime>> next_due(const std::string& channel) const;

  /// What became of an attempt, with its entry in the ledger where there is one. A message that was replaced
  /// meanwhile stays replaced unless it was delivered.
  struct Attempt {
    Judgement judgement;
    int status = 0;
    std::string answer;
  };
  Result<void> record(const Waiting& waiting, const Attempt& attempt, WallTime now, activity::Ledger& ledger,
                      activity::Entry* entry);
  Result<void> expire(const Waiting& waiting, WallTime now, activity::Ledger& ledger, activity::Entry& entry);

  Result<std::vector<Delivery>> deliveries(const std::string& channel, std::size_t limit) const;

  Result<std::vector<Delivery>> dead_letters(std::size_t limit) const;
  /// Lets a dead or expired message wait again, to expire `life` later. @return its channel. Errors: as
  /// Outbox::replay().
  Result<std::string> revive(std::int64_t id, WallTime now, Nanos life);

  /// Finished rows beyond these are forgotten, the oldest first.
  static constexpr std::int64_t kKeptFinished = 10'000;

 private:
  explicit OutboxStore(db::Database& database) : database_(&database) {}
  db::Database* database_;
};

}  // namespace gpuscale::notify
