// SPDX-License-Identifier: Apache-2.0
/// What was declared through the API, as it lies in state.db: definitions with their secrets sealed, and the
/// switches (paused, off). A repository: it decides nothing. Thread-safe as the database is.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "config/definitions.h"
#include "db/database.h"

namespace gpuscale::declare {

struct StoredDefinition {
  config::Kind kind = config::Kind::kRules;
  std::string name;
  std::int64_t version = 0;
  nlohmann::json shown;                       ///< without secrets
  std::map<std::string, std::string> sealed;  ///< by JSON pointer
  std::string changed_by;
  WallTime changed_at;
};

/// true = on: a rule that is looked at, a schedule that runs.
using Switches = std::map<std::pair<config::Kind, std::string>, bool>;

class DefinitionStore {
 public:
  static Result<DefinitionStore> open(db::Database& database);

  Result<std::vector<StoredDefinition>> definitions() const;
  Result<Switches> switches() const;
  Result<bool> holds_secrets() const;

  /// Each is part of the caller's transaction.
  /// A number that no definition has had.
  static Result<std::int64_t> next_version(db::Transaction& transaction);
  static Result<void> save(db::Transaction& transaction, const StoredDefinition& definition);
  static Result<void> remove(db::Transaction& transaction, config::Kind kind, const std::string& name);
  /// nullopt = as its definition says.
  static Result<void> turn(db::Transaction& transaction, config::Kind kind, const std::string& name,
                           std::optional<bool> on);

  db::Database& database() const { return *database_; }

 private:
  explicit DefinitionStore(db::Database& database) : database_(&database) {}
  db::Database* database_;
};

}  // namespace gpuscale::declare
