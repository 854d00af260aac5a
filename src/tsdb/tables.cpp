// SPDX-License-Identifier: Apache-2.0
#include "tsdb/tables.h"

#include <map>
#include <utility>

#include "tsdb/byte_code.h"
#include "tsdb/table_statements.h"

namespace gpuscale::tsdb::tables {
namespace {

using db::Statement;
using db::Transaction;

// AUTOINCREMENT keeps the highest id ever used in sqlite_sequence, so that no id comes back after a deletion.
constexpr db::Migration kMigrations[] = {{1, R"sql(
CREATE TABLE tsdb_databases (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, default_policy TEXT NOT NULL) STRICT;
CREATE TABLE tsdb_policies (
  id INTEGER PRIMARY KEY AUTOINCREMENT, database INTEGER NOT NULL, name TEXT NOT NULL, duration_ns INTEGER NOT NULL,
  shard_duration_ns INTEGER NOT NULL, replication INTEGER NOT NULL, UNIQUE (database, name)) STRICT;
CREATE TABLE tsdb_measurements (
  id INTEGER PRIMARY KEY AUTOINCREMENT, database INTEGER NOT NULL, name TEXT NOT NULL, UNIQUE (database, name)) STRICT;
CREATE TABLE tsdb_fields (
  id INTEGER PRIMARY KEY AUTOINCREMENT, measurement INTEGER NOT NULL, key TEXT NOT NULL, type INTEGER NOT NULL,
  UNIQUE (measurement, key)) STRICT;
CREATE TABLE tsdb_series (
  id INTEGER PRIMARY KEY AUTOINCREMENT, measurement INTEGER NOT NULL, tags BLOB NOT NULL) STRICT;
CREATE INDEX tsdb_series_by_measurement ON tsdb_series (measurement);
CREATE TABLE tsdb_log (sequence INTEGER PRIMARY KEY, batches BLOB NOT NULL) STRICT;
CREATE TABLE tsdb_blocks (
  id INTEGER PRIMARY KEY, policy INTEGER NOT NULL, series INTEGER NOT NULL, generation INTEGER NOT NULL,
  min_ns INTEGER NOT NULL, max_ns INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT;
CREATE INDEX tsdb_blocks_by_series ON tsdb_blocks (series, policy, max_ns, min_ns, generation);
)sql"},
                                         {2, R"sql(
DROP TABLE tsdb_blocks;
CREATE TABLE tsdb_segments (
  id INTEGER PRIMARY KEY AUTOINCREMENT, policy INTEGER NOT NULL, measurement INTEGER NOT NULL, level INTEGER NOT NULL,
  generation INTEGER NOT NULL, min_ns INTEGER NOT NULL, max_ns INTEGER NOT NULL, directory BLOB NOT NULL) STRICT;
CREATE TABLE tsdb_strips (
  id INTEGER PRIMARY KEY, segment INTEGER NOT NULL, field INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX tsdb_strips_by_segment ON tsdb_strips (segment, field);
)sql"},
                                         {3, R"sql(
CREATE TABLE tsdb_continuous_queries (
  id INTEGER PRIMARY KEY AUTOINCREMENT, database INTEGER NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL,
  UNIQUE (database, name)) STRICT;
CREATE TABLE tsdb_rollups (
  policy INTEGER PRIMARY KEY, target INTEGER NOT NULL, every_ns INTEGER NOT NULL, first_ns INTEGER NOT NULL,
  done_ns INTEGER NOT NULL) STRICT;
)sql"},
                                         {4, R"sql(
CREATE TABLE tsdb_sealed (one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL) STRICT;
INSERT INTO tsdb_sealed VALUES (1, 0);
)sql"},
                                         // A key may have another type in another policy.
                                         {5, R"sql(
CREATE TABLE tsdb_typed_fields (
  id INTEGER PRIMARY KEY AUTOINCREMENT, measurement INTEGER NOT NULL, key TEXT NOT NULL, type INTEGER NOT NULL,
  UNIQUE (measurement, key, type)) STRICT;
INSERT INTO tsdb_typed_fields SELECT id, measurement, key, type FROM tsdb_fields;
DELETE FROM sqlite_sequence WHERE name = 'tsdb_typed_fields';
INSERT INTO sqlite_sequence SELECT 'tsdb_typed_fields', seq FROM sqlite_sequence WHERE name = 'tsdb_fields';
DROP TABLE tsdb_fields;
ALTER TABLE tsdb_typed_fields RENAME TO tsdb_fields;
CREATE TABLE tsdb_policy_fields (
  policy INTEGER NOT NULL, field INTEGER NOT NULL, PRIMARY KEY (policy, field)) STRICT, WITHOUT ROWID;
INSERT INTO tsdb_policy_fields
  SELECT DISTINCT g.policy, s.field FROM tsdb_strips s JOIN tsdb_segments g ON g.id = s.segment;
)sql"},
                                         // Files of the log begin with a salt: earlier versions, which would
                                         // take them for empty and remove them, must not open it any more.
                                         {6, "SELECT 1"},
                                         // Null where an earlier version made the segment.
                                         {7, "ALTER TABLE tsdb_segments ADD COLUMN label BLOB"},
                                         {8, R"sql(
CREATE TABLE tsdb_totals (
  segment INTEGER NOT NULL, field INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (segment, field)) STRICT;
)sql"}};

std::string encode_tags(const metrics::Tags& tags) {
  std::string out;
  for (const metrics::Tag& tag : tags) {
    put_text(out, tag.key);
    put_text(out, tag.value);
  }
  return out;
}

Result<metrics::Tags> decode_tags(std::string_view bytes) {
  metrics::Tags tags;
  ByteReader reader(bytes);
  while (reader.ok() && !reader.at_end()) {
    const std::string_view key = reader.text();
    tags.push_back({std::string(key), std::string(reader.text())});
  }
  if (!reader.ok()) return fail(Errc::kCorrupt, "the tags of a series do not decode");
  return tags;
}

std::int64_t sql_id(std::uint64_t id) {
  return static_cast<std::int64_t>(id);
}

struct Owner {
  DatabaseDef* database;
  MeasurementDef* measurement;
};
using Owners = std::map<std::int64_t, Owner>;

Result<void> load_rollups(Transaction& transaction, Catalogue& catalogue) {
  GS_TRY(Statement select,
         transaction.prepare("SELECT policy, target, every_ns, first_ns, done_ns FROM tsdb_rollups"));
  while (true) {
    GS_TRY(const bool row, select.step());
    if (!row) return {};
    PolicyDef* policy = catalogue.find_policy(static_cast<PolicyId>(select.integer(0)));
    const PolicyDef* target = catalogue.find_policy(static_cast<PolicyId>(select.integer(1)));
    if (policy == nullptr || target == nullptr) continue;
    policy->rollup = Rollup{policy->policy.name, target->policy.name, select.integer(2), select.integer(3),
                            select.integer(4)};
  }
}

/// A row whose owner is not there, or that makes no sense.
std::string stray(std::string_view table, std::int64_t id, std::string_view why) {
  return "row " + std::to_string(id) + " of " + std::string(table) + " " + std::string(why);
}

Result<void> load_databases(Transaction& transaction, Catalogue& catalogue,
                            std::map<std::int64_t, DatabaseDef*>& databases,
                            std::vector<std::string>& faults) {
  GS_TRY(Statement select,
         transaction.prepare("SELECT id, name, default_policy FROM tsdb_databases ORDER BY id"));
  while (true) {
    GS_TRY(const bool row, select.step());
    if (!row) break;
    databases[select.integer(0)] = &catalogue.add_database(select.integer(0), select.text(1), select.text(2));
  }
  GS_TRY(Statement policies,
         transaction.prepare("SELECT id, database, name, duration_ns, shard_duration_ns, replication "
                             "FROM tsdb_policies ORDER BY id"));
  while (true) {
    GS_TRY(const bool row, policies.step());
    if (!row) break;
    const auto owner = databases.find(policies.integer(1));
    if (owner == databases.end()) {
      faults.push_back(stray("tsdb_policies", policies.integer(0), "is of no database"));
      continue;
    }
    catalogue.add_policy(*owner->second, static_cast<PolicyId>(policies.integer(0)),
                         {.name = policies.text(2),
                          .duration = Nanos{policies.integer(3)},
                          .shard_duration = Nanos{policies.integer(4)},
                          .replication = static_cast<int>(policies.integer(5))});
  }
  GS_TRY(Statement continuous,
         transaction.prepare("SELECT database, name, text FROM tsdb_continuous_queries ORDER BY id"));
  while (true) {
    GS_TRY(const bool row, continuous.step());
    if (!row) break;
    const auto owner = databases.find(continuous.integer(0));
    if (owner == databases.end()) continue;
    owner->second->continuous.push_back({continuous.text(1), continuous.text(2)});
  }
  return load_rollups(transaction, catalogue);
}

Result<void> load_measurements(Transaction& transaction, Catalogue& catalogue,
                               const std::map<std::int64_t, DatabaseDef*>& databases, Owners& owners,
                               std::vector<std::string>& faults) {
  GS_TRY(Statement select,
         transaction.prepare("SELECT id, database, name FROM tsdb_measurements ORDER BY id"));
  while (true) {
    GS_TRY(const bool row, select.step());
    if (!row) break;
    const auto database = databases.find(select.integer(1));
    if (database == databases.end()) {
      faults.push_back(stray("tsdb_measurements", select.integer(0), "is of no database"));
      continue;
    }
    owners[select.integer(0)] = {
        database->second, &catalogue.add_measurement(*database->second, select.integer(0), select.text(2))};
  }
  GS_TRY(Statement fields,
         transaction.prepare("SELECT id, measurement, key, type FROM tsdb_fields ORDER BY id"));
  while (true) {
    GS_TRY(const bool row, fields.step());
    if (!row) break;
    const auto owner = owners.find(fields.integer(1));
    const std::int64_t type = fields.integer(3);
    const bool known_type = type >= 0 && type <= static_cast<std::int64_t>(FieldType::kBoolean);
    if (owner == owners.end() || !known_type) {
      faults.push_back(stray("tsdb_fields", fields.integer(0),
                             known_type ? "is of no measurement" : "has a type that there is not"));
      continue;
    }
    catalogue.add_field(*owner->second.measurement, static_cast<FieldId>(fields.integer(0)), fields.text(2),
                        static_cast<FieldType>(type));
  }
  GS_TRY(Statement of_policies,
         transaction.prepare("SELECT p.policy, p.field, f.measurement FROM tsdb_policy_fields p "
                             "JOIN tsdb_fields f ON f.id = p.field ORDER BY p.policy, p.field"));
  while (true) {
    GS_TRY(const bool row, of_policies.step());
    if (!row) return {};
    // Of one that has no owner the field itself was told.
    const auto owner = owners.find(of_policies.integer(2));
    if (owner == owners.end()) continue;
    catalogue.add_field_of_policy(*owner->second.measurement, static_cast<PolicyId>(of_policies.integer(0)),
                                  static_cast<FieldId>(of_policies.integer(1)));
  }
}

Result<void> load_series(Transaction& transaction, Catalogue& catalogue, const Owners& owners,
                         std::vector<std::string>& faults) {
  GS_TRY(Statement select, transaction.prepare("SELECT id, measurement, tags FROM tsdb_series ORDER BY id"));
  while (true) {
    GS_TRY(const bool row, select.step());
    if (!row) return {};
    const auto owner = owners.find(select.integer(1));
    if (owner == owners.end()) {
      faults.push_back(stray("tsdb_series", select.integer(0), "is of no measurement"));
      continue;
    }
    GS_TRY(metrics::Tags tags, decode_tags(select.blob(2)));
    catalogue.add_series(*owner->second.database, *owner->second.measurement,
                         static_cast<SeriesId>(select.integer(0)),
                         std::make_shared<const metrics::Tags>(std::move(tags)));
  }
}

}  // namespace

std::span<const db::Migration> migrations() {
  return kMigrations;
}

Result<void> refuse_unreleased(Transaction& transaction) {
  GS_TRY(const std::int64_t old,
         one_integer(transaction, "SELECT count(*) FROM sqlite_schema WHERE name = 'tsdb_blocks'"));
  if (old == 0) return {};
  GS_TRY(const std::int64_t samples,
         one_integer(transaction,
                     "SELECT EXISTS (SELECT 1 FROM tsdb_blocks) OR EXISTS (SELECT 1 FROM tsdb_log)"));
  if (samples == 0) return {};
  return fail(Errc::kConflict,
              "its samples have a form from before the first release, which this version does not read; move "
              "metrics.db away to start with an empty one");
}

Result<void> load_catalogue(Transaction& transaction, Catalogue& catalogue,
                            std::vector<std::string>& faults) {
  std::map<std::int64_t, DatabaseDef*> databases;
  Owners owners;
  GS_CHECK(load_databases(transaction, catalogue, databases, faults));
  GS_CHECK(load_measurements(transaction, catalogue, databases, owners, faults));
  GS_CHECK(load_series(transaction, catalogue, owners, faults));
  GS_TRY(const std::int64_t measurement,
         one_integer(transaction, "SELECT seq FROM sqlite_sequence WHERE name = 'tsdb_measurements'"));
  GS_TRY(const std::int64_t field,
         one_integer(transaction, "SELECT seq FROM sqlite_sequence WHERE name = 'tsdb_fields'"));
  GS_TRY(const std::int64_t series,
         one_integer(transaction, "SELECT seq FROM sqlite_sequence WHERE name = 'tsdb_series'"));
  catalogue.start_ids_after(measurement, static_cast<FieldId>(field), static_cast<SeriesId>(series));
  return {};
}

Result<void> save_definitions(Transaction& transaction, const NewDefinitions& definitions) {
  if (definitions.empty()) return {};
  GS_TRY(Statement measurement,
         transaction.prepare("INSERT INTO tsdb_measurements (id, database, name) VALUES (?, ?, ?)"));
  for (const auto& entry : definitions.measurements) {
    GS_CHECK(measurement.bind(1, entry.id).bind(2, entry.database).bind(3, entry.name).run());
  }
  GS_TRY(Statement field,
         transaction.prepare("INSERT INTO tsdb_fields (id, measurement, key, type) VALUES (?, ?, ?, ?)"));
  for (const auto& entry : definitions.fields) {
    field.bind(1, sql_id(entry.id)).bind(2, entry.measurement);
    GS_CHECK(field.bind(3, entry.key).bind(4, static_cast<int>(entry.type)).run());
  }
  GS_TRY(Statement of_policy,
         transaction.prepare("INSERT OR IGNORE INTO tsdb_policy_fields (policy, field) VALUES (?, ?)"));
  for (const auto& entry : definitions.policy_fields)
    GS_CHECK(of_policy.bind(1, std::int64_t{entry.policy}).bind(2, sql_id(entry.field)).run());
  GS_TRY(Statement series,
         transaction.prepare("INSERT INTO tsdb_series (id, measurement, tags) VALUES (?, ?, ?)"));
  for (const auto& entry : definitions.series) {
    GS_CHECK(series.bind(1, sql_id(entry.id))
                 .bind(2, entry.measurement)
                 .bind_blob(3, encode_tags(*entry.tags))
                 .run());
  }
  return {};
}

Result<std::int64_t> insert_database(Transaction& transaction, std::string_view name,
                                     std::string_view default_policy) {
  GS_TRY(Statement insert,
         transaction.prepare("INSERT INTO tsdb_databases (name, default_policy) VALUES (?, ?)"));
  GS_CHECK(insert.bind(1, name).bind(2, default_policy).run());
  return transaction.last_insert_id();
}

Result<PolicyId> insert_policy(Transaction& transaction, std::int64_t database,
                               const RetentionPolicy& policy) {
  GS_TRY(Statement insert,
         transaction.prepare("INSERT INTO tsdb_policies (database, name, duration_ns, shard_duration_ns, "
                             "replication) VALUES (?, ?, ?, ?, ?)"));
  insert.bind(1, database).bind(2, policy.name).bind(3, policy.duration.count());
  GS_CHECK(insert.bind(4, policy.shard_duration.count()).bind(5, policy.replication).run());
  return static_cast<PolicyId>(transaction.last_insert_id());
}

Result<void> update_policy(Transaction& transaction, PolicyId id, const RetentionPolicy& policy) {
  return run(transaction,
             "UPDATE tsdb_policies SET duration_ns = ?, shard_duration_ns = ?, replication = ? WHERE id = ?",
             {policy.duration.count(), policy.shard_duration.count(), policy.replication, id});
}

Result<void> set_default_policy(Transaction& transaction, std::int64_t database, std::string_view name) {
  GS_TRY(Statement update, transaction.prepare("UPDATE tsdb_databases SET default_policy = ? WHERE id = ?"));
  return update.bind(1, name).bind(2, database).run();
}

Result<void> save_rollup(Transaction& transaction, PolicyId policy, PolicyId target, const Rollup& rollup) {
  return run(transaction,
             "INSERT OR REPLACE INTO tsdb_rollups (policy, target, every_ns, first_ns, done_ns) "
             "VALUES (?, ?, ?, ?, ?)",
             {policy, target, rollup.every_ns, rollup.first_ns, rollup.done_ns});
}

Result<void> insert_continuous_query(Transaction& transaction, std::int64_t database,
                                     const ContinuousQuery& query) {
  GS_TRY(Statement insert,
         transaction.prepare("INSERT INTO tsdb_continuous_queries (database, name, text) VALUES (?, ?, ?)"));
  return insert.bind(1, database).bind(2, query.name).bind(3, query.text).run();
}

Result<void> remove_continuous_query(Transaction& transaction, std::int64_t database, std::string_view name) {
  GS_TRY(Statement remove,
         transaction.prepare("DELETE FROM tsdb_continuous_queries WHERE database = ? AND name = ?"));
  return remove.bind(1, database).bind(2, name).run();
}

Result<void> remove_database(Transaction& transaction, std::int64_t id) {
  GS_CHECK(delete_segments(transaction, "policy IN (SELECT id FROM tsdb_policies WHERE database = ?)", id));
  for (const std::string_view sql :
       {"DELETE FROM tsdb_series WHERE measurement IN (SELECT id FROM tsdb_measurements WHERE database = ?)",
        "DELETE FROM tsdb_policy_fields WHERE policy IN (SELECT id FROM tsdb_policies WHERE database = ?)",
        "DELETE FROM tsdb_fields WHERE measurement IN (SELECT id FROM tsdb_measurements WHERE database = ?)",
        "DELETE FROM tsdb_measurements WHERE database = ?",
        "DELETE FROM tsdb_rollups WHERE policy IN (SELECT id FROM tsdb_policies WHERE database = ?)",
        "DELETE FROM tsdb_policies WHERE database = ?",
        "DELETE FROM tsdb_continuous_queries WHERE database = ?",
        "DELETE FROM tsdb_databases WHERE id = ?"}) {
    GS_CHECK(run(transaction, sql, {id}));
  }
  return {};
}

Result<void> remove_policy(Transaction& transaction, PolicyId id) {
  GS_CHECK(delete_segments(transaction, "policy = ?", id));
  GS_CHECK(run(transaction, "DELETE FROM tsdb_policy_fields WHERE policy = ?", {id}));
  GS_CHECK(run(transaction, "DELETE FROM tsdb_rollups WHERE policy = ? OR target = ?", {id, id}));
  return run(transaction, "DELETE FROM tsdb_policies WHERE id = ?", {id});
}

Result<void> remove_measurement(Transaction& transaction, std::int64_t id) {
  GS_CHECK(delete_segments(transaction, "measurement = ?", id));
  for (const std::string_view sql :
       {"DELETE FROM tsdb_series WHERE measurement = ?",
        "DELETE FROM tsdb_policy_fields WHERE field IN (SELECT id FROM tsdb_fields WHERE measurement = ?)",
        "DELETE FROM tsdb_fields WHERE measurement = ?", "DELETE FROM tsdb_measurements WHERE id = ?"}) {
    GS_CHECK(run(transaction, sql, {id}));
  }
  return {};
}

Result<void> remove_series(Transaction& transaction, std::span<const SeriesId> ids) {
  for (const SeriesId id : ids) {
    GS_CHECK(run(transaction, "DELETE FROM tsdb_series WHERE id = ?", {sql_id(id)}));
  }
  return {};
}
}  // namespace gpuscale::tsdb::tables
