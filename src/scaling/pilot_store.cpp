// SPDX-License-Identifier: Apache-2.0
#include "scaling/pilot_store.h"

#include <array>
#include <utility>

namespace gpuscale::scaling {
namespace {

constexpr std::array<db::Migration, 2> kPilotMigrations{
    {{1, "CREATE TABLE policy_state(policy TEXT PRIMARY KEY, learned TEXT NOT NULL) STRICT"},
     {2,
      "CREATE TABLE policy_trial(owner TEXT PRIMARY KEY, hours TEXT NOT NULL) STRICT;"
      "CREATE TABLE policy_promotion(pool TEXT PRIMARY KEY, promotion TEXT NOT NULL) STRICT"}}};

Result<void> put(db::Transaction& tx, std::string_view sql, const std::string& key, const std::string& text) {
  GS_TRY(db::Statement row, tx.prepare(sql));
  return row.bind(1, key).bind(2, text).run();
}

Result<void> put_promotion(db::Transaction& tx, const Promotion& promotion) {
  return put(tx, "INSERT OR REPLACE INTO policy_promotion(pool, promotion) VALUES(?1,?2)", promotion.pool,
             to_text(promotion));
}

}  // namespace

Result<PilotStore> PilotStore::open(db::Database& database, activity::Ledger& ledger) {
  GS_CHECK(database.migrate("policy", kPilotMigrations));
  return PilotStore(database, ledger);
}

Result<std::map<std::string, std::string>> PilotStore::pairs(std::string_view sql) const {
  return database_->read<std::map<std::string, std::string>>(
      [&](db::Transaction& tx) -> Result<std::map<std::string, std::string>> {
        GS_TRY(auto rows, tx.prepare(sql));
        std::map<std::string, std::string> out;
        for (;;) {
          GS_TRY(const bool more, rows.step());
          if (!more) return out;
          out.emplace(rows.text(0), rows.text(1));
        }
      });
}

Result<std::map<std::string, std::string>> PilotStore::learned() const {
  return pairs("SELECT policy, learned FROM policy_state");
}

Result<std::map<std::string, TrialHours>> PilotStore::trials(std::vector<std::string>& unusable) const {
  GS_TRY(const auto rows, pairs("SELECT owner, hours FROM policy_trial"));
  std::map<std::string, TrialHours> out;
  for (const auto& [owner, text] : rows) {
    if (auto hours = TrialHours::parse(text)) {
      out.emplace(owner, *std::move(hours));
    } else {
      unusable.push_back(owner + ": " + hours.error().message());
    }
  }
  return out;
}

Result<std::map<std::string, Promotion>> PilotStore::promotions(std::vector<std::string>& unusable) const {
  GS_TRY(const auto rows, pairs("SELECT pool, promotion FROM policy_promotion"));
  std::map<std::string, Promotion> out;
  for (const auto& [pool, text] : rows) {
    if (auto promotion = promotion_from_text(text)) {
      out.emplace(pool, *std::move(promotion));
    } else {
      unusable.push_back(pool + ": " + promotion.error().message());
    }
  }
  return out;
}

Result<void> PilotStore::save(const std::map<std::string, std::string>& learned,
                              const std::map<std::string, TrialHours>& trials) {
  if (learned.empty() && trials.empty()) return {};
  return database_->transact([&](db::Transaction& tx) -> Result<void> {
    for (const auto& [policy, text] : learned)
      GS_CHECK(put(tx, "INSERT OR REPLACE INTO policy_state(policy, learned) VALUES(?1,?2)", policy, text));
    for (const auto& [owner, hours] : trials)
      GS_CHECK(
          put(tx, "INSERT OR REPLACE INTO policy_trial(owner, hours) VALUES(?1,?2)", owner, hours.text()));
    return {};
  });
}

Result<void> PilotStore::forget(const std::vector<std::string>& learned,
                                const std::vector<std::string>& trials) {
  if (learned.empty() && trials.empty()) return {};
  return database_->transact([&](db::Transaction& tx) -> Result<void> {
    const auto drop = [&](std::string_view sql, const std::vector<std::string>& names) -> Result<void> {
      for (const std::string& name : names) {
        GS_TRY(db::Statement row, tx.prepare(sql));
        GS_CHECK(row.bind(1, name).run());
      }
      return {};
    };
    GS_CHECK(drop("DELETE FROM policy_state WHERE policy = ?1", learned));
    return drop("DELETE FROM policy_trial WHERE owner = ?1", trials);
  });
}

Result<void> PilotStore::save(const Promotion& promotion) {
  return database_->transact([&](db::Transaction& tx) { return put_promotion(tx, promotion); });
}

Result<void> PilotStore::save(const Promotion& promotion, activity::Entry entry) {
  return change_telling(std::move(entry), [&](db::Transaction& tx) { return put_promotion(tx, promotion); });
}

Result<void> PilotStore::drop_promotion(const std::string& pool, activity::Entry entry) {
  return change_telling(std::move(entry), [&](db::Transaction& tx) -> Result<void> {
    GS_TRY(db::Statement row, tx.prepare("DELETE FROM policy_promotion WHERE pool = ?1"));
    return row.bind(1, pool).run();
  });
}

Result<void> PilotStore::change_telling(activity::Entry entry,
                                        const std::function<Result<void>(db::Transaction&)>& change) {
  GS_CHECK(database_->transact([&](db::Transaction& tx) -> Result<void> {
    GS_CHECK(change(tx));
    GS_CHECK(ledger_->append_in(tx, entry));
    return {};
  }));
  ledger_->publish(entry);
  return {};
}

}  // namespace gpuscale::scaling
