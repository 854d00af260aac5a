// SPDX-License-Identifier: Apache-2.0
#include "scaling/errand_store.h"

#include "db/optional_time.h"

namespace gpuscale::scaling {
namespace {

constexpr db::Migration kErrandMigrations[] = {{1, R"sql(
CREATE TABLE scaling_errands(
  id INTEGER PRIMARY KEY AUTOINCREMENT, trigger TEXT NOT NULL, state TEXT NOT NULL, correlation TEXT NOT NULL,
  source TEXT NOT NULL, asked INTEGER NOT NULL, started INTEGER, ended INTEGER, result TEXT NOT NULL) STRICT;
CREATE INDEX scaling_errands_by_trigger ON scaling_errands(trigger, state, id);
CREATE INDEX scaling_errands_by_state ON scaling_errands(state, id);
)sql"}};

constexpr std::string_view kColumns =
    "SELECT id, trigger, state, correlation, source, asked, started, ended, result FROM scaling_errands ";

Result<Errand> read_errand(const db::Statement& row) {
  const auto state = parse_errand_state(row.text(2));
  if (!state)
    return fail(Errc::kCorrupt, "state.db: an errand has the unknown state \"" + row.text(2) + "\"");
  return Errand{.id = row.integer(0),
                .trigger = row.text(1),
                .state = *state,
                .correlation = row.text(3),
                .source = row.text(4),
                .asked = base::from_unix_nanos(row.integer(5)),
                .started = db::time_at(row, 6),
                .ended = db::time_at(row, 7),
                .result = row.text(8)};
}

Result<std::vector<Errand>> read_errands(db::Statement& rows) {
  std::vector<Errand> out;
  while (true) {
    GS_TRY(const bool found, rows.step());
    if (!found) return out;
    GS_TRY(Errand errand, read_errand(rows));
    out.push_back(std::move(errand));
  }
}

Result<std::optional<Errand>> only(Result<std::vector<Errand>> found) {
  if (!found) return std::move(found).error();
  if (found->empty()) return std::optional<Errand>();
  return std::optional(std::move(found->front()));
}

}  // namespace

Result<ErrandStore> ErrandStore::open(db::Database& database) {
  GS_CHECK(database.migrate("scaling_errands", kErrandMigrations));
  return ErrandStore();
}

Result<void> ErrandStore::add(db::Transaction& tx, Errand& errand) const {
  GS_TRY(auto insert,
         tx.prepare("INSERT INTO scaling_errands(trigger, state, correlation, source, asked, result) "
                    "VALUES(?1,?2,?3,?4,?5,?6)"));
  insert.bind(1, errand.trigger)
      .bind(2, to_string(errand.state))
      .bind(3, errand.correlation)
      .bind(4, errand.source)
      .bind(5, base::to_unix_nanos(errand.asked))
      .bind(6, errand.result);
  GS_CHECK(insert.run());
  errand.id = tx.last_insert_id();
  return {};
}

Result<void> ErrandStore::save(db::Transaction& tx, const Errand& errand) const {
  GS_TRY(auto update,
         tx.prepare("UPDATE scaling_errands SET state=?2, started=?3, ended=?4, result=?5 WHERE id=?1"));
  update.bind(1, errand.id).bind(2, to_string(errand.state)).bind(5, errand.result);
  db::bind_time(update, 3, errand.started);
  db::bind_time(update, 4, errand.ended);
  GS_CHECK(update.run());
  GS_TRY(auto trim, tx.prepare("DELETE FROM scaling_errands WHERE ended IS NOT NULL AND id <= "
                               "(SELECT max(id) FROM scaling_errands) - ?1"));
  trim.bind(1, static_cast<std::int64_t>(kMaxEndedErrands));
  return trim.run();
}

Result<std::optional<Errand>> ErrandStore::find(db::Transaction& tx, std::int64_t id) const {
  GS_TRY(auto rows, tx.prepare(std::string(kColumns) + "WHERE id=?1"));
  rows.bind(1, id);
  return only(read_errands(rows));
}

Result<std::optional<Errand>> ErrandStore::first(db::Transaction& tx, const std::string& trigger,
                                                 ErrandState state) const {
  GS_TRY(auto rows, tx.prepare(std::string(kColumns) + "WHERE trigger=?1 AND state=?2 ORDER BY id LIMIT 1"));
  rows.bind(1, trigger).bind(2, to_string(state));
  return only(read_errands(rows));
}

Result<std::vector<Errand>> ErrandStore::all(db::Transaction& tx, ErrandState state) const {
  GS_TRY(auto rows, tx.prepare(std::string(kColumns) + "WHERE state=?1 ORDER BY id"));
  rows.bind(1, to_string(state));
  return read_errands(rows);
}

Result<std::vector<Errand>> ErrandStore::newest(db::Transaction& tx, const std::string& trigger,
                                                std::size_t most) const {
  GS_TRY(auto rows, tx.prepare(std::string(kColumns) + "WHERE trigger=?1 ORDER BY id DESC LIMIT ?2"));
  rows.bind(1, trigger).bind(2, static_cast<std::int64_t>(most));
  return read_errands(rows);
}

}  // namespace gpuscale::scaling
