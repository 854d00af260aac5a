// SPDX-License-Identifier: Apache-2.0
#include "tsdb/slab_pool.h"

#include <sys/mman.h>

#include <new>

namespace gpuscale::tsdb {

SlabPool::~SlabPool() {
  for (void* const slab : kept_) ::munmap(slab, kBytes);
}

void* SlabPool::take() {
  {
    const std::scoped_lock lock(mutex_);
    if (!kept_.empty()) {
      void* const slab = kept_.back();
      kept_.pop_back();
      return slab;
    }
  }
  // All its pages in one call.
  void* const slab =
      ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (slab == MAP_FAILED) throw std::bad_alloc();
  return slab;
}

void SlabPool::give_back(void* slab) {
  {
    const std::scoped_lock lock(mutex_);
    if (kept_.size() < most_) {
      kept_.push_back(slab);
      return;
    }
  }
  ::munmap(slab, kBytes);
}

std::size_t SlabPool::kept() const {
  const std::scoped_lock lock(mutex_);
  return kept_.size();
}

}  // namespace gpuscale::tsdb
