// SPDX-License-Identifier: Apache-2.0
#include "agent/child_step.h"

#include <algorithm>

namespace gpuscale::agent {

bool is_hung(const ChildFacts& facts, const ChildPatience& patience, MonoTime now) {
  return facts.running && facts.owed_since &&
         now - std::max(*facts.owed_since, facts.heartbeat) >= patience.hang_after;
}

Nanos pause_after(const ChildEnd& end, const ChildPatience& patience) {
  if (end.gave_way) return patience.give_way_for;
  if (end.has_settled(patience)) return Nanos{0};
  constexpr double kMiddle = 0.5;
  return base::wait_after(patience.restart, end.ends_in_a_row, kMiddle);
}

ChildStep next_step(const ChildFacts& facts, const ChildPatience& patience, MonoTime now) {
  if (!facts.running) return now >= facts.next_start ? ChildStep::kStart : ChildStep::kNone;
  if (!facts.told_to_end) {
    return is_hung(facts, patience, now) ? ChildStep::kTellToEnd : ChildStep::kNone;
  }
  const bool patience_ends = now - *facts.told_to_end >= patience.end_within;
  return patience_ends && !facts.killed && !facts.uninterruptible ? ChildStep::kKill : ChildStep::kNone;
}

}  // namespace gpuscale::agent
