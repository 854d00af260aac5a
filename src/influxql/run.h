// SPDX-License-Identifier: Apache-2.0
/// Private to the room: what the parts of one running statement share: the store, the caller's limits, and
/// the memory that values borrow from.
#pragma once
#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "influxql/answer_cache.h"
#include "influxql/engine.h"
#include "influxql/running.h"
#include "influxql/users.h"

namespace gpuscale::influxql {

class Run {
 public:
  /// @param users null where there are none.
  Run(tsdb::Store& store, Users* users, AnswerCache& answers, RunningQueries& running,
      const RunningQueries::Ticket& ticket, const QueryContext& context)
      : store_(store),
        users_(users),
        answers_(answers),
        running_(running),
        ticket_(ticket),
        context_(context),
        deadline_(std::chrono::steady_clock::now() + context.limits.timeout) {}

  tsdb::Store& store() const { return store_; }
  Users* users() const { return users_; }
  AnswerCache& answers() const { return answers_; }
  RunningQueries& running() const { return running_; }
  std::size_t points() const { return points_; }  ///< samples read so far
  const QueryContext& context() const { return context_; }
  const QueryLimits& limits() const { return context_.limits; }

  /// Counts samples read. Errors: kExhausted, kTimeout, kUnavailable when cancelled.
  Result<void> count_points(std::size_t points) {
    points_ += points;
    if (limits().max_points > 0 && points_ > limits().max_points) {
      return fail(Errc::kExhausted, "max-select-point limit exceeded: (" + std::to_string(points_) + "/" +
                                        std::to_string(limits().max_points) + ")");
    }
    // Series with a few samples each are not worth a look at the clock each.
    constexpr std::size_t kPoints = 1'024;
    constexpr std::size_t kSeries = 64;
    if (counts_++ % kSeries != 0 && points_ - checked_points_ < kPoints) return {};
    checked_points_ = points_;
    return check();
  }
  Result<void> count_series(std::size_t series) {
    series_ += series;
    if (limits().max_series > 0 && series_ > limits().max_series) {
      return fail(Errc::kExhausted, "max-select-series limit exceeded: (" + std::to_string(series_) + "/" +
                                        std::to_string(limits().max_series) + ")");
    }
    return {};
  }
  /// Counts values kept in memory. Errors: kExhausted.
  Result<void> hold(std::size_t values) {
    held_ += values;
    if (limits().max_values == 0 || held_ <= limits().max_values) return {};
    return fail(Errc::kExhausted, "more than " + std::to_string(limits().max_values) +
                                      " values at once: narrow the range of time or widen GROUP BY time");
  }
  bool holds_too_much() const { return limits().max_values > 0 && held_ > limits().max_values; }
  /// As many are held no longer.
  void let_go(std::size_t values) { held_ -= std::min(values, held_); }
  /// Whether to go on.
  Result<void> check() const {
    if (ticket_.killed() || (context_.cancelled && context_.cancelled()))
      return fail(Errc::kUnavailable, "query interrupted");
    if (limits().timeout.count() > 0 && std::chrono::steady_clock::now() > deadline_) {
      return fail(Errc::kTimeout, "query-timeout limit exceeded");
    }
    return {};
  }

  /// Something to say beside the answer; said once.
  void note(std::string text) {
    if (std::find(notes_.begin(), notes_.end(), text) == notes_.end()) notes_.push_back(std::move(text));
  }
  const std::vector<std::string>& notes() const { return notes_; }

  /// Keeps a column alive until the statement ends.
  const tsdb::Column& keep(tsdb::Column column) { return columns_.emplace_back(std::move(column)); }
  void keep(std::shared_ptr<const void> owner) { owners_.push_back(std::move(owner)); }
  std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

 private:
  tsdb::Store& store_;
  Users* users_;
  AnswerCache& answers_;
  RunningQueries& running_;
  const RunningQueries::Ticket& ticket_;
  const QueryContext& context_;
  std::chrono::steady_clock::time_point deadline_;
  std::size_t points_ = 0;
  std::size_t checked_points_ = 0;  // of them, when it was last looked whether to go on
  std::size_t counts_ = 0;
  std::size_t series_ = 0;
  std::size_t held_ = 0;
  std::vector<std::string> notes_;
  std::deque<tsdb::Column> columns_;
  std::deque<std::string> texts_;
  std::vector<std::shared_ptr<const void>> owners_;
};

}  // namespace gpuscale::influxql
