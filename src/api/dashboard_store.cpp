// SPDX-License-Identifier: Apache-2.0
#include "api/dashboard_store.h"

#include "api/dashboard_shape.h"

namespace gpuscale::api {

namespace {

using nlohmann::json;
using Verdict = DashboardOutcome::Verdict;

// A version is the row's number: AUTOINCREMENT gives none twice, also after a deletion.
constexpr db::Migration kDashboardMigrations[] = {{1,
                                                   "CREATE TABLE dashboard ("
                                                   "  version INTEGER PRIMARY KEY AUTOINCREMENT,"
                                                   "  name TEXT NOT NULL UNIQUE,"
                                                   "  definition TEXT NOT NULL,"  // JSON
                                                   "  changed_by TEXT NOT NULL,"
                                                   "  changed_ns INTEGER NOT NULL"
                                                   ") STRICT;"}};
constexpr std::string_view kSelect =
    "SELECT name, version, definition, changed_by, changed_ns FROM dashboard";

Result<Dashboard> dashboard_in(const db::Statement& row) {
  Dashboard out;
  out.name = row.text(0);
  out.version = row.integer(1);
  out.definition = json::parse(row.text(2), nullptr, false);
  if (out.definition.is_discarded())
    return fail(Errc::kCorrupt, "state.db: dashboard " + out.name + " does not decode");
  out.changed_by = row.text(3);
  out.changed_at = base::from_unix_nanos(row.integer(4));
  return out;
}

Result<std::optional<Dashboard>> present(db::Transaction& transaction, const std::string& name) {
  GS_TRY(db::Statement select, transaction.prepare(std::string(kSelect) + " WHERE name = ?"));
  GS_TRY(const bool row, select.bind(1, name).step());
  if (!row) return std::optional<Dashboard>();
  GS_TRY(Dashboard found, dashboard_in(select));
  return std::optional(std::move(found));
}

Result<void> erase(db::Transaction& transaction, const std::string& name) {
  GS_TRY(db::Statement drop, transaction.prepare("DELETE FROM dashboard WHERE name = ?"));
  return drop.bind(1, name).run();
}

Error no_such(const std::string& name) {
  return fail(Errc::kNotFound, "no dashboard \"" + name + "\"");
}

/// Whether the wish may be: else the present one that stands in its way.
Result<std::optional<Dashboard>> in_the_way(db::Transaction& transaction, const std::string& name,
                                            std::int64_t version) {
  GS_TRY(std::optional<Dashboard> before, present(transaction, name));
  if (!before && version != 0) return no_such(name);
  if (before && before->version != version) return before;
  return std::optional<Dashboard>();
}

Result<void> require_room(db::Transaction& transaction) {
  GS_TRY(db::Statement count, transaction.prepare("SELECT count(*) FROM dashboard"));
  GS_CHECK(count.step());
  if (count.integer(0) < DashboardStore::kMost) return {};
  return fail(Errc::kExhausted,
              "there are " + std::to_string(DashboardStore::kMost) + " dashboards already; delete some");
}

}  // namespace

Result<std::unique_ptr<DashboardStore>> DashboardStore::open(db::Database& database, activity::Ledger& ledger,
                                                             const Clock& clock) {
  GS_CHECK(database.migrate("dashboards", kDashboardMigrations));
  return std::unique_ptr<DashboardStore>(new DashboardStore(database, ledger, clock));
}

Result<std::vector<Dashboard>> DashboardStore::list() const {
  using All = std::vector<Dashboard>;
  return database_.read<All>([](db::Transaction& transaction) -> Result<All> {
    GS_TRY(db::Statement select, transaction.prepare(std::string(kSelect) + " ORDER BY name"));
    All out;
    while (true) {
      GS_TRY(const bool row, select.step());
      if (!row) return out;
      GS_TRY(Dashboard each, dashboard_in(select));
      out.push_back(std::move(each));
    }
  });
}

Result<Dashboard> DashboardStore::find(const std::string& name) const {
  return database_.read<Dashboard>([&](db::Transaction& transaction) -> Result<Dashboard> {
    GS_TRY(std::optional<Dashboard> found, present(transaction, name));
    if (!found) return no_such(name);
    return *std::move(found);
  });
}

activity::Entry DashboardStore::entry_about(const std::string& name, const std::string& verb,
                                            const std::string& who) const {
  return {.at = clock_.wall(),
          .kind = "config.changed",
          .subject = name,
          .correlation = activity::new_correlation(),
          .summary = who + " " + verb + " dashboard " + name,
          .details = {{"source", who}, {"kind", "dashboard"}, {"name", name}, {"action", verb}}};
}

Result<DashboardOutcome> DashboardStore::put(const DashboardWish& wish) {
  GS_CHECK(check_dashboard_name(wish.name));
  GS_CHECK(check_dashboard(wish.definition));
  const bool is_new = wish.version == 0;
  Dashboard made{wish.name, wish.version, wish.definition, wish.who, clock_.wall()};
  activity::Entry entry = entry_about(wish.name, is_new ? "makes" : "changes", wish.who);
  const auto work = [&](db::Transaction& transaction) -> Result<DashboardOutcome> {
    GS_TRY(std::optional<Dashboard> other, in_the_way(transaction, wish.name, wish.version));
    if (other) return DashboardOutcome{Verdict::kConflict, *std::move(other)};
    if (is_new) GS_CHECK(require_room(transaction));
    if (wish.dry_run) return DashboardOutcome{Verdict::kChecked, made};
    GS_CHECK(erase(transaction, wish.name));
    GS_TRY(db::Statement insert,
           transaction.prepare(
               "INSERT INTO dashboard (name, definition, changed_by, changed_ns) VALUES (?, ?, ?, ?)"));
    GS_CHECK(insert.bind(1, made.name)
                 .bind(2, made.definition.dump(-1, ' ', false, json::error_handler_t::replace))
                 .bind(3, made.changed_by)
                 .bind(4, base::to_unix_nanos(made.changed_at))
                 .run());
    made.version = transaction.last_insert_id();
    entry.details["version"] = made.version;
    GS_CHECK(ledger_.append_in(transaction, entry));
    return DashboardOutcome{is_new ? Verdict::kCreated : Verdict::kChanged, made};
  };
  GS_TRY(DashboardOutcome outcome, database_.transact<DashboardOutcome>(work));
  if (outcome.verdict == Verdict::kCreated || outcome.verdict == Verdict::kChanged) ledger_.publish(entry);
  return outcome;
}

Result<DashboardOutcome> DashboardStore::remove(const std::string& name, std::int64_t version,
                                                const std::string& who) {
  activity::Entry entry = entry_about(name, "deletes", who);
  const auto work = [&](db::Transaction& transaction) -> Result<DashboardOutcome> {
    GS_TRY(std::optional<Dashboard> before, present(transaction, name));
    if (!before) return no_such(name);
    if (before->version != version) return DashboardOutcome{Verdict::kConflict, *std::move(before)};
    GS_CHECK(erase(transaction, name));
    GS_CHECK(ledger_.append_in(transaction, entry));
    return DashboardOutcome{Verdict::kDeleted, *std::move(before)};
  };
  GS_TRY(DashboardOutcome outcome, database_.transact<DashboardOutcome>(work));
  if (outcome.verdict == Verdict::kDeleted) ledger_.publish(entry);
  return outcome;
}

}  // namespace gpuscale::api
