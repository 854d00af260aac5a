// SPDX-License-Identifier: Apache-2.0
/// Division that rounds down, as times before 1970 need it: C++ rounds toward zero.
#pragma once
#include <cstdint>

namespace gpuscale::base {

/// What is left of `number` above the multiple of `by` below it: 0 to by - 1. @param by positive
constexpr std::int64_t floor_rest(std::int64_t number, std::int64_t by) {
  const std::int64_t rest = number % by;
  return rest < 0 ? rest + by : rest;
}

/// @param by positive
constexpr std::int64_t floor_divided(std::int64_t number, std::int64_t by) {
  return number / by - (number % by < 0 ? 1 : 0);
}

}  // namespace gpuscale::base
