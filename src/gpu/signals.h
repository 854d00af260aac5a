// SPDX-License-Identifier: Apache-2.0
/// The catalogue of what a device can measure: the one table from which line protocol, the exporter,
/// recordings and the shared record between the agent's processes are made. The order is part of the shared
/// record only, which both sides of one binary agree on.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "gpu/source.h"

namespace gpuscale::gpu {

/// Slow: read every ten seconds or so and written only then.
enum class Pace { kFast, kSlow };
enum class Kind { kGauge, kCounter };

template <typename T>
struct Signal {
  std::string_view name;  ///< of the field in measurement `gpu`; the unit is its end
  std::optional<T> Reading::* value;
  Kind kind;
  Pace pace;
  std::string_view help;
};

std::span<const Signal<double>> real_signals();
std::span<const Signal<std::int64_t>> whole_signals();

}  // namespace gpuscale::gpu
