// SPDX-License-Identifier: Apache-2.0
#include "scaling/decision_journal.h"

#include <array>
#include <utility>

#include "scaling/decision_frame.h"
#include "scaling/record_archive.h"

namespace gpuscale::scaling {
namespace {

using base::from_unix_nanos;
using base::to_unix_nanos;

constexpr std::array<db::Migration, 2> kJournalMigrations{
    {{1,
      "CREATE TABLE decision ("
      "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
      "  pool TEXT NOT NULL,"
      "  at_ns INTEGER NOT NULL,"
      "  base INTEGER NOT NULL,"  // the row whose plain text was the prefix of this one's frame; 0 = none
      "  body BLOB NOT NULL"
      ") STRICT;"
      "CREATE INDEX decision_pool ON decision (pool, at_ns);"
      "CREATE TABLE council_segment ("
      "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
      "  pool TEXT NOT NULL,"
      "  at_ns INTEGER NOT NULL,"
      "  body BLOB NOT NULL"
      ") STRICT;"
      "CREATE TABLE council_tick ("
      "  segment INTEGER NOT NULL,"
      "  number INTEGER NOT NULL,"
      "  at_ns INTEGER NOT NULL,"
      "  body BLOB NOT NULL,"
      "  PRIMARY KEY (segment, number)"
      ") STRICT, WITHOUT ROWID"},
     // Looks are written as their segment is.
     {2,
      "ALTER TABLE decision ADD COLUMN format INTEGER NOT NULL DEFAULT 1;"
      "ALTER TABLE council_segment ADD COLUMN format INTEGER NOT NULL DEFAULT 1"}}};

/// Passes that share a base; then the next is stored whole.
constexpr int kPassesPerBase = 64;
constexpr int kTrimEvery = 64;
/// Rows read at a time, so that a replay of much holds up no decision meanwhile.
constexpr int kPage = 50;

Result<void> readable(std::int64_t format) {
  if (format == kRecordFormat) return {};
  return fail(Errc::kUnsupported, "recorded by another version of gpuscale (format " +
                                      std::to_string(format) + ", this one reads " +
                                      std::to_string(kRecordFormat) + ")");
}

std::string joined(const std::string& inputs, const std::string& answer) {
  RecordWriter out;
  out(inputs, answer);
  return out.take();
}

}  // namespace

Result<std::unique_ptr<DecisionJournal>> DecisionJournal::open(db::Database& database) {
  GS_CHECK(database.migrate("decision", kJournalMigrations));
  return std::unique_ptr<DecisionJournal>(new DecisionJournal(database));
}

Result<std::int64_t> DecisionJournal::insert(db::Transaction& tx, const std::string& pool, WallTime at,
                                             std::int64_t base, const std::string& body) {
  GS_TRY(db::Statement row,
         tx.prepare("INSERT INTO decision (pool, at_ns, base, body, format) VALUES (?1, ?2, ?3, ?4, ?5)"));
  GS_CHECK(row.bind(1, pool)
               .bind(2, to_unix_nanos(at))
               .bind(3, base)
               .bind_blob(4, body)
               .bind(5, kRecordFormat)
               .run());
  const std::int64_t id = tx.last_insert_id();
  if (++added_[pool] >= kTrimEvery) {
    GS_CHECK(trim(tx, pool));
    added_[pool] = 0;
  }
  return id;
}

Result<void> DecisionJournal::add_pass(PassBase& base, const std::string& pool, WallTime at,
                                       const std::string& inputs, const std::string& answer) {
  std::string plain = joined(inputs, answer);
  const bool whole = base.id == 0 || base.passes >= kPassesPerBase || base.bytes > kMostDecisionBytes / 4;
  const std::string body = whole ? pack(plain) : pack(plain, base.plain);
  GS_TRY(const std::int64_t id, database_.transact<std::int64_t>([&](db::Transaction& tx) {
    return insert(tx, pool, at, whole ? 0 : base.id, body);
  }));
  if (whole) base = PassBase{.id = id, .plain = std::move(plain)};
  ++base.passes;
  base.bytes += std::ssize(body);
  return {};
}

Result<void> DecisionJournal::add(db::Transaction& tx, const std::string& pool, WallTime at,
                                  const std::string& inputs, const std::string& answer) {
  GS_CHECK(insert(tx, pool, at, 0, pack(joined(inputs, answer))));
  return {};
}

/// Drops the oldest rows beyond the bound, and those whose base has gone with them.
Result<void> DecisionJournal::trim(db::Transaction& tx, const std::string& pool) {
  GS_TRY(db::Statement sizes,
         tx.prepare("SELECT id, LENGTH(body) FROM decision WHERE pool = ?1 ORDER BY id DESC"));
  sizes.bind(1, pool);
  std::int64_t total = 0;
  for (;;) {
    GS_TRY(const bool more, sizes.step());
    if (!more) return {};
    total += sizes.integer(1);
    if (total > kMostDecisionBytes) break;
  }
  GS_TRY(db::Statement drop,
         tx.prepare("DELETE FROM decision WHERE pool = ?1 AND (id <= ?2 OR (base > 0 AND base <= ?2))"));
  return drop.bind(1, pool).bind(2, sizes.integer(0)).run();
}

Result<std::int64_t> DecisionJournal::begin_segment(db::Transaction& tx, const std::string& pool, WallTime at,
                                                    const CouncilSegment& segment) {
  GS_TRY(db::Statement row,
         tx.prepare("INSERT INTO council_segment (pool, at_ns, body, format) VALUES (?1, ?2, ?3, ?4)"));
  GS_CHECK(row.bind(1, pool)
               .bind(2, to_unix_nanos(at))
               .bind_blob(3, pack(encode(segment)))
               .bind(4, kRecordFormat)
               .run());
  const std::int64_t id = tx.last_insert_id();
  GS_CHECK(trim_segments(tx, pool));
  return id;
}

Result<void> DecisionJournal::trim_segments(db::Transaction& tx, const std::string& pool) {
  GS_TRY(db::Statement all,
         tx.prepare("SELECT s.id, (SELECT MAX(number) FROM council_tick WHERE segment = s.id) "
                    "FROM council_segment s WHERE pool = ?1 ORDER BY s.id DESC"));
  all.bind(1, pool);
  std::int64_t kept = 0;
  std::int64_t kept_ticks = 0;
  std::vector<std::int64_t> old;
  for (;;) {
    GS_TRY(const bool more, all.step());
    if (!more) break;
    if (kept_ticks >= kSegmentTicks || kept >= kMostSegments) {
      old.push_back(all.integer(0));
      continue;
    }
    ++kept;
    kept_ticks += all.is_null(1) ? 0 : all.integer(1) + 1;
  }
  for (const std::int64_t id : old) {
    GS_TRY(db::Statement ticks, tx.prepare("DELETE FROM council_tick WHERE segment = ?1"));
    GS_CHECK(ticks.bind(1, id).run());
    GS_TRY(db::Statement head, tx.prepare("DELETE FROM council_segment WHERE id = ?1"));
    GS_CHECK(head.bind(1, id).run());
  }
  return {};
}

Result<void> DecisionJournal::add_tick(db::Transaction& tx, std::int64_t segment, std::int64_t number,
                                       const CouncilTick& tick) {
  GS_TRY(db::Statement row,
         tx.prepare("INSERT INTO council_tick (segment, number, at_ns, body) VALUES (?1, ?2, ?3, ?4)"));
  return row.bind(1, segment)
      .bind(2, number)
      .bind(3, to_unix_nanos(tick.at))
      .bind_blob(4, encode(tick))
      .run();
}

Result<void> DecisionJournal::each_decision(
    const std::string& pool, TimeRange range, const std::function<Result<void>(const Decision&)>& see,
    const std::function<void(std::int64_t id, const Error&)>& damaged) const {
  struct Row {
    Decision head;
    std::int64_t base;
    std::string body;
    std::int64_t format;
  };
  const auto page_after = [&](std::int64_t id) {
    return database_.read<std::vector<Row>>([&](db::Transaction& tx) -> Result<std::vector<Row>> {
      GS_TRY(
          db::Statement rows,
          tx.prepare(
              "SELECT id, pool, at_ns, base, body, format FROM decision WHERE id > ?1 AND (?2 = '' OR pool "
              "= ?2) AND at_ns BETWEEN ?3 AND ?4 ORDER BY id LIMIT ?5"));
      rows.bind(1, id)
          .bind(2, pool)
          .bind(3, to_unix_nanos(range.from))
          .bind(4, to_unix_nanos(range.to))
          .bind(5, kPage);
      std::vector<Row> page;
      for (;;) {
        GS_TRY(const bool more, rows.step());
        if (!more) return page;
        page.push_back({{rows.integer(0), rows.text(1), from_unix_nanos(rows.integer(2)), {}, {}},
                        rows.integer(3),
                        std::string(rows.blob(4)),
                        rows.integer(5)});
      }
    });
  };
  const auto body_of = [&](std::int64_t id) {
    return database_.read<std::string>([&](db::Transaction& tx) -> Result<std::string> {
      GS_TRY(db::Statement row, tx.prepare("SELECT body FROM decision WHERE id = ?1"));
      GS_TRY(const bool found, row.bind(1, id).step());
      if (!found) return fail(Errc::kNotFound, "the pass that it is stored as a difference from has gone");
      return std::string(row.blob(0));
    });
  };
  std::map<std::string, std::pair<std::int64_t, std::string>> bases;  // by pool: the latest
  const auto plain_of = [&](const Row& row) -> Result<std::string> {
    GS_CHECK(readable(row.format));
    if (row.base == 0) return unpack(row.body);
    auto& [id, plain] = bases[row.head.pool];
    if (id != row.base) {
      GS_TRY(const std::string body, body_of(row.base));
      GS_TRY(plain, unpack(body));
      id = row.base;
    }
    return unpack(row.body, plain);
  };
  std::int64_t last = 0;
  for (;;) {
    GS_TRY(std::vector<Row> page, page_after(last));
    if (page.empty()) return {};
    for (Row& row : page) {
      last = row.head.id;
      auto plain = plain_of(row);
      if (!plain) {
        damaged(last, plain.error());
        continue;
      }
      RecordReader in(*plain);
      in(row.head.inputs, row.head.answer);
      if (!in.at_end()) {
        damaged(last, fail(Errc::kCorrupt, "a recorded decision does not decode"));
        continue;
      }
      GS_CHECK(see(row.head));
    }
  }
}

Result<std::vector<DecisionJournal::SegmentHead>> DecisionJournal::segments(const std::string& pool,
                                                                            TimeRange range) const {
  return database_.read<std::vector<SegmentHead>>(
      [&](db::Transaction& tx) -> Result<std::vector<SegmentHead>> {
        GS_TRY(db::Statement rows,
               tx.prepare("SELECT id, pool, at_ns FROM council_segment s WHERE (?1 = '' OR pool = ?1) AND "
                          "EXISTS (SELECT 1 FROM council_tick WHERE segment = s.id AND at_ns BETWEEN ?2 AND "
                          "?3) ORDER BY id"));
        rows.bind(1, pool).bind(2, to_unix_nanos(range.from)).bind(3, to_unix_nanos(range.to));
        std::vector<SegmentHead> out;
        for (;;) {
          GS_TRY(const bool more, rows.step());
          if (!more) return out;
          out.push_back({rows.integer(0), rows.text(1), from_unix_nanos(rows.integer(2))});
        }
      });
}

Result<CouncilSegment> DecisionJournal::segment(std::int64_t id) const {
  GS_TRY(const std::string body, database_.read<std::string>([&](db::Transaction& tx) -> Result<std::string> {
    GS_TRY(db::Statement row, tx.prepare("SELECT body, format FROM council_segment WHERE id = ?1"));
    GS_TRY(const bool found, row.bind(1, id).step());
    if (!found) return fail(Errc::kNotFound, "the beginning of these policies is no longer recorded");
    GS_CHECK(readable(row.integer(1)));
    return std::string(row.blob(0));
  }));
  GS_TRY(const std::string plain, unpack(body));
  return decode_segment(plain);
}

Result<std::vector<CouncilTick>> DecisionJournal::ticks(std::int64_t segment) const {
  GS_TRY(
      const auto bodies,
      database_.read<std::vector<std::string>>([&](db::Transaction& tx) -> Result<std::vector<std::string>> {
        GS_TRY(db::Statement rows,
               tx.prepare("SELECT body FROM council_tick WHERE segment = ?1 ORDER BY number"));
        rows.bind(1, segment);
        std::vector<std::string> out;
        for (;;) {
          GS_TRY(const bool more, rows.step());
          if (!more) return out;
          out.emplace_back(rows.blob(0));
        }
      }));
  std::vector<CouncilTick> out;
  out.reserve(bodies.size());
  for (const std::string& body : bodies) {
    GS_TRY(CouncilTick tick, decode_tick(body));
    out.push_back(std::move(tick));
  }
  return out;
}

}  // namespace gpuscale::scaling
