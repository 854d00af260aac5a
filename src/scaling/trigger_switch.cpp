// SPDX-License-Identifier: Apache-2.0
#include "scaling/trigger_switch.h"

namespace gpuscale::scaling {
namespace {

constexpr db::Migration kSwitchMigrations[] = {
    {1, "CREATE TABLE scaling_triggers_off (trigger TEXT PRIMARY KEY) STRICT;"}};

}  // namespace

Result<TriggerSwitches> TriggerSwitches::open(db::Database& database) {
  GS_CHECK(database.migrate("scaling_trigger_switch", kSwitchMigrations));
  return TriggerSwitches(database);
}

Result<std::set<std::string>> TriggerSwitches::off() const {
  using Names = std::set<std::string>;
  return database_->read<Names>([](db::Transaction& transaction) -> Result<Names> {
    GS_TRY(db::Statement select, transaction.prepare("SELECT trigger FROM scaling_triggers_off"));
    Names names;
    while (true) {
      GS_TRY(const bool row, select.step());
      if (!row) return names;
      names.insert(select.text(0));
    }
  });
}

Result<void> TriggerSwitches::turn(db::Transaction& transaction, const std::string& trigger, bool on) {
  GS_TRY(db::Statement statement,
         transaction.prepare(on ? "DELETE FROM scaling_triggers_off WHERE trigger = ?"
                                : "INSERT OR IGNORE INTO scaling_triggers_off (trigger) VALUES (?)"));
  return statement.bind(1, trigger).run();
}

}  // namespace gpuscale::scaling
