// SPDX-License-Identifier: Apache-2.0
#include "notify/outbox.h"

#include "notify/live_outbox.h"

namespace gpuscale::notify {

std::string_view to_string(DeliveryState state) {
  switch (state) {
    case DeliveryState::kWaiting:
      return "waiting";
    case DeliveryState::kDelivered:
      return "delivered";
    case DeliveryState::kReplaced:
      return "replaced";
    case DeliveryState::kExpired:
      return "expired";
    case DeliveryState::kDead:
      return "dead";
  }
  return "?";
}

Result<std::unique_ptr<Outbox>> Outbox::open(db::Database& database, activity::Ledger& ledger,
                                             const Clock& clock, log::Log log,
                                             std::map<ChannelKind, std::shared_ptr<Sender>> senders) {
  GS_TRY(OutboxStore store, OutboxStore::open(database));
  return std::unique_ptr<Outbox>(new LiveOutbox({store, ledger, clock, std::move(log), std::move(senders)}));
}

std::map<ChannelKind, std::shared_ptr<Sender>> all_senders(
    std::function<Result<Receipt>(const std::string& trigger, const Message& message)> pull) {
  std::map<ChannelKind, std::shared_ptr<Sender>> out;
  const auto by_http = make_webhook_sender();
  for (std::size_t i = 0; i < channel_kind_names().size(); ++i)
    out.emplace(static_cast<ChannelKind>(i), by_http);
  out.insert_or_assign(ChannelKind::kTrigger, make_trigger_sender(std::move(pull)));
  out.insert_or_assign(ChannelKind::kEmail, make_mail_sender());
  out.insert_or_assign(ChannelKind::kExec, make_exec_sender());
  return out;
}

}  // namespace gpuscale::notify
