// SPDX-License-Identifier: Apache-2.0
#include "declare/definition_store.h"

#include <algorithm>

namespace gpuscale::declare {
namespace {

using nlohmann::json;

constexpr db::Migration kMigrations[] = {{1,
                                          "CREATE TABLE declared ("
                                          "  kind TEXT NOT NULL,"
                                          "  name TEXT NOT NULL,"
                                          "  version INTEGER NOT NULL,"
                                          "  shown TEXT NOT NULL,"   // JSON
                                          "  sealed TEXT NOT NULL,"  // JSON, pointer to sealed text
                                          "  changed_by TEXT NOT NULL,"
                                          "  changed_ns INTEGER NOT NULL,"
                                          "  PRIMARY KEY (kind, name)"
                                          ") STRICT;"
                                          "CREATE TABLE declared_switch ("
                                          "  kind TEXT NOT NULL,"
                                          "  name TEXT NOT NULL,"
                                          "  on_ INTEGER NOT NULL,"
                                          "  PRIMARY KEY (kind, name)"
                                          ") STRICT;"
                                          "CREATE TABLE declared_version (newest INTEGER NOT NULL) STRICT;"
                                          "INSERT INTO declared_version VALUES (0);"}};

Result<config::Kind> kind_in(const db::Statement& row) {
  const auto kind = config::parse_kind(row.text(0));
  if (!kind) return fail(Errc::kCorrupt, "state.db: \"" + row.text(0) + "\" is no kind of definition");
  return *kind;
}

std::string dumped_whole(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

Result<DefinitionStore> DefinitionStore::open(db::Database& database) {
  GS_CHECK(database.migrate("declare", kMigrations));
  return DefinitionStore(database);
}

Result<std::vector<StoredDefinition>> DefinitionStore::definitions() const {
  using All = std::vector<StoredDefinition>;
  return database_->read<All>([](db::Transaction& transaction) -> Result<All> {
    GS_TRY(db::Statement select,
           transaction.prepare("SELECT kind, name, version, shown, sealed, changed_by, changed_ns "
                               "FROM declared ORDER BY kind, name"));
    All out;
    while (true) {
      GS_TRY(const bool row, select.step());
      if (!row) return out;
      StoredDefinition each;
      GS_TRY(each.kind, kind_in(select));
      each.name = select.text(1);
      each.version = select.integer(2);
      each.shown = json::parse(select.text(3), nullptr, false);
      const json sealed = json::parse(select.text(4), nullptr, false);
      if (!each.shown.is_object() || !sealed.is_object()) {
        return fail(Errc::kCorrupt, "state.db: the definition of " + std::string(word_of(each.kind)) + " " +
                                        each.name + " does not decode");
      }
      for (const auto& [place, text] : sealed.items())
        if (text.is_string()) each.sealed.emplace(place, text.get<std::string>());
      each.changed_by = select.text(5);
      each.changed_at = base::from_unix_nanos(select.integer(6));
      out.push_back(std::move(each));
    }
  });
}

Result<Switches> DefinitionStore::switches() const {
  return database_->read<Switches>([](db::Transaction& transaction) -> Result<Switches> {
    GS_TRY(db::Statement select, transaction.prepare("SELECT kind, name, on_ FROM declared_switch"));
    Switches out;
    while (true) {
      GS_TRY(const bool row, select.step());
      if (!row) return out;
      GS_TRY(const config::Kind kind, kind_in(select));
      out.insert_or_assign({kind, select.text(1)}, select.integer(2) != 0);
    }
  });
}

Result<bool> DefinitionStore::holds_secrets() const {
  GS_TRY(const std::vector<StoredDefinition> all, definitions());
  return std::any_of(all.begin(), all.end(), [](const auto& each) { return !each.sealed.empty(); });
}

Result<std::int64_t> DefinitionStore::next_version(db::Transaction& transaction) {
  GS_CHECK(transaction.execute("UPDATE declared_version SET newest = newest + 1"));
  GS_TRY(db::Statement select, transaction.prepare("SELECT newest FROM declared_version"));
  GS_TRY(const bool row, select.step());
  if (!row) return fail(Errc::kCorrupt, "state.db: declared_version is empty");
  return select.integer(0);
}

Result<void> DefinitionStore::save(db::Transaction& transaction, const StoredDefinition& definition) {
  GS_TRY(db::Statement upsert,
         transaction.prepare("INSERT OR REPLACE INTO declared (kind, name, version, shown, sealed, "
                             "changed_by, changed_ns) VALUES (?, ?, ?, ?, ?, ?, ?)"));
  return upsert.bind(1, to_string(definition.kind))
      .bind(2, definition.name)
      .bind(3, definition.version)
      .bind(4, dumped_whole(definition.shown))
      .bind(5, dumped_whole(definition.sealed))
      .bind(6, definition.changed_by)
      .bind(7, base::to_unix_nanos(definition.changed_at))
      .run();
}

Result<void> DefinitionStore::remove(db::Transaction& transaction, config::Kind kind,
                                     const std::string& name) {
  GS_TRY(db::Statement statement, transaction.prepare("DELETE FROM declared WHERE kind = ? AND name = ?"));
  return statement.bind(1, to_string(kind)).bind(2, name).run();
}

Result<void> DefinitionStore::turn(db::Transaction& transaction, config::Kind kind, const std::string& name,
                                   std::optional<bool> on) {
  if (!on) {
    GS_TRY(db::Statement statement,
           transaction.prepare("DELETE FROM declared_switch WHERE kind = ? AND name = ?"));
    return statement.bind(1, to_string(kind)).bind(2, name).run();
  }
  GS_TRY(db::Statement statement,
         transaction.prepare("INSERT OR REPLACE INTO declared_switch (kind, name, on_) VALUES (?, ?, ?)"));
  return statement.bind(1, to_string(kind)).bind(2, name).bind(3, *on ? 1 : 0).run();
}

}  // namespace gpuscale::declare
