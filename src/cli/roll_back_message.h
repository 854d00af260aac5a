// SPDX-License-Identifier: Apache-2.0
/// Tells people that a promoted policy was rolled back.
#pragma once
#include "base/result.h"
#include "notify/outbox.h"
#include "scaling/promotion.h"

namespace gpuscale::cli {

/// Into the outbox, for each channel of the promotion that still exists. Idempotent.
Result<void> tell_roll_back(notify::Outbox& outbox, const scaling::Promotion& promotion, WallTime now);

}  // namespace gpuscale::cli
