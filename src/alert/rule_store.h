// SPDX-License-Identifier: Apache-2.0
/// Rule states on disk, with the notification that is still owed to the sink.
#pragma once
#include <map>
#include <optional>
#include <string>

#include "alert/rule_state.h"
#include "base/result.h"
#include "db/database.h"

namespace gpuscale::alert {

struct StoredRule {
  RuleState state;
  std::optional<Notification> owed;  ///< not yet taken by the sink
};

/// Thread-safe as the database is.
class RuleStore {
 public:
  static Result<RuleStore> open(db::Database& database);

  Result<std::map<std::string, StoredRule>> load() const;
  static Result<void> save(db::Transaction& transaction, const std::string& name, const StoredRule& rule);
  static Result<void> remove(db::Transaction& transaction, const std::string& name);

 private:
  explicit RuleStore(db::Database& database) : database_(&database) {}
  db::Database* database_;
};

}  // namespace gpuscale::alert
