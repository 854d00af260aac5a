// SPDX-License-Identifier: Apache-2.0
#include "metrics/latency_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace gpuscale::metrics {
namespace {

using namespace std::chrono_literals;

/// Whatever the scale of the values, every quantile is within 1 % of the exact one.
TEST(LatencyHistogram, IsAccurateToOnePercent) {
  std::mt19937_64 random(11);
  for (const double mean_log : {3.0, 8.0, 14.0, 17.0, 22.0, 27.0}) {
    std::lognormal_distribution<double> latency(mean_log, 1.2);
    LatencyHistogram histogram;
    std::vector<std::int64_t> exact;
    for (int i = 0; i < 5'000; ++i) {
      const auto ns = static_cast<std::int64_t>(std::min(latency(random), 4e12));
      exact.push_back(ns);
      histogram.record(Nanos{ns});
    }
    std::sort(exact.begin(), exact.end());
    for (const double q : {0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      const auto rank = std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(q * 5'000)));
      const auto wanted = static_cast<double>(exact[rank - 1]);
      EXPECT_NEAR(static_cast<double>(histogram.quantile(q)->count()), wanted, wanted * 0.01)
          << mean_log << " " << q;
    }
    EXPECT_EQ(histogram.max()->count(), exact.back());
  }
}

TEST(LatencyHistogram, KnowsNothingWhereNothingWasRecorded) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.quantile(0.5), std::nullopt);
  histogram.record(5ms);
  histogram.clear();
  EXPECT_EQ(histogram.max(), std::nullopt);
}

TEST(LatencyHistogram, HoldsTheEndsOfItsRange) {
  LatencyHistogram histogram;
  histogram.record(-1ns);
  histogram.record(std::chrono::hours{24});
  EXPECT_EQ(histogram.quantile(0.0), Nanos{0});
  EXPECT_EQ(histogram.count(), 2U);
  EXPECT_GT(*histogram.max(), 73min);
}

TEST(LatencyHistogram, MergesAsIfRecordedInOne) {
  LatencyHistogram a;
  LatencyHistogram b;
  LatencyHistogram both;
  for (int i = 1; i <= 100; ++i) {
    (i % 2 == 0 ? a : b).record(std::chrono::milliseconds{i});
    both.record(std::chrono::milliseconds{i});
  }
  a.merge(b);
  EXPECT_EQ(a.count(), 100U);
  EXPECT_EQ(a.quantile(0.5), both.quantile(0.5));
  EXPECT_EQ(a.max(), both.max());
}

}  // namespace
}  // namespace gpuscale::metrics
