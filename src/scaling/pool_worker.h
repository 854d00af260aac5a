// SPDX-License-Identifier: Apache-2.0
/// One pool's shell with a thread of its own, so that a provider that hangs delays no other pool.
/// Thread-safe.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "scaling/pool_shell.h"

namespace gpuscale::scaling {

class PoolWorker {
 public:
  explicit PoolWorker(std::unique_ptr<PoolShell> shell)
      : shell_(std::move(shell)), provider_(shell_->spec().provider) {}
  ~PoolWorker() { join(); }
  PoolWorker(const PoolWorker&) = delete;
  PoolWorker& operator=(const PoolWorker&) = delete;

  bool has_provider(const pool::ProviderSpec& spec) const { return provider_ == spec; }
  /// Holds from the next pass on; never waits for the one that runs.
  void set_spec(pool::PoolSpec spec) {
    const std::scoped_lock lock(spec_mutex_);
    next_spec_ = std::move(spec);
  }
  /// One pass; waits for one that runs. Does nothing once retired.
  PoolSight pass(WallTime now, bool closing) {
    const std::scoped_lock lock(pass_mutex_);
    if (retired_) return {};
    {
      const std::scoped_lock spec_lock(spec_mutex_);
      if (next_spec_) shell_->set_spec(*std::exchange(next_spec_, std::nullopt));
    }
    shell_->pass(now, closing);
    return shell_->sight();
  }
  /// Another worker has the pool now.
  void retire() { retired_ = true; }
  bool retired() const { return retired_; }

  void start(std::function<void()> body) {
    if (!thread_.joinable()) thread_ = std::thread(std::move(body));
  }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::mutex pass_mutex_;
  std::unique_ptr<PoolShell> shell_;
  const pool::ProviderSpec provider_;
  std::mutex spec_mutex_;
  std::optional<pool::PoolSpec> next_spec_;
  std::atomic<bool> retired_{false};
  std::thread thread_;  ///< started and joined under the controller's thread_mutex_
};

}  // namespace gpuscale::scaling
