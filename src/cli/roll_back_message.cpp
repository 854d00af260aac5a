// SPDX-License-Identifier: Apache-2.0
#include "cli/roll_back_message.h"

#include "base/name_list.h"
#include "notify/from_alert.h"

namespace gpuscale::cli {

Result<void> tell_roll_back(notify::Outbox& outbox, const scaling::Promotion& promotion, WallTime now) {
  notify::Message message;
  message.key = "promotion/" + promotion.pool;
  message.idempotency = promotion.correlation + "-rolled-back";
  message.correlation = promotion.correlation;
  message.at = now;
  message.starts_at = promotion.at;
  message.state = "firing";
  message.rule = "policy " + promotion.policy;
  message.title = "Policy " + promotion.policy + " of pool " + promotion.pool + " was rolled back";
  message.text = promotion.reason + "; heard again: " + base::known_names(promotion.before);
  message.values = nlohmann::json::array();
  message.pool = promotion.pool;
  message.expires = now + notify::kMessageLife;
  for (const std::string& channel : promotion.notify) {
    if (auto queued = outbox.enqueue(channel, message); !queued && queued.error().code() != Errc::kNotFound)
      return queued;
  }
  return {};
}

}  // namespace gpuscale::cli
