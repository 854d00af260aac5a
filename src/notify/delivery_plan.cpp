// SPDX-License-Identifier: Apache-2.0
#include "notify/delivery_plan.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/back_off.h"

namespace gpuscale::notify {
namespace {

constexpr std::size_t kLongestSaid = 200;

bool may_pass(int status) {
  return status == 408 || status == 425 || status == 429 || status >= 500;
}

/// What a receiver says in words: of an object of JSON its reason, which people read in the ledger.
std::string said_in(const std::string& answer) {
  const auto body = nlohmann::json::parse(answer, nullptr, false);
  if (!body.is_object()) return answer;
  for (const char* key : {"reason", "error", "message"}) {
    const auto found = body.find(key);
    if (found != body.end() && found->is_string() && !found->get_ref<const std::string&>().empty())
      return found->get<std::string>();
  }
  return answer;
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
  if (!outcome->answer.empty()) reason += ": " + said_in(outcome->answer).substr(0, kLongestSaid);
  if (!may_pass(status)) return {Fate::kDead, Nanos{0}, std::move(reason)};
  const Nanos asked = std::clamp(outcome->retry_after.value_or(Nanos{0}), Nanos{0}, kLongestRetryAfter);
  return {Fate::kRetry, std::max(wait, asked), std::move(reason)};
}

}  // namespace gpuscale::notify
