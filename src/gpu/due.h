// SPDX-License-Identifier: Apache-2.0
/// What is done now and then, by a wall clock that somebody may set back.
#pragma once
#include <optional>

#include "base/time.h"

namespace gpuscale::gpu {

/// Whether `every` went by since `last`, or the clock went back behind it, or there was no last time.
inline bool is_due(const std::optional<WallTime>& last, Nanos every, WallTime now) {
  return !last || now < *last || now - *last >= every;
}

}  // namespace gpuscale::gpu
