// SPDX-License-Identifier: Apache-2.0
#include "notify/from_alert.h"

#include <algorithm>

#include "alert/evaluate.h"

namespace gpuscale::notify {
namespace {

std::string state_text(alert::State state) {
  return state == alert::State::kInactive ? "ok" : std::string(to_string(state));
}

const ChannelSpec* find(const std::vector<ChannelSpec>& channels, const std::string& name) {
  const auto found = std::find_if(channels.begin(), channels.end(),
                                  [&](const ChannelSpec& spec) { return spec.name == name; });
  return found == channels.end() ? nullptr : &*found;
}

}  // namespace

Message message_of(const alert::Notification& notification) {
  Message message;
  message.key = "rule/" + notification.rule + alert::labels_text(notification.instance);
  message.idempotency = notification.correlation + "-" + std::to_string(notification.sequence);
  message.correlation = notification.correlation;
  message.at = notification.at;
  message.starts_at = notification.starts_at;
  message.state = state_text(notification.state);
  message.rule = notification.rule;
  message.title = notification.title;
  message.text = notification.text;
  message.words = notification.message;
  message.values = notification.values;
  message.labels = {notification.labels.begin(), notification.labels.end()};
  message.annotations = {notification.annotations.begin(), notification.annotations.end()};
  message.pool = notification.pool;
  message.expires = notification.at + kMessageLife;
  return message;
}

alert::Engine::Sink sink_into(Outbox& outbox) {
  return [&outbox](const alert::Notification& notification) -> Result<void> {
    const Message message = message_of(notification);
    if (notification.state != alert::State::kFiring) {
      GS_CHECK(outbox.cancel(message.key, message.idempotency));
    } else if (notification.channels.empty()) {
      return outbox.hold(message.key, notification.held);
    }
    const std::vector<ChannelSpec> known = outbox.channels();
    for (const std::string& name : notification.channels) {
      const ChannelSpec* channel = find(known, name);
      if (channel == nullptr) continue;
      const auto& wanted = channel->states;
      if (std::find(wanted.begin(), wanted.end(), message.state) == wanted.end()) continue;
      if (auto queued = outbox.enqueue(name, message); !queued && queued.error().code() != Errc::kNotFound) {
        return queued;
      }
    }
    return {};
  };
}

}  // namespace gpuscale::notify
