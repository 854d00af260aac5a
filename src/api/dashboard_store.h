// SPDX-License-Identifier: Apache-2.0
/// The dashboards that people have made, in state.db, each with a version against two editors; every change
/// is in the ledger as `config.changed`. Start at DashboardStore::open(). Thread-safe.
#pragma once
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "activity/ledger.h"
#include "base/result.h"
#include "base/time.h"
#include "db/database.h"

namespace gpuscale::api {

struct Dashboard {
  std::string name;
  std::int64_t version = 0;  ///< grows with each change of any; never used twice
  nlohmann::json definition;
  std::string changed_by;
  WallTime changed_at;
};

/// One to be made (version 0) or changed (version = the one that was read).
struct DashboardWish {
  std::string name;
  nlohmann::json definition;
  std::int64_t version = 0;
  std::string who;
  bool dry_run = false;  ///< checks everything and changes nothing
};

struct DashboardOutcome {
  enum class Verdict {
    kCreated,
    kChanged,
    kDeleted,
    kChecked,   ///< a dry run that would have gone well
    kConflict,  ///< somebody else saved; `dashboard` is the present one
  };
  Verdict verdict = Verdict::kChecked;
  Dashboard dashboard;
};

class DashboardStore {
 public:
  static constexpr std::int64_t kMost = 500;

  /// Creates its tables in `database`, which outlives it, as do `ledger` and `clock`. Errors: the database's.
  static Result<std::unique_ptr<DashboardStore>> open(db::Database& database, activity::Ledger& ledger,
                                                      const Clock& clock);

  Result<std::vector<Dashboard>> list() const;  ///< by name
  /// Errors: kNotFound.
  Result<Dashboard> find(const std::string& name) const;
  /// Errors: kInvalidArgument (dashboard_shape.h), kNotFound (a version of what is no more), kExhausted.
  Result<DashboardOutcome> put(const DashboardWish& wish);
  /// Errors: kNotFound.
  Result<DashboardOutcome> remove(const std::string& name, std::int64_t version, const std::string& who);

 private:
  DashboardStore(db::Database& database, activity::Ledger& ledger, const Clock& clock)
      : database_(database), ledger_(ledger), clock_(clock) {}
  activity::Entry entry_about(const std::string& name, const std::string& verb, const std::string& who) const;

  db::Database& database_;
  activity::Ledger& ledger_;
  const Clock& clock_;
};

}  // namespace gpuscale::api
