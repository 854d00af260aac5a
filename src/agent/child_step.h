// SPDX-License-Identifier: Apache-2.0
/// What the supervisor does next about its sampler process. Pure.
#pragma once
#include <optional>

#include "base/back_off.h"
#include "base/time.h"

namespace gpuscale::agent {

struct ChildPatience {
  Nanos hang_after = std::chrono::seconds{5};    ///< without a heartbeat while a reading is owed
  Nanos end_within = std::chrono::seconds{5};    ///< from the request to end to the kill
  Nanos give_way_for = std::chrono::seconds{5};  ///< after a device was given back to the driver
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

enum class ChildStep { kNone, kStart, kTellToEnd, kKill };

bool is_hung(const ChildFacts& facts, const ChildPatience& patience, MonoTime now);
/// Never kStart while one runs, though it be stuck: a second one would only get stuck beside it.
ChildStep next_step(const ChildFacts& facts, const ChildPatience& patience, MonoTime now);

}  // namespace gpuscale::agent
