// SPDX-License-Identifier: Apache-2.0
#include "pool/decorators/hook_runner.h"

#include <algorithm>
#include <utility>

#include "base/run_program.h"

namespace gpuscale::pool {
namespace {

using Steady = std::chrono::steady_clock;

}  // namespace

HookRunner::~HookRunner() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void HookRunner::ask(HookCall call) {
  {
    const std::scoped_lock lock(mutex_);
    waiting_.push_back({std::move(call), Steady::now() + limit_});
    if (idle_ < waiting_.size() && threads_.size() < kMostAtOnce) threads_.emplace_back([this] { work(); });
  }
  wake_.notify_one();
}

bool HookRunner::busy(const std::string& node) const {
  const std::scoped_lock lock(mutex_);
  return running_.contains(node) || std::any_of(waiting_.begin(), waiting_.end(), [&](const Asked& asked) {
           return asked.call.node == node && Steady::now() < asked.deadline;
         });
}

std::deque<HookRunner::Asked>::iterator HookRunner::next() {
  return std::find_if(waiting_.begin(), waiting_.end(),
                      [this](const Asked& asked) { return !running_.contains(asked.call.node); });
}

void HookRunner::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    wake_.wait(lock, [this] { return stopping_ || next() != waiting_.end(); });
    --idle_;
    if (stopping_) return;
    const auto found = next();
    const Asked asked = std::move(*found);
    waiting_.erase(found);
    running_.insert(asked.call.node);
    lock.unlock();
    const std::string fault = run(asked);
    if (!stopping_) told_(asked.call, fault);
    lock.lock();
    running_.erase(asked.call.node);
    // The node's next hook may have waited for this one.
    wake_.notify_all();
  }
}

std::string HookRunner::run(const Asked& asked) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(asked.deadline - Steady::now());
  if (left <= std::chrono::milliseconds{0}) return "passed over: too many hooks hang before it";
  const auto end = base::run_program({.arguments = asked.call.command,
                                      .environment = asked.call.environment,
                                      .input = {},
                                      .timeout = left,
                                      .stop = &stopping_});
  if (!end) return end.error().message();
  if (end->status == 0) return {};
  return "exit code " + std::to_string(end->status) + (end->errors.empty() ? "" : ": " + end->errors);
}

}  // namespace gpuscale::pool
