// SPDX-License-Identifier: Apache-2.0
/// One honest number: how much of its work a device already does, 0..100, with how far that can be trusted;
/// and which of its values misleads at the moment. Pure. The formulas and their reasons: docs/gpu-signals.md.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "gpu/source.h"

namespace gpuscale::gpu {

struct Saturation {
  double percent = 0;  ///< 0..100
  double confidence =
      0;  ///< 0..1: 0.9 from activity, 0.6 from power and utilisation, 0.3 from utilisation alone
};

/// Empty where the device measures none of what is needed.
std::optional<Saturation> saturation_of(const Reading& reading);

/// What is remembered of a device's memory, to tell memory that follows the load from memory taken in
/// advance.
struct MemoryMemory {
  WallTime since;  ///< the memory in use has moved less than a hundredth of the device's since then
  std::int64_t least = 0;
  std::int64_t most = 0;
  double least_load = 0;  ///< utilisation meanwhile
  double most_load = 0;
  bool started = false;
};

/// Takes one reading into account.
MemoryMemory remember(const MemoryMemory& memory, const Reading& reading);

/// Which value misleads and why, in words; "" where none does. Of several the gravest: utilisation of 95 and
/// more while the SMs, or (without GPM) the power, show little work; then memory that has stood still for
/// five minutes while the load moved by 50 points.
std::string doubt_about(const Reading& reading, const MemoryMemory& memory);

}  // namespace gpuscale::gpu
