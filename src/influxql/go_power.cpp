// SPDX-License-Identifier: Apache-2.0
#include "influxql/go_power.h"

#include <cmath>
#include <cstdint>

namespace gpuscale::influxql {
namespace {

/// As pow() of Go's math/pow.go: squares of the fraction, so that nothing overflows on the way.
double whole_power(double x, double y) {
  constexpr int kTooFar = 1 << 12;  // the power is 0 or infinite
  double power = 1;
  int exponent = 0;
  int x_exponent = 0;
  double x_fraction = std::frexp(x, &x_exponent);
  for (auto left = static_cast<std::int64_t>(std::fabs(y)); left != 0; left >>= 1) {
    if (x_exponent < -kTooFar || x_exponent > kTooFar) {
      exponent += x_exponent;
      break;
    }
    if ((left & 1) != 0) {
      power *= x_fraction;
      exponent += x_exponent;
    }
    x_fraction *= x_fraction;
    x_exponent *= 2;
    if (x_fraction < 0.5) {
      x_fraction += x_fraction;
      --x_exponent;
    }
  }
  return y < 0 ? std::ldexp(1 / power, -exponent) : std::ldexp(power, exponent);
}

}  // namespace

double go_power(double x, double y) {
  constexpr double kMostWhole = 9.2e18;  // below 2^63
  const bool plain = std::isfinite(x) && x != 0 && x != 1 && y != 0 && y != 1;
  if (plain && std::fabs(y) <= kMostWhole && y == std::trunc(y)) return whole_power(x, y);
  return std::pow(x, y);
}

}  // namespace gpuscale::influxql
