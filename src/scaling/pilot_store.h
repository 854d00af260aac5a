// SPDX-License-Identifier: Apache-2.0
/// What lasts of policies in state.db: what they learned, their trials' hours, promotions. A repository: it
/// decides nothing. Thread-safe.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "activity/ledger.h"
#include "base/result.h"
#include "db/database.h"
#include "scaling/policy_trial.h"
#include "scaling/promotion.h"

namespace gpuscale::scaling {

class PilotStore {
 public:
  /// Both outlive it.
  static Result<PilotStore> open(db::Database& database, activity::Ledger& ledger);

  Result<std::map<std::string, std::string>> learned() const;  ///< by policy
  /// Hours that do not decode are left out, and named in `unusable`.
  Result<std::map<std::string, TrialHours>> trials(std::vector<std::string>& unusable) const;
  Result<void> save(const std::map<std::string, std::string>& learned,
                    const std::map<std::string, TrialHours>& trials);

  /// By policy.
  Result<void> forget(const std::vector<std::string>& learned, const std::vector<std::string>& trials);

  Result<std::map<std::string, Promotion>> promotions(std::vector<std::string>& unusable) const;  ///< by pool
  Result<void> save(const Promotion& promotion);
  /// With its entry in the ledger, both or neither.
  Result<void> save(const Promotion& promotion, activity::Entry entry);
  Result<void> drop_promotion(const std::string& pool, activity::Entry entry);

 private:
  PilotStore(db::Database& database, activity::Ledger& ledger) : database_(&database), ledger_(&ledger) {}
  Result<std::map<std::string, std::string>> pairs(std::string_view sql) const;
  Result<void> change_telling(activity::Entry entry,
                              const std::function<Result<void>(db::Transaction&)>& change);

  db::Database* database_;
  activity::Ledger* ledger_;
};

}  // namespace gpuscale::scaling
