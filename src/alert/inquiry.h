// SPDX-License-Identifier: Apache-2.0
/// Private to the room: a look whose questions to other sources are on their way. No thread waits for them:
/// the engine goes on with the rule once all are answered.
#pragma once
#include <memory>
#include <mutex>
#include <vector>

#include "alert/answer_cache.h"
#include "alert/live_rule.h"

namespace gpuscale::alert {

struct Inquiry {
  std::shared_ptr<LiveRule> rule;
  WallTime now;  ///< of the look
  // Guarded by the engine's mutex until `left` is 0:
  std::vector<AnswerCache::AnswerPtr>
      answers;  ///< by LiveRule::reductions(); null = of the server's own store
  std::size_t left = 0;
};

class LiveEngine;

/// Where answers arrive: they may come when the engine is no more. Thread-safe.
class Letterbox {
 public:
  explicit Letterbox(LiveEngine& engine) : engine_(&engine) {}
  void deliver(const std::shared_ptr<Inquiry>& inquiry, std::size_t which, AnswerCache::AnswerPtr answer);
  void close();  ///< once it returns no more is delivered

 private:
  std::mutex mutex_;
  LiveEngine* engine_;
};

}  // namespace gpuscale::alert
