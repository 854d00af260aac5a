// SPDX-License-Identifier: Apache-2.0
/// What the supervisor does next about its sampler process. Pure.
#pragma once
#include <optional>

#include "base/back_off.h"
#include "base/time.h"

namespace gpuscale::agent {

struct ChildPatience {
  Nanos hang_after = std::chrono::seconds{5};      ///< without a heartbeat while a reading is owed
  Nanos end_within = std::chrono::seconds{5};      ///< from the request to end to the kill
  Nanos give_way_for = std::chrono::seconds{5};    ///< after a device was given back to the driver
  Nanos settled_after = std::chrono::seconds{10};  ///< of readings: what ends it then is no part of a row
  base::BackOff restart{std::chrono::seconds{1}, std::chrono::seconds{30}, 0};
};

struct ChildFacts {
  bool running = false;
  std::optional<MonoTime> owed_since;  ///< a reading was asked for and has not come
  MonoTime heartbeat{};                ///< the newest
  std::optional<MonoTime> told_to_end;
  bool killed = false;
  bool uninterruptible =
      false;              ///< the kernel holds it (state D): a kill would only add to the driver's trouble
  MonoTime next_start{};  ///< not before
};

/// How a sampler process ended.
struct ChildEnd {
  Nanos worked_for{0};    ///< from its start to its newest reading; 0 without one
  bool gave_way = false;  ///< it gave a device back to the driver
  int ends_in_a_row = 0;  ///< of processes before this one that had not settled
  bool has_settled(const ChildPatience& patience) const { return worked_for >= patience.settled_after; }
};
/// Until the next is started: none after one that had settled, so that its death costs no more than the
/// interval in which it died; growing where one after the other dies.
Nanos pause_after(const ChildEnd& end, const ChildPatience& patience);

enum class ChildStep { kNone, kStart, kTellToEnd, kKill };

bool is_hung(const ChildFacts& facts, const ChildPatience& patience, MonoTime now);
/// Never kStart while one runs, though it be stuck: a second one would only get stuck beside it.
ChildStep next_step(const ChildFacts& facts, const ChildPatience& patience, MonoTime now);

}  // namespace gpuscale::agent
