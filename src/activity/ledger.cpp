// SPDX-License-Identifier: Apache-2.0
#include "activity/ledger.h"

#include <algorithm>

#include "base/digest.h"
#include "base/rfc3339.h"

namespace gpuscale::activity {

using base::from_unix_nanos;
using base::to_unix_nanos;

namespace {

constexpr db::Migration kMigrations[] = {{1,
                                          "CREATE TABLE activity ("
                                          "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
                                          "  at_ns INTEGER NOT NULL,"
                                          "  kind TEXT NOT NULL,"
                                          "  pool TEXT NOT NULL,"
                                          "  subject TEXT NOT NULL,"
                                          "  correlation TEXT NOT NULL,"
                                          "  summary TEXT NOT NULL,"
                                          "  details TEXT NOT NULL"
                                          ") STRICT;"
                                          "CREATE INDEX activity_correlation ON activity (correlation);"}};

constexpr std::int64_t kKeptEntries = 100'000;
// Trimmed by id, every so many entries: a delete on each append would double its cost.
constexpr std::int64_t kTrimEvery = 1'000;

constexpr int kFirstKind = 6;  ///< its parameter's position; the others follow

/// Of a text with commas between them; empty ones are none.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty() && words.size() < kMostKinds) {
    const std::size_t comma = text.find(',');
    if (comma != 0) words.emplace_back(text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return words;
}

Entry entry_of(const db::Statement& row) {
  Entry entry;
  entry.id = row.integer(0);
  entry.at = from_unix_nanos(row.integer(1));
  entry.kind = row.text(2);
  entry.pool = row.text(3);
  entry.subject = row.text(4);
  entry.correlation = row.text(5);
  entry.summary = row.text(6);
  entry.details = nlohmann::json::parse(row.text(7), nullptr, false);
  if (entry.details.is_discarded()) entry.details = nlohmann::json::object();
  return entry;
}

}  // namespace

std::string new_correlation() {
  return "c-" + base::random_hex(8);
}

Result<std::unique_ptr<Ledger>> Ledger::open(db::Database& database) {
  GS_CHECK(database.migrate("activity", kMigrations));
  return std::unique_ptr<Ledger>(new Ledger(database));
}

Result<std::int64_t> Ledger::append(Entry entry) {
  GS_TRY(const std::int64_t id, database_.transact<std::int64_t>([&](db::Transaction& transaction) {
    return append_in(transaction, entry);
  }));
  publish(entry);
  return id;
}

Result<std::int64_t> Ledger::append_in(db::Transaction& transaction, Entry& entry) {
  GS_TRY(
      db::Statement insert,
      transaction.prepare("INSERT INTO activity (at_ns, kind, pool, subject, correlation, summary, details) "
                          "VALUES (?, ?, ?, ?, ?, ?, ?)"));
  const nlohmann::json& details = entry.details.is_null() ? nlohmann::json::object() : entry.details;
  GS_CHECK(insert.bind(1, to_unix_nanos(entry.at))
               .bind(2, entry.kind)
               .bind(3, entry.pool)
               .bind(4, entry.subject)
               .bind(5, entry.correlation)
               .bind(6, entry.summary)
               .bind(7, details.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))
               .run());
  entry.id = transaction.last_insert_id();
  if (entry.id % kTrimEvery == 0) {
    GS_TRY(db::Statement trim, transaction.prepare("DELETE FROM activity WHERE id <= ?"));
    GS_CHECK(trim.bind(1, entry.id - kKeptEntries).run());
  }
  return entry.id;
}

void Ledger::publish(const Entry& entry) {
  if (listener_) listener_(entry);
}

Result<std::vector<Entry>> Ledger::query(const Filter& filter) const {
  return database_.read<std::vector<Entry>>([&](db::Transaction& transaction) -> Result<std::vector<Entry>> {
    // With after_id a reader follows the log, so the oldest of the matching come first; else it wants the
    // newest.
    const bool follow = filter.after_id.has_value();
    std::string sql =
        "SELECT id, at_ns, kind, pool, subject, correlation, summary, details FROM activity WHERE id > ?1 "
        "AND at_ns >= ?2 "
        "AND (?3 = '' OR pool = ?3) AND (?4 = '' OR correlation = ?4) ";
    const std::vector<std::string> kinds = words_of(filter.kind_prefix);
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      const std::string word = "?" + std::to_string(kFirstKind + static_cast<int>(i));
      sql += (i == 0 ? "AND (" : "OR ") + ("substr(kind, 1, length(" + word + ")) = " + word) + " ";
    }
    sql += kinds.empty() ? "ORDER BY id " : ") ORDER BY id ";
    sql += follow ? "ASC" : "DESC";
    sql += " LIMIT ?5";
    GS_TRY(db::Statement select, transaction.prepare(sql));
    select.bind(1, filter.after_id.value_or(0))
        .bind(2, filter.since ? to_unix_nanos(*filter.since) : std::int64_t{0})
        .bind(3, filter.pool)
        .bind(4, filter.correlation)
        .bind(5, static_cast<std::int64_t>(std::min<std::size_t>(filter.limit, kKeptEntries)));
    for (std::size_t i = 0; i < kinds.size(); ++i) select.bind(kFirstKind + static_cast<int>(i), kinds[i]);
    std::vector<Entry> entries;
    while (true) {
      GS_TRY(const bool row, select.step());
      if (!row) break;
      entries.push_back(entry_of(select));
    }
    if (!follow) std::reverse(entries.begin(), entries.end());
    return entries;
  });
}

nlohmann::json to_json(const Entry& entry) {
  return {{"id", entry.id},
          {"at", base::format_rfc3339(entry.at)},
          {"kind", entry.kind},
          {"pool", entry.pool},
          {"subject", entry.subject},
          {"correlation", entry.correlation},
          {"summary", entry.summary},
          {"details", entry.details.is_null() ? nlohmann::json::object() : entry.details}};
}

}  // namespace gpuscale::activity
