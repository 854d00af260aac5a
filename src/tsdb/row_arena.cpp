// SPDX-License-Identifier: Apache-2.0
#include "tsdb/row_arena.h"

#include <algorithm>

namespace gpuscale::tsdb {
namespace {

constexpr std::size_t kSlabWords = SlabPool::kBytes / sizeof(std::uint64_t);
/// Slabs grow with what was taken, so that a head of some series stays small.
constexpr std::size_t kLeastWords = 2'048;

}  // namespace

void RowArena::begin_slab(std::size_t words) {
  const std::size_t wanted = std::clamp(taken_, kLeastWords, kSlabWords);
  if (pool_ != nullptr && wanted == kSlabWords && words <= kSlabWords) {
    slabs_.reserve(slabs_.size() + 1);
    slabs_.push_back(pool_->take());
    next_ = static_cast<std::uint64_t*>(slabs_.back());
    left_ = kSlabWords;
  } else {
    left_ = std::max(wanted, words);
    next_ = odd_.emplace_back(std::make_unique_for_overwrite<std::uint64_t[]>(left_)).get();
  }
  taken_ += left_;
}

}  // namespace gpuscale::tsdb
