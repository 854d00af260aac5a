// SPDX-License-Identifier: Apache-2.0
#include "notify/outbox_store.h"

namespace gpuscale::notify {
namespace {

using base::from_unix_nanos;
using base::to_unix_nanos;

// `state` is DeliveryState's number: its order is part of the schema.
constexpr db::Migration kMigrations[] = {
    {1,
     "CREATE TABLE outbox ("
     "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
     "  channel TEXT NOT NULL,"
     "  key TEXT NOT NULL,"
     "  idempotency TEXT NOT NULL,"
     "  correlation TEXT NOT NULL,"
     "  state_sent TEXT NOT NULL,"
     "  message TEXT NOT NULL,"
     "  state INTEGER NOT NULL,"
     "  attempts INTEGER NOT NULL,"
     "  failures INTEGER NOT NULL,"
     "  created_ns INTEGER NOT NULL,"
     "  next_ns INTEGER NOT NULL,"
     "  finished_ns INTEGER,"
     "  last_error TEXT NOT NULL,"
     "  answer_status INTEGER NOT NULL,"
     "  answer TEXT NOT NULL,"
     "  held INTEGER NOT NULL DEFAULT 0,"
     "  UNIQUE (channel, idempotency)"
     ") STRICT;"
     "CREATE INDEX outbox_waiting ON outbox (channel, next_ns) WHERE state = 0;"
     "CREATE INDEX outbox_key ON outbox (key) WHERE state = 0;"}};

constexpr std::int64_t kTrimEvery = 500;

int number_of(DeliveryState state) {
  return static_cast<int>(state);
}

using Work = std::function<Result<void>(db::Transaction&)>;

Result<bool> is_known(db::Transaction& transaction, const std::string& channel, const Message& message) {
  GS_TRY(db::Statement select,
         transaction.prepare("SELECT 1 FROM outbox WHERE channel = ? AND idempotency = ?"));
  return select.bind(1, channel).bind(2, message.idempotency).step();
}

/// What a receiver has asked for binds the next message too.
struct Inherited {
  std::int64_t next_ns = 0;
  int failures = 0;
};

Result<Inherited> replace_waiting(db::Transaction& transaction, const std::string& channel,
                                  const std::string& key, WallTime now) {
  Inherited inherited{to_unix_nanos(now), 0};
  {
    GS_TRY(db::Statement select,
           transaction.prepare("SELECT max(next_ns), max(failures) FROM outbox "
                               "WHERE state = 0 AND channel = ? AND key = ? AND failures > 0"));
    GS_TRY(const bool row, select.bind(1, channel).bind(2, key).step());
    if (row && !select.is_null(0)) {
      const std::int64_t latest = to_unix_nanos(now + kLongestRetryAfter);
      inherited = {std::clamp(select.integer(0), inherited.next_ns, latest),
                   static_cast<int>(select.integer(1))};
    }
  }
  GS_TRY(db::Statement update, transaction.prepare("UPDATE outbox SET state = ?, finished_ns = ? "
                                                   "WHERE state = 0 AND channel = ? AND key = ?"));
  GS_CHECK(update.bind(1, number_of(DeliveryState::kReplaced))
               .bind(2, to_unix_nanos(now))
               .bind(3, channel)
               .bind(4, key)
               .run());
  return inherited;
}

Result<void> insert(db::Transaction& transaction, const std::string& channel, const Message& message,
                    const Inherited& inherited, WallTime now) {
  GS_TRY(db::Statement statement,
         transaction.prepare(
             "INSERT INTO outbox (channel, key, idempotency, correlation, state_sent, message, state, "
             "attempts, failures, created_ns, next_ns, last_error, answer_status, answer) "
             "VALUES (?, ?, ?, ?, ?, ?, 0, 0, ?, ?, ?, '', 0, '')"));
  return statement.bind(1, channel)
      .bind(2, message.key)
      .bind(3, message.idempotency)
      .bind(4, message.correlation)
      .bind(5, message.state)
      .bind(6, encode(message))
      .bind(7, inherited.failures)
      .bind(8, to_unix_nanos(now))
      .bind(9, inherited.next_ns)
      .run();
}

Result<void> trim(db::Transaction& transaction) {
  const std::int64_t newest = transaction.last_insert_id();
  if (newest % kTrimEvery != 0) return {};
  GS_TRY(db::Statement statement, transaction.prepare("DELETE FROM outbox WHERE state <> 0 AND id <= ?"));
  return statement.bind(1, newest - OutboxStore::kKeptFinished).run();
}

Delivery delivery_of(const db::Statement& row) {
  Delivery delivery;
  delivery.id = row.integer(0);
  delivery.channel = row.text(1);
  delivery.key = row.text(2);
  delivery.state_sent = row.text(3);
  delivery.state = static_cast<DeliveryState>(row.integer(4));
  delivery.attempts = static_cast<int>(row.integer(5));
  delivery.created = from_unix_nanos(row.integer(6));
  if (delivery.state == DeliveryState::kWaiting) delivery.next_attempt = from_unix_nanos(row.integer(7));
  if (!row.is_null(8)) delivery.finished = from_unix_nanos(row.integer(8));
  delivery.last_error = row.text(9);
  delivery.answer_status = static_cast<int>(row.integer(10));
  delivery.answer = row.text(11);
  delivery.correlation = row.text(12);
  return delivery;
}

constexpr std::string_view kSelectDelivery =
    "SELECT id, channel, key, state_sent, state, attempts, created_ns, next_ns, finished_ns, last_error, "
    "answer_status, answer, correlation FROM outbox ";

Result<std::vector<Delivery>> all_of(db::Statement& select) {
  std::vector<Delivery> out;
  while (true) {
    GS_TRY(const bool row, select.step());
    if (!row) return out;
    out.push_back(delivery_of(select));
  }
}

}  // namespace

Result<OutboxStore> OutboxStore::open(db::Database& database) {
  GS_CHECK(database.migrate("notify", kMigrations));
  return OutboxStore(database);
}

Result<bool> OutboxStore::add(const std::string& channel, const Message& message, WallTime now) {
  return database_->transact<bool>([&](db::Transaction& transaction) -> Result<bool> {
    GS_TRY(const bool known, is_known(transaction, channel, message));
    if (known) return false;
    GS_TRY(const Inherited inherited, replace_waiting(transaction, channel, message.key, now));
    GS_CHECK(insert(transaction, channel, message, inherited, now));
    GS_CHECK(trim(transaction));
    return true;
  });
}

Result<void> OutboxStore::cancel(const std::string& key, const std::string& except_idempotency,
                                 WallTime now) {
  return database_->transact(Work([&](db::Transaction& transaction) -> Result<void> {
    GS_TRY(db::Statement update, transaction.prepare("UPDATE outbox SET state = ?, finished_ns = ? "
                                                     "WHERE state = 0 AND key = ? AND idempotency <> ?"));
    return update.bind(1, number_of(DeliveryState::kReplaced))
        .bind(2, to_unix_nanos(now))
        .bind(3, key)
        .bind(4, except_idempotency)
        .run();
  }));
}

Result<void> OutboxStore::cancel_channel(const std::string& channel, WallTime now) {
  return database_->transact(Work([&](db::Transaction& transaction) -> Result<void> {
    GS_TRY(db::Statement update, transaction.prepare("UPDATE outbox SET state = ?, finished_ns = ? "
                                                     "WHERE state = 0 AND channel = ?"));
    return update.bind(1, number_of(DeliveryState::kReplaced))
        .bind(2, to_unix_nanos(now))
        .bind(3, channel)
        .run();
  }));
}

Result<void> OutboxStore::hold(const std::string& key, bool on) {
  return database_->transact(Work([&](db::Transaction& transaction) -> Result<void> {
    GS_TRY(db::Statement update,
           transaction.prepare("UPDATE outbox SET held = ? WHERE state = 0 AND key = ?"));
    return update.bind(1, on ? 1 : 0).bind(2, key).run();
  }));
}

Result<std::optional<Waiting>> OutboxStore::due(const std::string& channel, WallTime now) const {
  using Found = std::optional<Waiting>;
  return database_->read<Found>([&](db::Transaction& transaction) -> Result<Found> {
    GS_TRY(db::Statement select,
           transaction.prepare(
               "SELECT id, message, attempts, failures FROM outbox WHERE state = 0 AND channel = ? "
               "AND held = 0 AND (next_ns <= ? OR next_ns > ?) ORDER BY next_ns, id LIMIT 1"));
    // No receiver is given longer than that: a time beyond it was written by a clock that ran ahead.
    select.bind(1, channel).bind(2, to_unix_nanos(now)).bind(3, to_unix_nanos(now + kLongestRetryAfter));
    GS_TRY(const bool row, select.step());
    if (!row) return Found{};
    Waiting waiting;
    waiting.id = select.integer(0);
    GS_TRY(waiting.message, decode_message(select.text(1)));
    waiting.attempts = static_cast<int>(select.integer(2));
    waiting.failures = static_cast<int>(select.integer(3));
    return Found{std::move(waiting)};
  });
}

Result<std::optional<WallTime>> OutboxStore::next_due(const std::string& channel) const {
  using Found = std::optional<WallTime>;
  return database_->read<Found>([&](db::Transaction& transaction) -> Result<Found> {
    GS_TRY(
        db::Statement select,
        transaction.prepare("SELECT min(next_ns) FROM outbox WHERE state = 0 AND held = 0 AND channel = ?"));
    GS_TRY(const bool row, select.bind(1, channel).step());
    if (!row || select.is_null(0)) return Found{};
    return Found{from_unix_nanos(select.integer(0))};
  });
}

Result<void> OutboxStore::record(const Waiting& waiting, const Attempt& attempt, WallTime now,
                                 activity::Ledger& ledger, activity::Entry* entry) {
  const bool delivered = attempt.judgement.fate == Fate::kDelivered;
  const bool retry = attempt.judgement.fate == Fate::kRetry;
  const DeliveryState state = delivered ? DeliveryState::kDelivered
                              : retry   ? DeliveryState::kWaiting
                                        : DeliveryState::kDead;
  const Work work = [&](db::Transaction& transaction) -> Result<void> {
    std::string sql =
        "UPDATE outbox SET state = ?1, attempts = ?2, failures = ?3, next_ns = ?4, finished_ns = ?5, "
        "last_error = ?6, answer_status = ?7, answer = ?8 WHERE id = ?9";
    if (!delivered) sql += " AND state = 0";
    GS_TRY(db::Statement update, transaction.prepare(sql));
    update.bind(1, number_of(state))
        .bind(2, waiting.attempts + 1)
        .bind(3, delivered ? 0 : waiting.failures + 1)
        .bind(4, to_unix_nanos(now + attempt.judgement.wait));
    if (retry) {
      update.bind_null(5);
    } else {
      update.bind(5, to_unix_nanos(now));
    }
    update.bind(6, attempt.judgement.reason)
        .bind(7, attempt.status)
        .bind(8, attempt.answer.substr(0, kMaxAnswerBytes))
        .bind(9, waiting.id);
    GS_CHECK(update.run());
    if (entry == nullptr) return {};
    GS_TRY(entry->id, ledger.append_in(transaction, *entry));
    return {};
  };
  GS_CHECK(database_->transact(work));
  if (entry != nullptr) ledger.publish(*entry);
  return {};
}

Result<void> OutboxStore::expire(const Waiting& waiting, WallTime now, activity::Ledger& ledger,
                                 activity::Entry& entry) {
  const Work work = [&](db::Transaction& transaction) -> Result<void> {
    GS_TRY(db::Statement update,
           transaction.prepare("UPDATE outbox SET state = ?, finished_ns = ? WHERE id = ? AND state = 0"));
    GS_CHECK(update.bind(1, number_of(DeliveryState::kExpired))
                 .bind(2, to_unix_nanos(now))
                 .bind(3, waiting.id)
                 .run());
    GS_TRY(entry.id, ledger.append_in(transaction, entry));
    return {};
  };
  GS_CHECK(database_->transact(work));
  ledger.publish(entry);
  return {};
}

Result<std::vector<Delivery>> OutboxStore::deliveries(const std::string& channel, std::size_t limit) const {
  return database_->read<std::vector<Delivery>>(
      [&](db::Transaction& transaction) -> Result<std::vector<Delivery>> {
        GS_TRY(db::Statement select, transaction.prepare(std::string(kSelectDelivery) +
                                                         "WHERE channel = ? ORDER BY id DESC LIMIT ?"));
        select.bind(1, channel).bind(2, static_cast<std::int64_t>(limit));
        return all_of(select);
      });
}

Result<std::vector<Delivery>> OutboxStore::dead_letters(std::size_t limit) const {
  return database_->read<std::vector<Delivery>>(
      [&](db::Transaction& transaction) -> Result<std::vector<Delivery>> {
        GS_TRY(db::Statement select,
               transaction.prepare(std::string(kSelectDelivery) +
                                   "WHERE state IN (?1, ?2) ORDER BY id DESC LIMIT ?3"));
        select.bind(1, number_of(DeliveryState::kDead))
            .bind(2, number_of(DeliveryState::kExpired))
            .bind(3, static_cast<std::int64_t>(limit));
        return all_of(select);
      });
}

Result<std::string> OutboxStore::revive(std::int64_t id, WallTime now, Nanos life) {
  return database_->transact<std::string>([&](db::Transaction& transaction) -> Result<std::string> {
    GS_TRY(db::Statement select,
           transaction.prepare("SELECT channel, message, state FROM outbox WHERE id = ?"));
    GS_TRY(const bool row, select.bind(1, id).step());
    if (!row) return fail(Errc::kNotFound, "no delivery " + std::to_string(id));
    const auto state = static_cast<DeliveryState>(select.integer(2));
    if (state != DeliveryState::kDead && state != DeliveryState::kExpired) {
      return fail(Errc::kConflict, "delivery " + std::to_string(id) + " is " + std::string(to_string(state)) +
                                       "; only what is dead or expired is sent again");
    }
    const std::string channel = select.text(0);
    GS_TRY(Message message, decode_message(select.text(1)));
    message.expires = now + life;
    GS_CHECK(replace_waiting(transaction, channel, message.key, now));
    GS_TRY(db::Statement update,
           transaction.prepare(
               "UPDATE outbox SET state = 0, message = ?, attempts = 0, failures = 0, next_ns = ?, "
               "finished_ns = NULL, held = 0 WHERE id = ?"));
    GS_CHECK(update.bind(1, encode(message)).bind(2, to_unix_nanos(now)).bind(3, id).run());
    return channel;
  });
}

}  // namespace gpuscale::notify
