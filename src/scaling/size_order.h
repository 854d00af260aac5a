// SPDX-License-Identifier: Apache-2.0
/// A size asked for outright, by a person or a policy, and what the bounds leave of it. Pure.
#pragma once
#include <optional>
#include <string>

#include "scaling/guard_rails.h"
#include "scaling/trigger.h"

namespace gpuscale::scaling {

struct SizeOrder {
  std::string who;
  int size = 0;
  bool by_hand = false;           ///< a person's word: only the fleet's cap and the budget bind
  std::optional<Nanos> hold_for;  ///< by hand: nothing else moves the pool for so long
};

/// The outcome has no trigger, and no correlation yet.
TriggerOutcome decide_size(const SizeOrder& order, const pool::PoolSpec& spec, const RailsView& rails,
                           int desired, WallTime now);

}  // namespace gpuscale::scaling
