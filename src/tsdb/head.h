// SPDX-License-Identifier: Apache-2.0
/// Private to the room: the acknowledged samples that are not in blocks yet. Not thread-safe: the store
/// guards it.
#pragma once
#include <functional>
#include <string_view>
#include <unordered_map>

#include "tsdb/column_block.h"

namespace gpuscale::tsdb {

class Head {
 public:
  using SeriesBuffers = std::unordered_map<SeriesId, RowBuffer>;

  /// Adds a batch; rows whose policy or series `alive` denies are left out (dropped meanwhile). False where
  /// the batch is malformed.
  bool apply(std::string_view batch, const std::function<bool(PolicyId, SeriesId)>& alive);

  const ColumnBlock* find(PolicyId policy, SeriesId series) const;
  const std::unordered_map<PolicyId, SeriesBuffers>& policies() const { return policies_; }
  void drop_policy(PolicyId policy) { policies_.erase(policy); }
  void drop_series(SeriesId series);
  void clear();
  bool empty() const { return policies_.empty(); }
  std::size_t bytes() const { return bytes_; }

 private:
  std::unordered_map<PolicyId, SeriesBuffers> policies_;
  std::size_t bytes_ = 0;
};

}  // namespace gpuscale::tsdb
