// SPDX-License-Identifier: Apache-2.0
/// Rule states and silences on disk; with each state the notification that is still owed to the sink.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "alert/rule_state.h"
#include "alert/silence.h"
#include "base/result.h"
#include "db/database.h"

namespace gpuscale::alert {

struct StoredRule {
  RuleState state;
  std::optional<Notification> owed;  ///< not yet taken by the sink
};

/// One state of a rule: the only one, without labels, or that of a series.
struct StoredInstance {
  metrics::Tags labels;
  StoredRule stored;
};

/// Thread-safe as the database is.
class RuleStore {
 public:
  static Result<RuleStore> open(db::Database& database);

  Result<std::map<std::string, std::vector<StoredInstance>>> load() const;
  static Result<void> save(db::Transaction& transaction, const std::string& rule,
                           const StoredInstance& instance);
  static Result<void> remove(db::Transaction& transaction, const std::string& rule,
                             const metrics::Tags& labels);

  Result<std::vector<Silence>> silences() const;
  Result<void> save(const Silence& silence);
  /// Forgets it, and all that have expired.
  Result<void> remove_silence(const std::string& id, WallTime now);

 private:
  explicit RuleStore(db::Database& database) : database_(&database) {}
  db::Database* database_;
};

}  // namespace gpuscale::alert
