// SPDX-License-Identifier: Apache-2.0
/// From NVML's raw numbers to values: what is a sentinel or cannot be is absent. Pure.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>

#include "gpu/nvml/abi.h"

namespace gpuscale::gpu::nvml {

inline std::optional<double> percent(std::uint64_t value) {
  if (value > 100) return std::nullopt;
  return static_cast<double>(value);
}

inline std::optional<double> percent(double value) {
  // The driver's ratios overshoot by rounding; more than that is not one.
  constexpr double kOvershoot = 105;
  if (!std::isfinite(value) || value < 0 || value > kOvershoot) return std::nullopt;
  return std::min(value, 100.0);
}

inline std::optional<double> watts(std::uint64_t milliwatts) {
  constexpr std::uint64_t kAbsurd = 100'000'000;  // 100 kW: no board draws that
  if (milliwatts >= kAbsurd) return std::nullopt;
  return static_cast<double>(milliwatts) / 1000.0;
}

inline std::optional<double> celsius(std::int64_t degrees) {
  if (degrees <= -60 || degrees >= 250) return std::nullopt;
  return static_cast<double>(degrees);
}

inline std::optional<double> megahertz(std::uint32_t mhz) {
  constexpr std::uint32_t kAbsurd = 100'000;
  if (mhz > kAbsurd) return std::nullopt;
  return static_cast<double>(mhz);
}

/// A count; all ones in 32 or 64 bits is NVML's "not available", and beyond 2^62 lie DCGM's blanks.
inline std::optional<std::int64_t> count(std::uint64_t value) {
  if (value == kNoValue32 || value >= std::uint64_t{1} << 62U) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

inline std::optional<std::uint64_t> unsigned_value(int type, const Value& value) {
  switch (type) {  // nvmlValueType_t
    case 1:
      return value.as_uint;
    case 2:
    case 3:
      return value.as_ull;
    case 4:
      return value.as_ll >= 0 ? std::optional<std::uint64_t>(value.as_ll) : std::nullopt;
    case 5:
      return value.as_int >= 0 ? std::optional<std::uint64_t>(value.as_int) : std::nullopt;
    case 6:
      return value.as_ushort;
    default:
      return std::nullopt;
  }
}

}  // namespace gpuscale::gpu::nvml
