// SPDX-License-Identifier: Apache-2.0
#include "pool/decorators/fallback_memory.h"

#include <array>

namespace gpuscale::pool {
namespace {

constexpr std::array<db::Migration, 1> kFallbackMigrations{
    {{1,
      "CREATE TABLE provider_home(pool TEXT NOT NULL, node TEXT NOT NULL, second INTEGER NOT NULL, "
      "PRIMARY KEY (pool, node)) STRICT, WITHOUT ROWID;"
      "CREATE TABLE provider_spare(pool TEXT PRIMARY KEY, until_ns INTEGER NOT NULL, why TEXT NOT NULL) "
      "STRICT"}}};

}  // namespace

Result<FallbackMemory> FallbackMemory::open(db::Database& database, std::string pool) {
  GS_CHECK(database.migrate("fallback", kFallbackMigrations));
  return FallbackMemory(database, std::move(pool));
}

Result<std::map<std::string, FallbackMemory::Home>> FallbackMemory::homes() const {
  return database_->read<std::map<std::string, Home>>(
      [&](db::Transaction& tx) -> Result<std::map<std::string, Home>> {
        GS_TRY(auto rows, tx.prepare("SELECT node, second FROM provider_home WHERE pool = ?1"));
        rows.bind(1, pool_);
        std::map<std::string, Home> out;
        for (;;) {
          GS_TRY(const bool more, rows.step());
          if (!more) return out;
          out.emplace(rows.text(0), rows.integer(1) != 0 ? Home::kSecond : Home::kFirst);
        }
      });
}

Result<void> FallbackMemory::note(const std::string& node, Home home) {
  return database_->transact([&](db::Transaction& tx) -> Result<void> {
    GS_TRY(auto row,
           tx.prepare("INSERT OR REPLACE INTO provider_home(pool, node, second) VALUES(?1, ?2, ?3)"));
    return row.bind(1, pool_).bind(2, node).bind(3, home == Home::kSecond ? 1 : 0).run();
  });
}

Result<void> FallbackMemory::forget(const std::vector<std::string>& nodes) {
  if (nodes.empty()) return {};
  return database_->transact([&](db::Transaction& tx) -> Result<void> {
    GS_TRY(auto row, tx.prepare("DELETE FROM provider_home WHERE pool = ?1 AND node = ?2"));
    for (const std::string& node : nodes) {
      GS_CHECK(row.bind(1, pool_).bind(2, node).run());
      row.reset();
    }
    return {};
  });
}

Result<std::optional<FallbackMemory::Spare>> FallbackMemory::spare() const {
  return database_->read<std::optional<Spare>>([&](db::Transaction& tx) -> Result<std::optional<Spare>> {
    GS_TRY(auto row, tx.prepare("SELECT until_ns, why FROM provider_spare WHERE pool = ?1"));
    GS_TRY(const bool found, row.bind(1, pool_).step());
    if (!found) return std::optional<Spare>();
    return std::optional(Spare{base::from_unix_nanos(row.integer(0)), row.text(1)});
  });
}

Result<void> FallbackMemory::set_spare(const std::optional<Spare>& spare) {
  return database_->transact([&](db::Transaction& tx) -> Result<void> {
    if (!spare) {
      GS_TRY(auto row, tx.prepare("DELETE FROM provider_spare WHERE pool = ?1"));
      return row.bind(1, pool_).run();
    }
    GS_TRY(auto row,
           tx.prepare("INSERT OR REPLACE INTO provider_spare(pool, until_ns, why) VALUES(?1, ?2, ?3)"));
    return row.bind(1, pool_).bind(2, base::to_unix_nanos(spare->until)).bind(3, spare->why).run();
  });
}

}  // namespace gpuscale::pool
