// SPDX-License-Identifier: Apache-2.0
/// The errands of triggers in state.db. A repository: it decides nothing, and works inside the transaction of
/// its caller.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "db/database.h"
#include "scaling/errand.h"

namespace gpuscale::scaling {

/// Of those that have ended; older ones are forgotten.
constexpr std::size_t kMaxEndedErrands = 10'000;

class ErrandStore {
 public:
  /// Brings the table up to date.
  static Result<ErrandStore> open(db::Database& database);

  /// Writes it down and sets its id.
  Result<void> add(db::Transaction& tx, Errand& errand) const;
  /// State, times and result of one that is known; trims those that have ended.
  Result<void> save(db::Transaction& tx, const Errand& errand) const;
  Result<std::optional<Errand>> find(db::Transaction& tx, std::int64_t id) const;
  /// The oldest of this trigger in this state.
  Result<std::optional<Errand>> first(db::Transaction& tx, const std::string& trigger,
                                      ErrandState state) const;
  /// In this state, of any trigger, by age.
  Result<std::vector<Errand>> all(db::Transaction& tx, ErrandState state) const;
  /// Newest first.
  Result<std::vector<Errand>> newest(db::Transaction& tx, const std::string& trigger, std::size_t most) const;

 private:
  ErrandStore() = default;
};

}  // namespace gpuscale::scaling
