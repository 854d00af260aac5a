// SPDX-License-Identifier: Apache-2.0
/// What a receiver's answer, or its silence, means for a message. Pure.
#pragma once
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "notify/outbox.h"

namespace gpuscale::notify {

enum class Fate { kDelivered, kRetry, kDead };

struct Judgement {
  Fate fate = Fate::kRetry;
  Nanos wait{0};       ///< until the next attempt, of a kRetry
  std::string reason;  ///< of what is not delivered
};

inline constexpr Nanos kFirstWait = std::chrono::milliseconds{200};
inline constexpr Nanos kLongestWait = std::chrono::seconds{30};
/// A receiver may ask for patience, but not for silence.
inline constexpr Nanos kLongestRetryAfter = std::chrono::minutes{10};

/// 2xx is delivered. No answer, 408, 425, 429 and 5xx are tried again after kFirstWait doubled with each of
/// `failures` up to kLongestWait, spread by +-20 % as `dice` (0..1) falls, and no sooner than Retry-After
/// says. All else (a redirect, 401, 404 ...) would be the same the next time: dead.
Judgement judge(const Result<Receipt>& outcome, int failures, double dice);

}  // namespace gpuscale::notify
