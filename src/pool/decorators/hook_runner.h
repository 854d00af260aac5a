// SPDX-License-Identifier: Apache-2.0
/// Runs the user's hooks beside everything else: a few at a time, those of one node one after another, none
/// longer than its limit. Thread-safe.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace gpuscale::pool {

struct HookCall {
  std::string node;
  std::string hook;                  ///< "drain", "undrain", "end"
  std::vector<std::string> command;  ///< the first is the program's absolute path
  std::vector<std::string> environment;
};

class HookRunner {
 public:
  static constexpr std::size_t kMostAtOnce = 8;
  /// Told how a call ended, on a thread of the runner: "" = well.
  using Told = std::function<void(const HookCall& call, const std::string& fault)>;

  /// @param limit from the asking on: one that could not begin in time is passed over
  HookRunner(std::chrono::milliseconds limit, Told told) : limit_(limit), told_(std::move(told)) {}
  ~HookRunner();  ///< kills those that run
  HookRunner(const HookRunner&) = delete;
  HookRunner& operator=(const HookRunner&) = delete;

  void ask(HookCall call);
  /// Whether a hook of the node waits or runs; never for longer than the limit.
  bool busy(const std::string& node) const;

 private:
  struct Asked {
    HookCall call;
    std::chrono::steady_clock::time_point deadline;
  };
  void work();
  /// The first whose node has none that runs; end() where there is none.
  std::deque<Asked>::iterator next();
  std::string run(const Asked& asked);

  const std::chrono::milliseconds limit_;
  const Told told_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Asked> waiting_;
  std::set<std::string> running_;  ///< nodes
  std::size_t idle_ = 0;           ///< threads
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> threads_;
};

}  // namespace gpuscale::pool
