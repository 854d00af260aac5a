// SPDX-License-Identifier: Apache-2.0
/// Triggers that were switched off by hand; lasts over restarts. Thread-safe as the database is.
#pragma once
#include <set>
#include <string>

#include "base/result.h"
#include "db/database.h"

namespace gpuscale::scaling {

class TriggerSwitches {
 public:
  static Result<TriggerSwitches> open(db::Database& database);

  Result<std::set<std::string>> off() const;
  /// Part of the caller's transaction.
  static Result<void> turn(db::Transaction& transaction, const std::string& trigger, bool on);

 private:
  explicit TriggerSwitches(db::Database& database) : database_(&database) {}
  db::Database* database_;
};

}  // namespace gpuscale::scaling
