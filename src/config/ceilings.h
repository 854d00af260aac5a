// SPDX-License-Identifier: Apache-2.0
/// Private to the room: the line under which a scale-in must leave the survivors, where a pool states none.
#pragma once
#include "config/config.h"

namespace gpuscale::config {

/// Gives every pool without a `scale_in.ceiling` the lowest "> n" on GPU utilisation of the rules that grow
/// it, through trigger channels or webhooks to the trigger URL: what is removed under that line is not called
/// back at once.
void derive_ceilings(Config& config);

}  // namespace gpuscale::config
