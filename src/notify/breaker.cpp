// SPDX-License-Identifier: Apache-2.0
#include "notify/breaker.h"

#include "base/back_off.h"

namespace gpuscale::notify {

bool is_receiver_failing(const Result<Receipt>& outcome) {
  if (!outcome) return outcome.error().code() != Errc::kInvalidArgument;
  return outcome->status >= 500;
}

Breaker after_attempt(const Breaker& breaker, bool failed, WallTime now) {
  if (!failed) return {};
  Breaker next{breaker.failures + 1, std::nullopt};
  constexpr double kNoSpread = 0.5;
  if (next.failures >= kTripAfter) {
    next.open_until =
        now + base::wait_after({kFirstRest, kLongestRest}, next.failures - kTripAfter, kNoSpread);
  }
  return next;
}

bool may_send(const Breaker& breaker, WallTime now) {
  return !breaker.open_until || now >= *breaker.open_until || *breaker.open_until > now + kLongestRest;
}

}  // namespace gpuscale::notify
