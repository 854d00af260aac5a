// SPDX-License-Identifier: Apache-2.0
/// From what a rule has to tell to messages in the outbox.
#pragma once
#include "alert/engine.h"
#include "notify/outbox.h"

namespace gpuscale::notify {

/// The message that tells of a notification.
Message message_of(const alert::Notification& notification);

/// A sink for alert::Engine. A state other than firing first calls off what still waits under the rule's key,
/// and of a firing rule that has gone blind it is held; then each of the rule's channels that wants this
/// state gets the message. Taken twice, a notification is sent once. A channel that is no more is left out:
/// the others must not wait for it. `outbox` outlives the sink.
alert::Engine::Sink sink_into(Outbox& outbox);

/// A message is not sent after this: the cause of a message that old is better asked anew.
inline constexpr Nanos kMessageLife = std::chrono::hours{1};

}  // namespace gpuscale::notify
