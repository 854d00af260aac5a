// SPDX-License-Identifier: Apache-2.0
/// Rules that ask the same at the same moment share one answer. Thread-safe: the first asks, the others wait
/// for it.
#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "alert/evaluate.h"

namespace gpuscale::alert {

class AnswerCache {
 public:
  using AnswerPtr = std::shared_ptr<const Answer>;

  using SteadyTime = std::chrono::steady_clock::time_point;

  /// The answer to `key` at `moment`; `ask` is called by at most one at a time for the same key and moment.
  /// Who only waits for another's question waits no longer than until `patience` has passed since it was
  /// asked, and gets null then, also where it was asked for an earlier moment; without it, until there is an
  /// answer.
  AnswerPtr get(const std::string& key, WallTime moment, const std::function<Answer()>& ask,
                std::optional<Nanos> patience = std::nullopt);

 private:
  struct Slot {
    WallTime moment;
    SteadyTime asked;  ///< real time: others really wait
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
