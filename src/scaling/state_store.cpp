// SPDX-License-Identifier: Apache-2.0
#include "scaling/state_store.h"

#include <algorithm>
#include <array>

#include "base/digest.h"
#include "db/optional_time.h"
#include "scaling/trigger_json.h"

namespace gpuscale::scaling {
namespace {

constexpr std::array<db::Migration, 4> kMigrations{{{1, R"sql(
CREATE TABLE scaling_pools(
  name TEXT PRIMARY KEY, desired INTEGER NOT NULL, last_out INTEGER, last_in INTEGER, correlation TEXT NOT NULL) STRICT;
CREATE TABLE scaling_nodes(
  id TEXT PRIMARY KEY, pool TEXT NOT NULL, state TEXT NOT NULL, created INTEGER NOT NULL, state_since INTEGER NOT NULL,
  ready_at INTEGER, endpoint TEXT NOT NULL, correlation TEXT NOT NULL, reason TEXT NOT NULL, protected INTEGER NOT NULL,
  episode TEXT NOT NULL, cause TEXT NOT NULL, seen INTEGER NOT NULL, ending INTEGER NOT NULL,
  undrain_due INTEGER NOT NULL, silent INTEGER NOT NULL, adopted INTEGER NOT NULL) STRICT;
CREATE INDEX scaling_nodes_by_state ON scaling_nodes(state, pool, state_since);
CREATE TABLE scaling_secrets(trigger TEXT PRIMARY KEY, salt TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
CREATE TABLE scaling_idempotency(
  trigger TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, outcome TEXT NOT NULL,
  PRIMARY KEY(trigger, key)) STRICT;
CREATE INDEX scaling_idempotency_by_age ON scaling_idempotency(at);
)sql"},
                                                    {2, R"sql(
ALTER TABLE scaling_secrets ADD COLUMN digest TEXT NOT NULL DEFAULT '';
)sql"},
                                                    {3, R"sql(
ALTER TABLE scaling_pools ADD COLUMN saved_boots INTEGER NOT NULL DEFAULT 0;
)sql"},
                                                    {4, R"sql(
ALTER TABLE scaling_pools ADD COLUMN memory TEXT NOT NULL DEFAULT '';
)sql"}}};

Result<NodeRecord> read_node(const db::Statement& row) {
  const std::string id = row.text(0);
  const auto state = pool::parse_node_state(row.text(2));
  if (!state)
    return fail(Errc::kCorrupt, "state.db: node " + id + " has the unknown state \"" + row.text(2) + "\"");
  NodeRecord record{pool::Node{.id = pool::NodeId(id), .pool = pool::PoolName(row.text(1)), .state = *state}};
  record.node.created = base::from_unix_nanos(row.integer(3));
  record.node.state_since = base::from_unix_nanos(row.integer(4));
  record.node.ready_at = db::time_at(row, 5);
  record.node.endpoint = row.text(6);
  record.node.correlation = row.text(7);
  record.node.reason = row.text(8);
  record.node.protected_from_scale_in = row.integer(9) != 0;
  record.episode = row.text(10);
  record.cause = parse_drain_cause(row.text(11));
  record.seen = row.integer(12) != 0;
  record.ending = row.integer(13) != 0;
  record.undrain_due = row.integer(14) != 0;
  record.silent = row.integer(15) != 0;
  record.adopted = row.integer(16) != 0;
  return record;
}

}  // namespace

SecretHash SecretHash::of(const Secret& secret) {
  SecretHash out;
  out.salt = base::random_hex(16);
  out.hash = base::hmac_sha256_hex(out.salt, secret.reveal());
  out.digest = base::sha256_hex(secret.reveal());
  return out;
}

bool SecretHash::matches(const std::string& secret) const {
  return base::equal_in_constant_time(base::hmac_sha256_hex(salt, secret), hash);
}

Result<StateStore> StateStore::open(db::Database& database) {
  GS_CHECK(database.migrate("scaling", kMigrations));
  return StateStore();
}

Result<std::vector<PoolRecord>> StateStore::pools(db::Transaction& tx) const {
  GS_TRY(auto rows,
         tx.prepare(
             "SELECT name, desired, last_out, last_in, correlation, saved_boots, memory FROM scaling_pools "
             "ORDER BY name"));
  std::vector<PoolRecord> out;
  for (;;) {
    GS_TRY(const bool more, rows.step());
    if (!more) return out;
    GS_TRY(auto memory, memory_from_text(rows.text(6)));
    out.push_back({.name = rows.text(0),
                   .desired = static_cast<int>(rows.integer(1)),
                   .last_out = db::time_at(rows, 2),
                   .last_in = db::time_at(rows, 3),
                   .correlation = rows.text(4),
                   .saved_boots = rows.integer(5),
                   .memory = std::move(memory)});
  }
}

Result<void> StateStore::save_pool(db::Transaction& tx, const PoolRecord& pool) const {
  GS_TRY(auto statement,
         tx.prepare(
             "INSERT INTO scaling_pools(name, desired, last_out, last_in, correlation, saved_boots, "
             "memory) VALUES(?1,?2,?3,?4,?5,?6,?7) ON CONFLICT(name) DO UPDATE SET desired=?2, last_out=?3, "
             "last_in=?4, correlation=?5, saved_boots=?6, memory=?7"));
  statement.bind(1, pool.name).bind(2, pool.desired).bind(5, pool.correlation).bind(6, pool.saved_boots);
  statement.bind(7, to_text(pool.memory));
  db::bind_time(statement, 3, pool.last_out);
  db::bind_time(statement, 4, pool.last_in);
  return statement.run();
}

Result<std::vector<NodeRecord>> StateStore::nodes(db::Transaction& tx) const {
  GS_TRY(
      auto rows,
      tx.prepare(
          "SELECT id, pool, state, created, state_since, ready_at, endpoint, correlation, reason, protected, "
          "episode, cause, seen, ending, undrain_due, silent, adopted FROM scaling_nodes WHERE state <> "
          "'gone' "
          "ORDER BY created, id"));
  std::vector<NodeRecord> out;
  for (;;) {
    GS_TRY(const bool more, rows.step());
    if (!more) return out;
    GS_TRY(auto record, read_node(rows));
    out.push_back(std::move(record));
  }
}

Result<void> StateStore::save_node(db::Transaction& tx, const NodeRecord& record) const {
  GS_TRY(
      auto statement,
      tx.prepare(
          "INSERT OR REPLACE INTO scaling_nodes(id, pool, state, created, state_since, ready_at, endpoint, "
          "correlation, reason, protected, episode, cause, seen, ending, undrain_due, silent, adopted) "
          "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17)"));
  const pool::Node& node = record.node;
  statement.bind(1, node.id.value()).bind(2, node.pool.value()).bind(3, to_string(node.state));
  statement.bind(4, base::to_unix_nanos(node.created)).bind(5, base::to_unix_nanos(node.state_since));
  db::bind_time(statement, 6, node.ready_at);
  statement.bind(7, node.endpoint).bind(8, node.correlation).bind(9, node.reason);
  statement.bind(10, node.protected_from_scale_in ? 1 : 0)
      .bind(11, record.episode)
      .bind(12, to_string(record.cause));
  statement.bind(13, record.seen ? 1 : 0).bind(14, record.ending ? 1 : 0);
  statement.bind(15, record.undrain_due ? 1 : 0)
      .bind(16, record.silent ? 1 : 0)
      .bind(17, record.adopted ? 1 : 0);
  return statement.run();
}

Result<std::optional<pool::NodeState>> StateStore::state_of(db::Transaction& tx,
                                                            const std::string& id) const {
  GS_TRY(auto row, tx.prepare("SELECT state FROM scaling_nodes WHERE id=?1"));
  row.bind(1, id);
  GS_TRY(const bool found, row.step());
  if (!found) return std::optional<pool::NodeState>();
  const auto state = pool::parse_node_state(row.text(0));
  if (!state)
    return fail(Errc::kCorrupt, "state.db: node " + id + " has the unknown state \"" + row.text(0) + "\"");
  return state;
}

Result<void> StateStore::trim_gone(db::Transaction& tx, const std::string& pool) const {
  GS_TRY(auto statement,
         tx.prepare("DELETE FROM scaling_nodes WHERE id IN (SELECT id FROM scaling_nodes WHERE "
                    "state='gone' AND pool=?1 ORDER BY state_since DESC LIMIT -1 OFFSET ?2)"));
  statement.bind(1, pool).bind(2, static_cast<std::int64_t>(kMaxGoneNodes));
  return statement.run();
}

Result<std::map<std::string, SecretHash>> StateStore::secrets(db::Transaction& tx) const {
  GS_TRY(auto rows, tx.prepare("SELECT trigger, salt, hash, digest FROM scaling_secrets"));
  std::map<std::string, SecretHash> out;
  for (;;) {
    GS_TRY(const bool more, rows.step());
    if (!more) return out;
    out.emplace(rows.text(0), SecretHash{rows.text(1), rows.text(2), rows.text(3)});
  }
}

Result<void> StateStore::save_secret(db::Transaction& tx, const std::string& trigger,
                                     const SecretHash& hash) const {
  GS_TRY(
      auto statement,
      tx.prepare("INSERT OR REPLACE INTO scaling_secrets(trigger, salt, hash, digest) VALUES(?1,?2,?3,?4)"));
  statement.bind(1, trigger).bind(2, hash.salt).bind(3, hash.hash).bind(4, hash.digest);
  return statement.run();
}

Result<void> StateStore::remove_secret(db::Transaction& tx, const std::string& trigger) const {
  GS_TRY(auto statement, tx.prepare("DELETE FROM scaling_secrets WHERE trigger = ?1"));
  return statement.bind(1, trigger).run();
}

Result<std::optional<TriggerOutcome>> StateStore::recall(db::Transaction& tx, const std::string& trigger,
                                                         const std::string& key, WallTime now,
                                                         Nanos life) const {
  GS_TRY(auto row,
         tx.prepare("SELECT outcome FROM scaling_idempotency WHERE trigger=?1 AND key=?2 AND at>=?3"));
  row.bind(1, trigger).bind(2, key).bind(3, base::to_unix_nanos(now - std::min(life, kIdempotencyLife)));
  GS_TRY(const bool found, row.step());
  if (!found) return std::optional<TriggerOutcome>();
  GS_TRY(auto outcome, outcome_from_json(nlohmann::json::parse(row.text(0), nullptr, false)));
  return std::optional(std::move(outcome));
}

Result<void> StateStore::remember(db::Transaction& tx, const std::string& trigger, const std::string& key,
                                  const TriggerOutcome& outcome, WallTime now) const {
  GS_TRY(auto insert,
         tx.prepare(
             "INSERT OR REPLACE INTO scaling_idempotency(trigger, key, at, outcome) VALUES(?1,?2,?3,?4)"));
  insert.bind(1, trigger)
      .bind(2, key)
      .bind(3, base::to_unix_nanos(now))
      .bind(4, to_json(outcome).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  GS_CHECK(insert.run());
  GS_TRY(auto expire, tx.prepare("DELETE FROM scaling_idempotency WHERE at<?1"));
  expire.bind(1, base::to_unix_nanos(now - kIdempotencyLife));
  GS_CHECK(expire.run());
  GS_TRY(auto trim,
         tx.prepare("DELETE FROM scaling_idempotency WHERE rowid IN (SELECT rowid FROM scaling_idempotency "
                    "ORDER BY at DESC, rowid DESC LIMIT -1 OFFSET ?1)"));
  trim.bind(1, static_cast<std::int64_t>(kMaxIdempotencyKeys));
  return trim.run();
}

}  // namespace gpuscale::scaling
