// SPDX-License-Identifier: Apache-2.0
#include "influxql/go_power.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace gpuscale::influxql {
namespace {

struct Power {
  double x;
  double y;
  double power;
};

/// Of math.Pow() on amd64; the C library's differ from each in the last digit.
constexpr Power kOfGo[] = {
    {0x1.4c9d89d89d89ep+5, 2, 0x1.b028fe7c36887p+10},   {0x1.588f71c62f9dcp+6, 6, 0x1.7c7ae10b3f38dp+38},
    {-0x1.3b30da83bdf0bp+6, -4, 0x1.bd9eefc5867f1p-26}, {0x1.6e6bee26f9990p+3, -4, 0x1.e7f062756ba38p-15},
    {-0x1.78aa77b0d29f3p+6, 6, 0x1.44aca02837232p+39},  {-0x1.79a27fac136e9p+6, 7, -0x1.e660c7c7357b7p+45},
    {0x1.029c822fc4a00p-2, 6, 0x1.1012bdc404d99p-12},   {0x1.298548f26e448p+4, 7, 0x1.6e906a3356fcbp+29},
    {0x1.83ee73a3aa2d4p+4, 4, 0x1.51794bebb631bp+18},
};

TEST(GoPower, IsGosToTheLastDigitWhereTheExponentIsWhole) {
  for (const Power& power : kOfGo)
    EXPECT_EQ(std::bit_cast<std::uint64_t>(go_power(power.x, power.y)),
              std::bit_cast<std::uint64_t>(power.power))
        << power.x << " to the " << power.y;
}

TEST(GoPower, IsWhatMathematicsHasElsewhere) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  EXPECT_EQ(go_power(2, 0.5), std::sqrt(2.0));
  EXPECT_EQ(go_power(0, 0), 1);
  EXPECT_EQ(go_power(1, 1e300), 1);
  EXPECT_EQ(go_power(-1, 4'611'686'018'427'387'904.0), 1);
  EXPECT_EQ(go_power(-1, 3), -1);
  EXPECT_EQ(go_power(0, -1), kInfinite);
  EXPECT_EQ(go_power(2, 1e6), kInfinite);
  EXPECT_EQ(go_power(2, -1e6), 0);
  EXPECT_EQ(go_power(0.5, 1e18), 0);
  EXPECT_EQ(go_power(10, 1e300), kInfinite);
  EXPECT_EQ(go_power(-kInfinite, 3), -kInfinite);
  EXPECT_TRUE(std::isnan(go_power(-8, 0.5)));
  EXPECT_TRUE(std::isnan(go_power(std::nan(""), 2)));
  // Down to the least number that there is.
  EXPECT_EQ(go_power(2, -1074), std::numeric_limits<double>::denorm_min());
}

}  // namespace
}  // namespace gpuscale::influxql
