// SPDX-License-Identifier: Apache-2.0
#include "tsdb/changes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <vector>

namespace gpuscale::tsdb {
namespace {

TEST(Changes, AreKnownAtBothEndsOfTime) {
  const SegmentOwner owner{1, 2};
  const TimeRange all;
  for (const std::int64_t time : {std::numeric_limits<std::int64_t>::min(), all.min_ns, all.max_ns}) {
    Changes changes;
    const std::uint64_t before = changes.version();
    changes.next_version();
    changes.note(owner, time);
    const auto first = changes.first_since(owner, all, before);
    ASSERT_TRUE(first);
    EXPECT_GE(*first, all.min_ns);
    EXPECT_LE(*first, std::max(time, all.min_ns));
    EXPECT_EQ(changes.first_since(owner, all, changes.version()), std::nullopt);
  }
}

/// Whatever order times come in: exactly, but for the oldest once there are many, which are remembered as
/// one.
TEST(Changes, TellWhatWasNotedSince) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  constexpr std::int64_t kSeconds = 40'000;
  std::mt19937 random(7);
  const auto below = [&random](std::int64_t bound) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(bound));
  };
  Changes changes;
  const std::vector<SegmentOwner> owners = {{1, 1}, {1, 2}};
  std::vector<std::map<std::int64_t, std::uint64_t>> noted(owners.size());  // versions by second
  std::int64_t now = 0;
  std::size_t exact = 0;
  std::size_t forgotten = 0;
  for (int commit = 0; commit < 8'000; ++commit) {
    changes.next_version();
    const auto owner = static_cast<std::size_t>(below(2));
    std::int64_t second = below(10) == 0 ? below(kSeconds) : now;  // mostly forward, sometimes anywhere
    for (std::int64_t row = below(12); row >= 0; --row, second += below(8) == 0 ? -below(6) : below(4)) {
      changes.note(owners[owner], second * kSecond + below(kSecond));
      noted[owner][second] = changes.version();
    }
    now += below(9);
    const std::int64_t from = below(kSeconds);
    const TimeRange range{from * kSecond, (from + below(2'000) + 1) * kSecond - 1};
    const std::uint64_t since =
        changes.version() - std::min(changes.version() - 1, static_cast<std::uint64_t>(below(400)));
    for (std::size_t asked = 0; asked < owners.size(); ++asked) {
      std::optional<std::int64_t> first;
      for (auto at = noted[asked].lower_bound(from);
           at != noted[asked].end() && at->first * kSecond <= range.max_ns; ++at) {
        if (at->second <= since) continue;
        first = at->first * kSecond;
        break;
      }
      const auto told = changes.first_since(owners[asked], range, since);
      constexpr std::size_t kRemembered = 4'096;
      const std::size_t at_least_as_late =
          static_cast<std::size_t>(std::distance(noted[asked].lower_bound(from), noted[asked].end()));
      if (at_least_as_late < kRemembered) {
        ASSERT_EQ(told, first) << commit;
        ++exact;
      } else if (first) {
        ASSERT_TRUE(told) << commit;
        EXPECT_LE(*told, *first);
        ++forgotten;
      }
    }
  }
  EXPECT_GT(exact, 1'000U);
  EXPECT_GT(forgotten, 100U);
}

}  // namespace
}  // namespace gpuscale::tsdb
