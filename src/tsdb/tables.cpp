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

std::string encode_tags(const metrics::Tags& tags) {
  std::string out;
  for (const metrics::Tag& tag : tags) {
    put_text(out, tag.key);
    put_text(out, tag.value);
  }
  return out;
}

/// False where they do not decode.
bool decode_tags(std::string_view bytes, metrics::Tags& tags) {
  ByteReader reader(bytes);
  while (reader.ok() && !reader.at_end()) {
    const std::string_view key = reader.text();
    tags.push_back({std::string(key), std::string(reader.text())});
  }
  return reader.ok();
}

/// Of a row of tsdb_series, so that a bit that flips in a tag does not make one series pass for another.
std::int64_t series_checksum(std::int64_t id, std::int64_t measurement, std::string_view tags) {
  std::string bytes;
  put_signed(bytes, id);
  put_signed(bytes, measurement);
  bytes += tags;
  return static_cast<std::int64_t>(checksum(bytes));
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

constexpr std::string_view kNameTaken = "has the name of another";

Result<void> load_databases(Transaction& transaction, Catalogue& catalogue,
                            std::map<std::int64_t, DatabaseDef*>& databases,
                            std::vector<std::string>& faults) {
  GS_TRY(Statement select,
         transaction.prepare("SELECT id, name, default_policy FROM tsdb_databases ORDER BY id"));
  while (true) {
    GS_TRY(const bool row, select.step());
    if (!row) break;
    if (catalogue.find_database(select.text(1)) != nullptr) {
      faults.push_back(stray("tsdb_databases", select.integer(0), kNameTaken));
      continue;
    }
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
    if (owner->second->find_policy(policies.text(2)) != nullptr) {
      faults.push_back(stray("tsdb_policies", policies.integer(0), kNameTaken));
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
    if (database->second->measurements.contains(select.text(2))) {
      faults.push_back(stray("tsdb_measurements", select.integer(0), kNameTaken));
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

/// Those of earlier versions had no checksum: they get the one of what they say now.
Result<void> seal_older_series(Transaction& transaction) {
  GS_TRY(Statement select,
         transaction.prepare("SELECT id, measurement, tags FROM tsdb_series WHERE checksum IS NULL"));
  GS_TRY(Statement update, transaction.prepare("UPDATE tsdb_series SET checksum = ? WHERE id = ?"));
  while (true) {
    GS_TRY(const bool row, select.step());
    if (!row) return {};
    const std::int64_t id = select.integer(0);
    GS_CHECK(update.bind(1, series_checksum(id, select.integer(1), select.blob(2))).bind(2, id).run());
  }
}

Result<void> load_series(Transaction& transaction, Catalogue& catalogue, const Owners& owners,
                         std::vector<std::string>& faults) {
  GS_TRY(Statement select,
         transaction.prepare("SELECT id, measurement, tags, checksum FROM tsdb_series ORDER BY id"));
  while (true) {
    GS_TRY(const bool row, select.step());
    if (!row) return {};
    const std::int64_t id = select.integer(0);
    const auto owner = owners.find(select.integer(1));
    if (owner == owners.end()) {
      faults.push_back(stray("tsdb_series", id, "is of no measurement"));
      continue;
    }
    metrics::Tags tags;
    const bool whole = select.integer(3) == series_checksum(id, select.integer(1), select.blob(2));
    if (!whole || !decode_tags(select.blob(2), tags)) {
      // In no group that its samples may not be of.
      tags = {{std::string(kDamagedSeriesTag), std::to_string(id)}};
      faults.push_back(stray("tsdb_series", id,
                             "is damaged: it has the tag " + tags.front().key + "=" + tags.front().value +
                                 " instead of its own"));
    }
    catalogue.add_series(*owner->second.database, *owner->second.measurement, static_cast<SeriesId>(id),
                         std::make_shared<const metrics::Tags>(std::move(tags)));
  }
}

}  // namespace

Result<void> seal_older_rows(Transaction& transaction) {
  // Made in one transaction with those of the series, which need not be looked through for it.
  GS_TRY(const std::int64_t older,
         one_integer(transaction, "SELECT count(*) FROM tsdb_sealed WHERE checksum IS NULL"));
  if (older == 0) return {};
  GS_CHECK(seal_older_series(transaction));
  GS_TRY(const std::int64_t sequence, one_integer(transaction, "SELECT sequence FROM tsdb_sealed"));
  return set_sealed(transaction, sequence);
}

Result<std::vector<std::string>> check_names(Transaction& transaction, std::vector<std::string>& faults) {
  std::vector<std::string> out;
  for (const std::string table : {"tsdb_databases", "tsdb_policies", "tsdb_measurements", "tsdb_fields"}) {
    const std::size_t before = faults.size();
    GS_TRY(Statement check, transaction.prepare("PRAGMA integrity_check(" + table + ")"));
    while (true) {
      GS_TRY(const bool row, check.step());
      if (!row) break;
      if (const std::string found = check.text(0); found != "ok")
        faults.push_back(table + ": " + found + "; its rows are taken as they read");
    }
    if (faults.size() > before) out.push_back(table);
  }
  return out;
}

Result<void> make_index_anew(Transaction& transaction, const std::string& table) {
  return transaction.execute("REINDEX " + table);
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
  GS_TRY(
      Statement series,
      transaction.prepare("INSERT INTO tsdb_series (id, measurement, tags, checksum) VALUES (?, ?, ?, ?)"));
  for (const auto& entry : definitions.series) {
    const std::string tags = encode_tags(*entry.tags);
    series.bind(1, sql_id(entry.id)).bind(2, entry.measurement).bind_blob(3, tags);
    GS_CHECK(series.bind(4, series_checksum(sql_id(entry.id), entry.measurement, tags)).run());
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
