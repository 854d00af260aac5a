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

}  // namespace gpuscale::notify
