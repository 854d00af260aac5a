// SPDX-License-Identifier: Apache-2.0
/// The one timeline from sample to node: every decision, call and effect with its inputs and its reason.
/// Rooms append; people and the API query. Entries that belong together share a correlation id.
#pragma once
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "db/database.h"

namespace gpuscale::activity {

/// A new correlation id ("c-" and 16 hex digits); an alert episode, a trigger call by hand or a repair starts
/// one.
std::string new_correlation();

struct Entry {
  std::int64_t id = 0;  ///< ascending; set by the ledger
  WallTime at;
  /// `noun.verb`: rule.firing, rule.ok, message.sent, message.failed, trigger.accepted, trigger.refused,
  /// node.launching, node.ready, node.draining, node.undrained, node.gone, node.lost, pool.desired,
  /// pool.steady, ...
  std::string kind;
  std::string pool;     ///< "" where none
  std::string subject;  ///< rule, channel, trigger or node name
  std::string correlation;
  std::string summary;     ///< one sentence for people, without secrets
  nlohmann::json details;  ///< inputs, bounds, why not; an object
};

inline constexpr std::size_t kMostKinds = 32;

struct Filter {
  std::optional<std::int64_t> after_id;  ///< set: the oldest entries after it, to follow the ledger
  std::optional<WallTime> since;
  std::string pool;         ///< "" = any
  std::string kind_prefix;  ///< "node." = all of nodes; several with commas between them, kMostKinds at most
  std::string correlation;
  std::size_t limit = 200;  ///< without after_id the newest of the matching; always returned ascending by id
};

/// Thread-safe. Keeps the newest 100,000 entries.
class Ledger {
 public:
  /// Creates its tables in `database`, which outlives it.
  static Result<std::unique_ptr<Ledger>> open(db::Database& database);

  /// Durable on return; then tells the listener.
  Result<std::int64_t> append(Entry entry);
  /// Part of the caller's transaction; the listener hears of it by the caller's publish() after the commit.
  Result<std::int64_t> append_in(db::Transaction& transaction, Entry& entry);
  void publish(const Entry& entry);

  Result<std::vector<Entry>> query(const Filter& filter) const;

  /// Called after each append on the appending thread; must be quick. Set before threads start.
  void set_listener(std::function<void(const Entry&)> listener) { listener_ = std::move(listener); }

 private:
  explicit Ledger(db::Database& database) : database_(database) {}
  db::Database& database_;
  std::function<void(const Entry&)> listener_;
};

nlohmann::json to_json(const Entry& entry);

}  // namespace gpuscale::activity
