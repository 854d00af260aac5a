// SPDX-License-Identifier: Apache-2.0
/// A receiver that fails again and again is left alone for a while, whatever else waits for it: a hundred
/// messages must not mean a hundred time-outs. Pure.
#pragma once
#include <optional>

#include "base/result.h"
#include "base/time.h"
#include "notify/outbox.h"

namespace gpuscale::notify {

struct Breaker {
  int failures = 0;                    ///< in a row, of whatever messages
  std::optional<WallTime> open_until;  ///< then one message is tried
};

inline constexpr int kTripAfter = 5;
inline constexpr Nanos kFirstRest = std::chrono::seconds{1};
inline constexpr Nanos kLongestRest = std::chrono::seconds{30};

/// No answer, or an answer of 5xx. A refusal of this one message, or "not yet", says nothing against the
/// next.
bool is_receiver_failing(const Result<Receipt>& outcome);
/// From the kTripAfter-th failure in a row on it rests, twice as long with each, up to kLongestRest.
Breaker after_attempt(const Breaker& breaker, bool failed, WallTime now);
/// Also where the rest lies further ahead than any rest is long: the clock was set back.
bool may_send(const Breaker& breaker, WallTime now);

}  // namespace gpuscale::notify
