// SPDX-License-Identifier: Apache-2.0
/// Rules that ask the same at the same moment share one answer. Thread-safe: the first asks, the others wait
/// for it.
#pragma once
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "alert/evaluate.h"

namespace gpuscale::alert {

class AnswerCache {
 public:
  using AnswerPtr = std::shared_ptr<const Answer>;

  /// The answer to `key` at `moment`; `ask` is called by at most one at a time for the same key and moment.
  AnswerPtr get(const std::string& key, WallTime moment, const std::function<Answer()>& ask);

 private:
  struct Slot {
    WallTime moment;
    AnswerPtr answer;  ///< null while it is asked for
  };
  /// Forgets what nobody can ask for any more.
  void sweep(WallTime moment);

  /// An answer serves one moment; a few are alive while threads overlap.
  static constexpr Nanos kLife = std::chrono::seconds{2};
  std::mutex mutex_;
  std::condition_variable answered_;
  std::unordered_map<std::string, std::shared_ptr<Slot>> slots_;
  WallTime swept_{};
};

}  // namespace gpuscale::alert
