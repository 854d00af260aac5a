// SPDX-License-Identifier: Apache-2.0
/// Private to the room: memory for the rows of a head, which come one by one and go all at once.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "tsdb/slab_pool.h"

namespace gpuscale::tsdb {

/// Gives out words and takes none back; all of them go with it. Not thread-safe.
class RowArena {
 public:
  /// @param slabs outlives it; null: every slab is from the heap
  explicit RowArena(SlabPool* slabs) : pool_(slabs) {}
  RowArena(const RowArena&) = delete;
  RowArena& operator=(const RowArena&) = delete;
  ~RowArena() {
    for (void* const slab : slabs_) pool_->give_back(slab);
  }

  /// What they hold is not said. Throws std::bad_alloc.
  std::uint64_t* take(std::size_t words) {
    if (words > left_) begin_slab(words);
    std::uint64_t* const taken = next_;
    next_ += words;
    left_ -= words;
    return taken;
  }

 private:
  void begin_slab(std::size_t words);

  SlabPool* const pool_;
  std::vector<void*> slabs_;
  std::vector<std::unique_ptr<std::uint64_t[]>> odd_;  ///< of other sizes
  std::size_t taken_ = 0;                              ///< words of all slabs
  std::uint64_t* next_ = nullptr;
  std::size_t left_ = 0;  ///< words behind next_
};

}  // namespace gpuscale::tsdb
