// SPDX-License-Identifier: Apache-2.0
/// Private to the room: the statements that run now, for SHOW QUERIES, KILL QUERY and the limit of how many
/// may run at once. Thread-safe.
#pragma once
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"

namespace gpuscale::influxql {

class RunningQueries {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  struct Query {
    std::int64_t id;
    std::string text;
    std::string database;
    Instant begun;
    std::shared_ptr<std::atomic<bool>> killed;
  };
  /// One statement while it runs; leaves the list with its life.
  class Ticket {
   public:
    Ticket(RunningQueries& owner, Query query) : owner_(&owner), query_(std::move(query)) {}
    Ticket(Ticket&& other) noexcept : owner_(other.owner_), query_(std::move(other.query_)) {
      other.owner_ = nullptr;
    }
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket() {
      if (owner_ != nullptr) owner_->leave(query_.id);
    }
    bool killed() const { return query_.killed->load(std::memory_order_relaxed); }

   private:
    RunningQueries* owner_;
    Query query_;
  };

  /// @param most 0 = any number. Errors: kExhausted in InfluxDB's words.
  Result<Ticket> enter(std::string text, std::string database, std::size_t most) {
    const std::scoped_lock lock(mutex_);
    if (most > 0 && queries_.size() >= most) {
      return fail(Errc::kExhausted, "max-concurrent-queries limit exceeded(" +
                                        std::to_string(queries_.size() + 1) + ", " + std::to_string(most) +
                                        ")");
    }
    Query query{++last_id_, std::move(text), std::move(database), std::chrono::steady_clock::now(),
                std::make_shared<std::atomic<bool>>(false)};
    queries_[query.id] = query;
    return Ticket(*this, std::move(query));
  }
  Instant since() const { return since_; }  ///< begin of the server, as near as its engine knows
  std::vector<Query> all() const {
    const std::scoped_lock lock(mutex_);
    std::vector<Query> out;
    for (const auto& [id, query] : queries_) out.push_back(query);
    return out;
  }
  /// Errors: kNotFound in InfluxDB's words.
  Result<void> kill(std::int64_t id) {
    const std::scoped_lock lock(mutex_);
    const auto found = queries_.find(id);
    if (found == queries_.end()) return fail(Errc::kNotFound, "no such query id: " + std::to_string(id));
    found->second.killed->store(true);
    return {};
  }

 private:
  void leave(std::int64_t id) {
    const std::scoped_lock lock(mutex_);
    queries_.erase(id);
  }

  const Instant since_ = std::chrono::steady_clock::now();
  mutable std::mutex mutex_;
  std::map<std::int64_t, Query> queries_;
  std::int64_t last_id_ = 0;
};

}  // namespace gpuscale::influxql
