// SPDX-License-Identifier: Apache-2.0
/// The half of tables.h that is about samples: the log and the segments.
#include "tsdb/byte_code.h"
#include "tsdb/table_statements.h"
#include "tsdb/tables.h"

namespace gpuscale::tsdb::tables {
namespace {

using db::Statement;
using db::Transaction;

/// What the columns of a segment say, how long its strips are and of which fields, so that a bit that flips
/// in them, or in the index of strips, is not taken for samples that never were.
std::string encode_label(const Segment::Label& label, TimeRange range) {
  std::string out;
  put_varint(out, label.owner.policy);
  for (const std::int64_t number :
       {label.owner.measurement, std::int64_t{label.level}, label.generation, range.min_ns, range.max_ns})
    put_signed(out, number);
  put_varint(out, label.strip_bytes);
  for (const FieldId field : *label.fields) put_varint(out, field);
  return with_checksum(std::move(out));
}

/// Into `row`; false where it is damaged.
bool decode_label(std::string_view bytes, SegmentRow& row) {
  const auto body = without_checksum(bytes);
  if (!body) return false;
  ByteReader reader(*body);
  row.label.owner.policy = static_cast<PolicyId>(reader.varint());
  row.label.owner.measurement = reader.signed_varint();
  row.label.level = static_cast<int>(reader.signed_varint());
  row.label.generation = reader.signed_varint();
  row.range.min_ns = reader.signed_varint();
  row.range.max_ns = reader.signed_varint();
  row.label.strip_bytes = reader.varint();
  row.label.fields.emplace();
  while (reader.ok() && !reader.at_end()) row.label.fields->push_back(static_cast<FieldId>(reader.varint()));
  return reader.ok();
}

Result<void> insert_piece(Transaction& transaction, std::string_view sql, SegmentId segment, FieldId field,
                          std::string_view bytes) {
  GS_TRY(Statement insert, transaction.prepare(sql));
  return insert.bind(1, segment).bind(2, std::int64_t{field}).bind_blob(3, bytes).run();
}

Result<std::string> select_piece(Transaction& transaction, std::string_view sql, SegmentId segment,
                                 FieldId field) {
  GS_TRY(Statement select, transaction.prepare(sql));
  GS_TRY(const bool found, select.bind(1, segment).bind(2, std::int64_t{field}).step());
  if (found) return std::string(select.blob(0));
  GS_TRY(Statement exists, transaction.prepare("SELECT 1 FROM tsdb_segments WHERE id = ?"));
  GS_TRY(const bool there, exists.bind(1, segment).step());
  if (there) return std::string();
  return fail(Errc::kNotFound, "segment " + std::to_string(segment) + " is gone");
}

}  // namespace

Result<void> run(Transaction& transaction, std::string_view sql, std::initializer_list<std::int64_t> values) {
  GS_TRY(Statement statement, transaction.prepare(sql));
  int position = 1;
  for (const std::int64_t value : values) statement.bind(position++, value);
  return statement.run();
}

Result<std::int64_t> one_integer(Transaction& transaction, std::string_view sql) {
  GS_TRY(Statement select, transaction.prepare(sql));
  GS_TRY(const bool row, select.step());
  return row ? select.integer(0) : std::int64_t{0};
}

Result<void> delete_segments(Transaction& transaction, std::string_view which, std::int64_t value) {
  const std::string condition = " WHERE " + std::string(which);
  const std::string of_them = " WHERE segment IN (SELECT id FROM tsdb_segments" + condition + ")";
  GS_CHECK(run(transaction, "DELETE FROM tsdb_totals" + of_them, {value}));
  GS_CHECK(run(transaction, "DELETE FROM tsdb_strips" + of_them, {value}));
  return run(transaction, "DELETE FROM tsdb_segments" + condition, {value});
}

namespace {

std::int64_t sealed_checksum(std::int64_t sequence) {
  std::string bytes;
  put_signed(bytes, sequence);
  return static_cast<std::int64_t>(checksum(bytes));
}

}  // namespace

Result<std::int64_t> sealed_up_to(Transaction& transaction) {
  GS_TRY(const std::int64_t sequence, one_integer(transaction, "SELECT sequence FROM tsdb_sealed"));
  GS_TRY(const std::int64_t sum, one_integer(transaction, "SELECT checksum FROM tsdb_sealed"));
  if (sum == sealed_checksum(sequence)) return sequence;
  return fail(Errc::kCorrupt,
              "table tsdb_sealed, which says what of the log is in segments, is damaged; restore a backup");
}

Result<void> set_sealed(Transaction& transaction, std::int64_t sequence) {
  GS_CHECK(run(transaction, "DELETE FROM tsdb_log WHERE sequence <= ?", {sequence}));
  return run(transaction, "UPDATE tsdb_sealed SET sequence = ?, checksum = ?",
             {sequence, sealed_checksum(sequence)});
}

Result<std::int64_t> replay_log_table(Transaction& transaction,
                                      const std::function<Result<void>(std::string_view)>& apply) {
  GS_TRY(Statement select, transaction.prepare("SELECT sequence, batches FROM tsdb_log ORDER BY sequence"));
  std::int64_t last = 0;
  while (true) {
    GS_TRY(const bool row, select.step());
    if (!row) return last;
    last = select.integer(0);
    if (auto applied = apply(select.blob(1)); !applied) {
      return std::move(applied).error().with_context("log entry " + std::to_string(last));
    }
  }
}

Result<void> each_strays(
    Transaction& transaction,
    const std::function<Result<void>(std::int64_t id, std::optional<std::string_view>)>& visit) {
  GS_TRY(Statement select, transaction.prepare("SELECT id, batch FROM tsdb_strays ORDER BY id"));
  while (true) {
    GS_TRY(const bool row, select.step());
    if (!row) return {};
    GS_CHECK(visit(select.integer(0), without_checksum(select.blob(1))));
  }
}

Result<void> save_strays(Transaction& transaction, std::optional<std::int64_t> id, std::string_view batch) {
  const std::string bytes = with_checksum(std::string(batch));
  GS_TRY(Statement save, transaction.prepare("INSERT OR REPLACE INTO tsdb_strays (id, batch) VALUES (?, ?)"));
  if (id) {
    save.bind(1, *id);
  } else {
    save.bind_null(1);  // SQLite gives it the next
  }
  return save.bind_blob(2, bytes).run();
}

Result<void> delete_strays(Transaction& transaction, std::int64_t id) {
  return run(transaction, "DELETE FROM tsdb_strays WHERE id = ?", {id});
}

Result<SegmentId> begin_segment(Transaction& transaction) {
  // A row that goes again at once: its id is never given out a second time.
  GS_CHECK(
      run(transaction,
          "INSERT INTO tsdb_segments (policy, measurement, level, generation, min_ns, max_ns, directory) "
          "VALUES (0, 0, 0, 0, 0, 0, x'')",
          {}));
  const SegmentId id = transaction.last_insert_id();
  GS_CHECK(run(transaction, "DELETE FROM tsdb_segments WHERE id = ?", {id}));
  GS_CHECK(run(transaction, "INSERT INTO tsdb_unfinished (segment) VALUES (?)", {id}));
  return id;
}

Result<void> insert_pieces(Transaction& transaction, SegmentId segment,
                           std::span<const SegmentPiece> pieces) {
  for (const SegmentPiece& piece : pieces) {
    GS_CHECK(insert_piece(transaction, "INSERT INTO tsdb_strips (segment, field, bytes) VALUES (?, ?, ?)",
                          segment, piece.field, piece.strip));
    if (piece.totals.empty()) continue;
    GS_CHECK(insert_piece(transaction, "INSERT INTO tsdb_totals (segment, field, bytes) VALUES (?, ?, ?)",
                          segment, piece.field, piece.totals));
  }
  return {};
}

Result<bool> has_unfinished(Transaction& transaction) {
  GS_TRY(const std::int64_t count, one_integer(transaction, "SELECT count(*) FROM tsdb_unfinished"));
  return count > 0;
}

Result<void> discard_unfinished(Transaction& transaction) {
  // A segment that has its row is whole, whatever else is said of it.
  const std::string of_them =
      " WHERE segment IN (SELECT segment FROM tsdb_unfinished "
      "WHERE segment NOT IN (SELECT id FROM tsdb_segments))";
  GS_CHECK(run(transaction, "DELETE FROM tsdb_totals" + of_them, {}));
  GS_CHECK(run(transaction, "DELETE FROM tsdb_strips" + of_them, {}));
  return run(transaction, "DELETE FROM tsdb_unfinished", {});
}

Result<SegmentId> insert_segment(Transaction& transaction, const Segment& segment, const NewSegment& made) {
  const Segment::Label& label = segment.label();
  const TimeRange range = segment.range();
  GS_TRY(Statement insert,
         transaction.prepare(
             "INSERT INTO tsdb_segments (policy, measurement, level, generation, min_ns, max_ns, "
             "directory, label, id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  insert.bind(1, std::int64_t{label.owner.policy}).bind(2, label.owner.measurement).bind(3, label.level);
  insert.bind(4, label.generation).bind(5, range.min_ns).bind(6, range.max_ns);
  const std::string label_bytes = encode_label(label, range);
  if (label.id == 0) {
    insert.bind_null(9);  // SQLite gives it the next
  } else {
    insert.bind(9, label.id);
    GS_CHECK(run(transaction, "DELETE FROM tsdb_unfinished WHERE segment = ?", {label.id}));
    // Its sources go with this transaction: its pieces must be there.
    if (transaction.changes() != 1)
      return fail(Errc::kConflict, "pieces of segment " + std::to_string(label.id) + " were taken away");
  }
  GS_CHECK(insert.bind_blob(7, made.directory).bind_blob(8, label_bytes).run());
  const SegmentId id = transaction.last_insert_id();
  GS_CHECK(insert_pieces(transaction, id, made.pieces));
  return id;
}

Result<void> delete_segment(Transaction& transaction, SegmentId id) {
  return delete_segments(transaction, "id = ?", id);
}

Result<void> each_segment(Transaction& transaction, const std::function<void(SegmentRow)>& visit) {
  GS_TRY(Statement select,
         transaction.prepare("SELECT id, policy, measurement, level, generation, min_ns, max_ns, directory, "
                             "label FROM tsdb_segments ORDER BY generation, id"));
  while (true) {
    GS_TRY(const bool row, select.step());
    if (!row) return {};
    SegmentRow made{{select.integer(0),
                     {static_cast<PolicyId>(select.integer(1)), select.integer(2)},
                     static_cast<int>(select.integer(3)),
                     select.integer(4),
                     0,
                     std::nullopt},
                    {select.integer(5), select.integer(6)},
                    std::string(select.blob(7)),
                    ""};
    if (!select.is_null(8) && !decode_label(select.blob(8), made))
      made.fault = "its label does not have the checksum that stands with it";
    visit(std::move(made));
  }
}

Result<std::string> select_strip(Transaction& transaction, SegmentId segment, FieldId field) {
  return select_piece(transaction, "SELECT bytes FROM tsdb_strips WHERE segment = ? AND field = ?", segment,
                      field);
}

Result<std::string> select_totals(Transaction& transaction, SegmentId segment, FieldId field) {
  return select_piece(transaction, "SELECT bytes FROM tsdb_totals WHERE segment = ? AND field = ?", segment,
                      field);
}

Result<std::int64_t> bytes_on_disk(Transaction& transaction) {
  return one_integer(transaction,
                     "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()");
}

}  // namespace gpuscale::tsdb::tables
