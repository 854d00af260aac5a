// SPDX-License-Identifier: Apache-2.0
/// Private to the room: a write that is handed to the store in parts, answered as one.
#pragma once
#include <cstddef>
#include <limits>
#include <mutex>
#include <optional>
#include <utility>

#include "tsdb/store.h"

namespace gpuscale::api {

/// Gathers the outcomes of the parts, which come from whatever thread and in any order. Thread-safe.
class PartedWrite {
 public:
  /// What the whole came to, from the one call of settle() or close() after which nothing is open: the error
  /// of the earliest part that failed, else the sums and the earliest part's reason.
  using Whole = std::optional<Result<tsdb::WriteOutcome>>;

  /// A part is about to be handed over. @return false where one has failed: then no further one is worth it.
  bool begin_part() {
    const std::scoped_lock lock(mutex_);
    ++open_;
    return !failed_;
  }
  /// Once for each part that was begun; `part` is its number.
  Whole settle(std::size_t part, Result<tsdb::WriteOutcome> outcome) {
    const std::scoped_lock lock(mutex_);
    if (outcome) {
      add(part, *std::move(outcome));
    } else if (!failed_ || part < failed_->first) {
      failed_.emplace(part, outcome.error());
    }
    return end_one();
  }
  /// No further part comes.
  Whole close() {
    const std::scoped_lock lock(mutex_);
    return end_one();
  }

 private:
  void add(std::size_t part, tsdb::WriteOutcome outcome) {
    whole_.written += outcome.written;
    whole_.dropped += outcome.dropped;
    if (outcome.dropped == 0 || part >= reason_of_) return;
    reason_of_ = part;
    whole_.first_reason = std::move(outcome.first_reason);
  }
  Whole end_one() {
    if (--open_ > 0) return std::nullopt;
    if (failed_) return failed_->second;
    return std::move(whole_);
  }

  std::mutex mutex_;
  std::size_t open_ = 1;  // the last is ended by close()
  tsdb::WriteOutcome whole_;
  std::size_t reason_of_ = std::numeric_limits<std::size_t>::max();
  std::optional<std::pair<std::size_t, Error>> failed_;
};

}  // namespace gpuscale::api
