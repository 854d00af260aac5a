// SPDX-License-Identifier: Apache-2.0
/// Private to the room: every SQL statement of metrics.db. Functions work inside the caller's transaction.
/// The tables are described in docs/storage-format.md.
#pragma once
#include <functional>
#include <span>

#include "db/database.h"
#include "tsdb/catalogue.h"

namespace gpuscale::tsdb::tables {

std::span<const db::Migration> migrations();

// --- catalogue
// ---------------------------------------------------------------------------------------------------
Result<void> load_catalogue(db::Transaction& transaction, Catalogue& catalogue);
Result<void> save_definitions(db::Transaction& transaction, const NewDefinitions& definitions);
Result<std::int64_t> insert_database(db::Transaction& transaction, std::string_view name,
                                     std::string_view default_policy);
Result<PolicyId> insert_policy(db::Transaction& transaction, std::int64_t database,
                               const RetentionPolicy& policy);
Result<void> update_policy(db::Transaction& transaction, PolicyId id, const RetentionPolicy& policy);
Result<void> set_default_policy(db::Transaction& transaction, std::int64_t database, std::string_view name);
/// Removes the database, its policies, measurements, fields, series and blocks.
Result<void> remove_database(db::Transaction& transaction, std::int64_t id);
Result<void> remove_policy(db::Transaction& transaction, PolicyId id);
Result<void> remove_measurement(db::Transaction& transaction, std::int64_t id);
Result<void> remove_series(db::Transaction& transaction, std::span<const SeriesId> ids);

// --- log
// ---------------------------------------------------------------------------------------------------------
Result<void> append_log(db::Transaction& transaction, std::int64_t sequence, std::string_view bytes);
Result<void> truncate_log(db::Transaction& transaction, std::int64_t up_to_sequence);
/// Calls `apply` for each entry in order. @return the highest sequence, 0 where there is none.
Result<std::int64_t> replay_log(db::Transaction& transaction,
                                const std::function<Result<void>(std::string_view)>& apply);

// --- blocks
// ------------------------------------------------------------------------------------------------------
struct BlockRow {
  std::int64_t id = 0;
  PolicyId policy = 0;
  SeriesId series = 0;
  std::int64_t generation = 0;  ///< of two blocks with one time, the higher one wins
  std::int64_t min_ns = 0;
  std::int64_t max_ns = 0;
  std::string bytes;
};
struct BlockExtent {
  PolicyId policy;
  SeriesId series;
  std::int64_t min_ns;
  std::int64_t max_ns;
};
Result<void> insert_blocks(db::Transaction& transaction, std::span<const BlockRow> blocks);
Result<void> delete_block(db::Transaction& transaction, std::int64_t id);
Result<void> delete_blocks_before(db::Transaction& transaction, PolicyId policy, std::int64_t time_ns);
/// Blocks that touch the range, of generations up to `newest`, oldest generation first.
Result<std::vector<BlockRow>> select_blocks(db::Transaction& transaction, PolicyId policy, SeriesId series,
                                            TimeRange range, std::int64_t newest);
Result<std::vector<BlockRow>> select_blocks_of_series(db::Transaction& transaction, SeriesId series,
                                                      TimeRange range);
Result<std::vector<BlockExtent>> select_extents(db::Transaction& transaction);
Result<std::int64_t> newest_generation(db::Transaction& transaction);
Result<std::int64_t> bytes_on_disk(db::Transaction& transaction);

}  // namespace gpuscale::tsdb::tables
