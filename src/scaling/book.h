// SPDX-License-Identifier: Apache-2.0
/// The controller's memory: pools and nodes, the same in RAM and in state.db. Every change goes through
/// change(): one transaction with its ledger entries, then RAM, then the listeners; a change that cannot be
/// written has not happened. Thread-safe; reads never touch the disk.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "activity/ledger.h"
#include "base/result.h"
#include "db/database.h"
#include "scaling/node_record.h"
#include "scaling/state_store.h"

namespace gpuscale::scaling {

/// One pool as it stood at one moment.
struct PoolPage {
  PoolRecord record;
  std::uint64_t revision = 0;  ///< grows with each command (trigger, size, release, protect), not with passes
  std::vector<NodeRecord> nodes;  ///< not gone, by age
};

class Book;

/// A change being prepared; lives inside Book::change().
class Draft {
 public:
  /// Copies to be altered; null where there is no such thing. Valid until the change ends.
  PoolRecord* pool(const std::string& name);
  NodeRecord* node(const std::string& id);
  NodeRecord& add_node(NodeRecord record);
  PoolRecord& add_pool(PoolRecord record);
  pool::PoolCounts counts(const std::string& pool) const;  ///< before this change

  int desired(const std::string& pool) const;  ///< before this change; 0 where there is no such pool
  std::uint64_t revision(const std::string& pool) const;
  /// Steps planned on an older revision are then dropped (they are planned anew on the next pass).
  void raise_revision(const std::string& pool) { raised_.insert(pool); }

  void tell(activity::Entry entry) { entries_.push_back(std::move(entry)); }
  db::Transaction& transaction() { return transaction_; }
  const StateStore& store() const;

 private:
  friend class Book;
  Draft(Book& book, db::Transaction& transaction) : book_(book), transaction_(transaction) {}

  Book& book_;
  db::Transaction& transaction_;
  std::map<std::string, PoolRecord> pools_;
  std::map<std::string, NodeRecord> nodes_;
  std::set<std::string> raised_;
  std::vector<activity::Entry> entries_;
};

class Book {
 public:
  /// Reads what the last process left. `database` and `ledger` outlive the book.
  static Result<std::unique_ptr<Book>> open(db::Database& database, activity::Ledger& ledger);

  std::optional<PoolPage> page(const std::string& pool) const;
  std::vector<std::string> pools() const;
  /// The pool of a live node.
  std::optional<std::string> pool_of(const std::string& node) const;

  Result<void> change(const std::function<Result<void>(Draft&)>& work);

  /// Which of these ids are known and gone. Reads the disk.
  Result<std::set<std::string>> gone_among(const std::vector<std::string>& ids) const;
  /// Whether any node, living or gone, has this id. Reads the disk.
  Result<bool> knows(const std::string& id) const;
  Result<std::map<std::string, SecretHash>> secrets() const;

 private:
  friend class Draft;
  Book(db::Database& database, activity::Ledger& ledger, StateStore store)
      : database_(database), ledger_(ledger), store_(std::move(store)) {}
  Result<std::vector<activity::Entry>> change_locked(const std::function<Result<void>(Draft&)>& work);

  db::Database& database_;
  activity::Ledger& ledger_;
  StateStore store_;
  mutable std::mutex mutex_;
  std::map<std::string, PoolRecord> pools_;
  std::map<std::string, std::uint64_t> revisions_;
  std::map<std::string, NodeRecord> nodes_;
};

}  // namespace gpuscale::scaling
