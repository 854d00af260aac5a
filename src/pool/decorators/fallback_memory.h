// SPDX-License-Identifier: Apache-2.0
/// What a fallback provider must still know after a crash, in state.db: where it has asked for nodes that no
/// list has shown yet, and until when the first provider is spared. Of one pool. Not thread-safe.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "db/database.h"

namespace gpuscale::pool {

class FallbackMemory {
 public:
  enum class Home { kFirst, kSecond };
  struct Spare {
    WallTime until;
    std::string why;
  };
  /// `database` outlives it.
  static Result<FallbackMemory> open(db::Database& database, std::string pool);

  Result<std::map<std::string, Home>> homes() const;  ///< by node
  /// Durable on return.
  Result<void> note(const std::string& node, Home home);
  Result<void> forget(const std::vector<std::string>& nodes);
  Result<std::optional<Spare>> spare() const;
  Result<void> set_spare(const std::optional<Spare>& spare);

 private:
  FallbackMemory(db::Database& database, std::string pool) : database_(&database), pool_(std::move(pool)) {}
  db::Database* database_;
  std::string pool_;
};

}  // namespace gpuscale::pool
