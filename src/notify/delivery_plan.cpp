// SPDX-License-Identifier: Apache-2.0
#include "notify/delivery_plan.h"

#include <algorithm>

#include "base/back_off.h"

namespace gpuscale::notify {
namespace {

bool may_pass(int status) {
  return status == 408 || status == 425 || status == 429 || status >= 500;
}

}  // namespace

Judgement judge(const Result<Receipt>& outcome, int failures, double dice) {
  const Nanos wait = base::wait_after({kFirstWait, kLongestWait}, failures, dice);
  if (!outcome) {
    // Whatever kept the answer away, the receiver did not refuse; a URL that cannot work is refused by the
    // config.
    if (outcome.error().code() == Errc::kInvalidArgument)
      return {Fate::kDead, Nanos{0}, outcome.error().message()};
    return {Fate::kRetry, wait, outcome.error().message()};
  }
  const int status = outcome->status;
  if (status >= 200 && status < 300) return {Fate::kDelivered, Nanos{0}, ""};
  std::string reason = "the receiver answered " + std::to_string(status);
  if (!outcome->answer.empty()) reason += ": " + outcome->answer.substr(0, 200);
  if (!may_pass(status)) return {Fate::kDead, Nanos{0}, std::move(reason)};
  const Nanos asked = std::clamp(outcome->retry_after.value_or(Nanos{0}), Nanos{0}, kLongestRetryAfter);
  return {Fate::kRetry, std::max(wait, asked), std::move(reason)};
}

}  // namespace gpuscale::notify
