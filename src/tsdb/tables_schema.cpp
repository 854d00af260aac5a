// SPDX-License-Identifier: Apache-2.0
/// Which tables there are, and how those of earlier versions become them.
#include "tsdb/table_statements.h"
#include "tsdb/tables.h"

namespace gpuscale::tsdb::tables {
namespace {

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
)sql"},
                                         // Against bits that flip; seal_older_rows() fills them in.
                                         {9, R"sql(
ALTER TABLE tsdb_series ADD COLUMN checksum INTEGER;
ALTER TABLE tsdb_sealed ADD COLUMN checksum INTEGER;
)sql"},
                                         {10, R"sql(
CREATE TABLE tsdb_strays (id INTEGER PRIMARY KEY, batch BLOB NOT NULL) STRICT;
)sql"},
                                         {11, R"sql(
CREATE TABLE tsdb_unfinished (segment INTEGER PRIMARY KEY) STRICT;
)sql"}};

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

}  // namespace gpuscale::tsdb::tables
