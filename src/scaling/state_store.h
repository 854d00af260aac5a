// SPDX-License-Identifier: Apache-2.0
/// Pools, nodes, trigger secrets and idempotency keys in state.db. A repository: it decides nothing. Every
/// call works inside the transaction of its caller, so that a change and its ledger entry last together or
/// not at all.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "db/database.h"
#include "scaling/node_record.h"
#include "scaling/trigger.h"

namespace gpuscale::scaling {

/// A trigger's secret at rest: HMAC-SHA256 under a salt of its own. The secrets we make have 192 random bits,
/// so that a slow hash would add nothing (base/digest.h).
struct SecretHash {
  std::string salt;
  std::string hash;
  std::string digest;  ///< sha256_hex(secret), the key of signed calls; empty in rows older than those

  static SecretHash of(const Secret& secret);
  bool matches(const std::string& secret) const;  ///< constant time in the secret
};

constexpr std::size_t kMaxIdempotencyKeys = 10'000;
constexpr Nanos kIdempotencyLife = std::chrono::hours{24};
constexpr std::size_t kMaxGoneNodes = 10'000;  ///< history kept per pool

class StateStore {
 public:
  /// Brings the tables up to date. `database` outlives the store.
  static Result<StateStore> open(db::Database& database);

  Result<std::vector<PoolRecord>> pools(db::Transaction& tx) const;
  Result<void> save_pool(db::Transaction& tx, const PoolRecord& pool) const;

  /// All nodes that are not gone, by age.
  Result<std::vector<NodeRecord>> nodes(db::Transaction& tx) const;
  Result<void> save_node(db::Transaction& tx, const NodeRecord& record) const;
  /// The state in which this id is known, gone ones included.
  Result<std::optional<pool::NodeState>> state_of(db::Transaction& tx, const std::string& id) const;
  /// Drops the oldest gone nodes of the pool beyond kMaxGoneNodes.
  Result<void> trim_gone(db::Transaction& tx, const std::string& pool) const;

  Result<std::map<std::string, SecretHash>> secrets(db::Transaction& tx) const;
  Result<void> save_secret(db::Transaction& tx, const std::string& trigger, const SecretHash& hash) const;
  Result<void> remove_secret(db::Transaction& tx, const std::string& trigger) const;

  /// The outcome first given under this key within `life`, at most kIdempotencyLife.
  Result<std::optional<TriggerOutcome>> recall(db::Transaction& tx, const std::string& trigger,
                                               const std::string& key, WallTime now,
                                               Nanos life = kIdempotencyLife) const;
  /// Remembers it, and forgets keys that are too old or beyond kMaxIdempotencyKeys.
  Result<void> remember(db::Transaction& tx, const std::string& trigger, const std::string& key,
                        const TriggerOutcome& outcome, WallTime now) const;

 private:
  StateStore() = default;
};

}  // namespace gpuscale::scaling
