// SPDX-License-Identifier: Apache-2.0
/// Private to the room: every SQL statement of metrics.db. Functions work inside the caller's transaction.
/// The tables are described in docs/storage-format.md.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "db/database.h"
#include "tsdb/segment.h"

namespace gpuscale::tsdb::tables {

std::span<const db::Migration> migrations();
/// Errors: kConflict where the file holds samples in the form of a version before the first release.
Result<void> refuse_unreleased(db::Transaction& transaction);

// --- catalogue
// ---------------------------------------------------------------------------------------------------
/// Gives the rows of earlier versions their checksums. After migrations().
Result<void> seal_older_rows(db::Transaction& transaction);
/// Databases, policies, measurements and fields stand in their tables and again in an index of their names:
/// where the two differ, a bit has flipped in one of them. @param faults gets a line for each. @return tables
/// whose index is to be made anew: else a name that was misread could not be written again.
Result<std::vector<std::string>> check_names(db::Transaction& transaction, std::vector<std::string>& faults);
/// Errors: kConflict (or the like) where two rows read alike.
Result<void> make_index_anew(db::Transaction& transaction, const std::string& table);
/// The tag of a series whose own are damaged; its value is the series' number.
inline constexpr std::string_view kDamagedSeriesTag = "damaged_series";
/// @param faults gets a line for each row that was left out, since its owner is not there or it makes no
/// sense, and for each series whose tags are damaged
Result<void> load_catalogue(db::Transaction& transaction, Catalogue& catalogue,
                            std::vector<std::string>& faults);
Result<void> save_definitions(db::Transaction& transaction, const NewDefinitions& definitions);
Result<std::int64_t> insert_database(db::Transaction& transaction, std::string_view name,
                                     std::string_view default_policy);
Result<PolicyId> insert_policy(db::Transaction& transaction, std::int64_t database,
                               const RetentionPolicy& policy);
Result<void> update_policy(db::Transaction& transaction, PolicyId id, const RetentionPolicy& policy);
Result<void> set_default_policy(db::Transaction& transaction, std::int64_t database, std::string_view name);
Result<void> insert_continuous_query(db::Transaction& transaction, std::int64_t database,
                                     const ContinuousQuery& query);
Result<void> remove_continuous_query(db::Transaction& transaction, std::int64_t database,
                                     std::string_view name);
/// Replaces what stood there. @param rollup of `policy` into `target`
Result<void> save_rollup(db::Transaction& transaction, PolicyId policy, PolicyId target,
                         const Rollup& rollup);
/// Removes the database, its policies, continuous queries, measurements, fields, series and segments.
Result<void> remove_database(db::Transaction& transaction, std::int64_t id);
Result<void> remove_policy(db::Transaction& transaction, PolicyId id);
Result<void> remove_measurement(db::Transaction& transaction, std::int64_t id);
Result<void> remove_series(db::Transaction& transaction, std::span<const SeriesId> ids);

// --- log
// ---------------------------------------------------------------------------------------------------------
/// The newest entry of the log (tsdb/batch_log.h) whose samples, and those of all before it, are in segments.
/// Errors: kCorrupt.
Result<std::int64_t> sealed_up_to(db::Transaction& transaction);
Result<void> set_sealed(db::Transaction& transaction, std::int64_t sequence);
/// Files of earlier versions hold the log in a table: calls `apply` for each entry in order. @return the
/// highest sequence, 0 where there is none.
Result<std::int64_t> replay_log_table(db::Transaction& transaction,
                                      const std::function<Result<void>(std::string_view)>& apply);

// --- rows of the log whose owner the catalogue does not know (tsdb/strays.h)
// ---------------------------------------------------------------------------------------------------------
/// Calls `visit` for each batch in the order in which they came; its bytes are nothing where they are
/// damaged.
Result<void> each_strays(
    db::Transaction& transaction,
    const std::function<Result<void>(std::int64_t id, std::optional<std::string_view>)>& visit);
/// @param id of the row that it replaces; nothing: behind all others
Result<void> save_strays(db::Transaction& transaction, std::optional<std::int64_t> id,
                         std::string_view batch);
Result<void> delete_strays(db::Transaction& transaction, std::int64_t id);

// --- segments
// ------------------------------------------------------------------------------------------------------
/// Notes that pieces of a segment may be there before its row is. @return the id that it will have.
Result<SegmentId> begin_segment(db::Transaction& transaction);
Result<void> insert_pieces(db::Transaction& transaction, SegmentId segment,
                           std::span<const SegmentPiece> pieces);
Result<bool> has_unfinished(db::Transaction& transaction);
/// Removes the pieces of segments that were begun and have no row.
Result<void> discard_unfinished(db::Transaction& transaction);
/// With the pieces that `made` holds. @param segment of `made`; its id is 0, or that of begin_segment().
/// @return the id. Errors: kConflict where it was begun and is no longer known to be.
Result<SegmentId> insert_segment(db::Transaction& transaction, const Segment& segment,
                                 const NewSegment& made);
Result<void> delete_segment(db::Transaction& transaction, SegmentId id);
struct SegmentRow {
  Segment::Label label;
  TimeRange range;
  std::string directory;
  std::string fault;  ///< why its label is not to be trusted; "" = it is
};
/// Calls `visit` for each segment, the oldest generation first.
Result<void> each_segment(db::Transaction& transaction, const std::function<void(SegmentRow)>& visit);
/// Empty where the segment has no such field. Errors: kNotFound where the segment itself is gone.
Result<std::string> select_strip(db::Transaction& transaction, SegmentId segment, FieldId field);
/// The totals of a field; as select_strip().
Result<std::string> select_totals(db::Transaction& transaction, SegmentId segment, FieldId field);
Result<std::int64_t> bytes_on_disk(db::Transaction& transaction);

}  // namespace gpuscale::tsdb::tables
