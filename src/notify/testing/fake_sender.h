// SPDX-License-Identifier: Apache-2.0
/// A sender whose receiver answers as a test says. Thread-safe.
#pragma once
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

#include "notify/outbox.h"

namespace gpuscale::notify::testing {

class FakeSender final : public Sender {
 public:
  struct Sent {
    ChannelSpec channel;
    Message message;
  };

  /// Answers come in this order, then 200 for ever.
  void answer_next(Result<Receipt> answer) {
    const std::scoped_lock lock(mutex_);
    answers_.push_back(std::move(answer));
  }
  /// A receiver of this channel that does not answer until release().
  void hang(std::string channel) {
    const std::scoped_lock lock(mutex_);
    hanging_ = std::move(channel);
  }
  void release() {
    const std::scoped_lock lock(mutex_);
    hanging_.clear();
    changed_.notify_all();
  }
  std::vector<Sent> sent() const {
    const std::scoped_lock lock(mutex_);
    return sent_;
  }
  /// Whether `count` messages have arrived within `patience`.
  bool wait_for(std::size_t count, std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return sent_.size() >= count; });
  }

  Result<Receipt> send(const ChannelSpec& channel, const Message& message) override {
    std::unique_lock lock(mutex_);
    sent_.push_back({channel, message});
    changed_.notify_all();
    changed_.wait(lock, [&] { return hanging_ != channel.name || stopped_; });
    if (stopped_) return fail(Errc::kUnavailable, "the server stops");
    if (answers_.empty()) return Receipt{200, "{}", std::nullopt};
    Result<Receipt> answer = std::move(answers_.front());
    answers_.pop_front();
    return answer;
  }
  void stop() override {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Result<Receipt>> answers_;
  std::vector<Sent> sent_;
  std::string hanging_;
  bool stopped_ = false;
};

}  // namespace gpuscale::notify::testing
