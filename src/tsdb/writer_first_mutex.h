// SPDX-License-Identifier: Apache-2.0
/// A shared mutex whose waiting writer goes before readers that come after it. std::shared_mutex lets glibc
/// prefer readers: two busy dashboards then keep the commit thread out for ever (measured: a write that did
/// not end in minutes). For std::shared_lock, std::unique_lock and std::scoped_lock.
///
/// Never take it shared twice in one thread: a writer that comes between the two waits for the first, and
/// the second for the writer.
#pragma once
#include <pthread.h>

#include <cstdlib>

namespace gpuscale::tsdb {

class WriterFirstMutex {
 public:
  WriterFirstMutex() {
    pthread_rwlockattr_t attributes;
    require(pthread_rwlockattr_init(&attributes));
    require(pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP));
    require(pthread_rwlock_init(&lock_, &attributes));
    pthread_rwlockattr_destroy(&attributes);
  }
  ~WriterFirstMutex() { pthread_rwlock_destroy(&lock_); }
  WriterFirstMutex(const WriterFirstMutex&) = delete;
  WriterFirstMutex& operator=(const WriterFirstMutex&) = delete;

  void lock() { require(pthread_rwlock_wrlock(&lock_)); }
  bool try_lock() { return pthread_rwlock_trywrlock(&lock_) == 0; }
  void unlock() { pthread_rwlock_unlock(&lock_); }
  void lock_shared() { require(pthread_rwlock_rdlock(&lock_)); }
  bool try_lock_shared() { return pthread_rwlock_tryrdlock(&lock_) == 0; }
  void unlock_shared() { pthread_rwlock_unlock(&lock_); }

 private:
  /// A failure here is a broken program (a deadlock the library saw, a lock overwritten).
  static void require(int code) {
    if (code != 0) std::abort();
  }

  pthread_rwlock_t lock_;
};

}  // namespace gpuscale::tsdb
