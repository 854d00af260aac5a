// SPDX-License-Identifier: Apache-2.0
/// Private to the room: the acknowledged samples that are in no segment yet. Not thread-safe: the store
/// guards it.
#pragma once
#include <functional>
#include <map>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tsdb/batch.h"
#include "tsdb/changes.h"
#include "tsdb/segment.h"
#include "tsdb/series_buffers.h"

namespace gpuscale::tsdb {

class Head {
 public:
  /// @param slabs for the memory of its rows, outlives it; null: it is from the heap
  explicit Head(SlabPool* slabs = nullptr) : arena_(slabs) {}

  /// Adds a batch. Rows of which `owner` knows no measurement are left out (dropped meanwhile), and so is a
  /// batch of a policy that `alive` denies. What is added is noted in `changes`. False where the batch is
  /// malformed.
  bool apply(std::string_view batch, const std::function<bool(PolicyId)>& alive,
             const std::function<MeasurementId(SeriesId)>& owner, Changes& changes);

  const RowBuffer* find(PolicyId policy, SeriesId series) const;
  const std::unordered_map<PolicyId, SeriesBuffers>& policies() const { return policies_; }
  void drop_policy(PolicyId policy) { policies_.erase(policy); }
  void drop_series(SeriesId series);
  bool empty() const { return policies_.empty(); }
  /// The greatest number where the policy has nothing here.
  std::int64_t oldest(PolicyId policy) const;
  /// Of all rows that were added, also of series dropped since.
  RowSpread spread(const SegmentOwner& owner) const;
  std::size_t bytes() const { return bytes_; }

 private:
  RowArena arena_;  ///< of the rows of all policies, which go before it
  std::unordered_map<PolicyId, SeriesBuffers> policies_;
  std::map<SegmentOwner, RowSpread> spreads_;
  std::size_t bytes_ = 0;
  // Of the batch being applied; kept for their room.
  BatchReader reader_;
  std::vector<RowBuffer*> unsettled_;
};

/// The head as segments, one for each measurement and policy. Pure.
std::vector<NewSegment> seal(const Head& head, std::int64_t generation);

}  // namespace gpuscale::tsdb
