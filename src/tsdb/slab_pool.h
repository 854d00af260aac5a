// SPDX-License-Identifier: Apache-2.0
/// Private to the room: large pieces of memory that go from a head that was sealed to the one that fills.
/// Fresh pages, and the old ones' way back to the kernel, were 3 % of the server's processor time (measured
/// with 64 agents); three quarters of a head's worth that are kept save most of it, and add little to the
/// peak, at which a second head is there.
#pragma once
#include <cstddef>
#include <mutex>
#include <vector>

namespace gpuscale::tsdb {

/// Thread-safe.
class SlabPool {
 public:
  static constexpr std::size_t kBytes = std::size_t{512} << 10U;  ///< of a slab

  /// @param most_bytes of slabs that are kept for the next
  explicit SlabPool(std::size_t most_bytes) : most_(most_bytes / kBytes) {}
  ~SlabPool();
  SlabPool(const SlabPool&) = delete;
  SlabPool& operator=(const SlabPool&) = delete;

  /// A slab with its pages there; what it holds is not said. Throws std::bad_alloc.
  void* take();
  /// @param slab of take()
  void give_back(void* slab);
  /// Slabs that wait for the next.
  std::size_t kept() const;

 private:
  const std::size_t most_;
  mutable std::mutex mutex_;
  std::vector<void*> kept_;
};

}  // namespace gpuscale::tsdb
