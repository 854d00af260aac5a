// SPDX-License-Identifier: Apache-2.0
/// The threads that run handlers, and the bounded queue before them. Thread-safe.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace gpuscale::http {

class HandlerPool {
 public:
  HandlerPool(int threads, std::size_t max_queued) : max_queued_(max_queued) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
  }
  ~HandlerPool() { stop(); }
  HandlerPool(const HandlerPool&) = delete;
  HandlerPool& operator=(const HandlerPool&) = delete;

  /// False, and nothing queued, where the queue is full or the pool has stopped.
  bool post(std::function<void()> task) {
    {
      const std::scoped_lock lock(mutex_);
      if (stopping_ || tasks_.size() >= max_queued_) return false;
      tasks_.push_back(std::move(task));
    }
    arrived_.notify_one();
    return true;
  }

  /// Lets what runs end, forgets what is queued, and ends the threads. Idempotent.
  void stop() {
    std::deque<std::function<void()>> forgotten;  // ends outside of the lock
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
      forgotten.swap(tasks_);
    }
    arrived_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      arrived_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      lock.lock();
    }
  }

  const std::size_t max_queued_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::function<void()>> tasks_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace gpuscale::http
