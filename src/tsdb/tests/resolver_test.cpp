// SPDX-License-Identifier: Apache-2.0
#include "tsdb/resolver.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "metrics/line_protocol.h"

namespace gpuscale::tsdb {
namespace {

constexpr std::int64_t kDay = 86'400'000'000'000;
constexpr std::int64_t kNow = 1'000 * kDay;

/// A catalogue with one database, whose policy keeps a day.
struct Known {
  Known() {
    DatabaseDef& database = catalogue.add_database(1, "db", "day");
    RetentionPolicy policy;
    policy.name = "day";
    policy.duration = Nanos{kDay};
    catalogue.add_policy(database, 1, policy);
  }
  ResolvedBatch resolve(std::span<const metrics::PointView> points) {
    auto known = resolve_known(catalogue, {"db", "", points, kNow}, limits);
    if (known && *known) return **std::move(known);
    auto made = resolve_and_define(catalogue, {"db", "", points, kNow}, limits);
    EXPECT_TRUE(made);
    return made ? *std::move(made) : ResolvedBatch{};
  }
  Catalogue catalogue;
  StoreLimits limits;
};

std::string random_line(std::mt19937& random) {
  const auto one_of = [&random](std::initializer_list<const char*> texts) {
    return std::string(texts.begin()[random() % texts.size()]);
  };
  return one_of({"gpu", "gpu", "gpu", "node"}) +
         one_of({"", ",a=1", ",a=2", ",a=x\\ y,b=2", ",b=2,a=x\\ y", ",a=back\\\\slash", ",time=1"}) + ' ' +
         one_of({"u=1,v=2", "u=1,v=2", "u=1,v=2", "u=1i,v=2", "v=2,u=1", "u=1", "u=1,u=2", "time=1,u=1",
                 "u=1,time=1", "time=1", "v=t,u=3", "s=\"text\"", "u=1,v=2,s=\"\""}) +
         ' ' +
         std::to_string(kNow - (random() % 8 == 0 ? 2 * kDay : static_cast<std::int64_t>(random() % 9))) +
         '\n';
}

TEST(Resolver, WhatTheReaderKnowsOfALineChangesNothingButTheTime) {
  std::mt19937 random(5);
  Known with_hints;
  Known without;
  std::size_t hints = 0;
  std::size_t dropped = 0;
  for (int round = 0; round < 3'000; ++round) {
    std::string body;
    for (std::uint64_t i = 0, n = 1 + random() % 12; i < n; ++i) body += random_line(random);
    metrics::ParsedLines parsed = metrics::parse_lines(body, metrics::Precision::kNanos, kNow);
    for (const metrics::PointView& point : parsed.points) hints += point.same_keys ? 1U : 0U;
    const ResolvedBatch batch = with_hints.resolve(parsed.points);
    for (metrics::PointView& point : parsed.points) {
      point.tag_text = {};
      point.same_keys = false;
    }
    const ResolvedBatch plain = without.resolve(parsed.points);
    ASSERT_EQ(batch.bytes, plain.bytes) << body;
    ASSERT_EQ(batch.outcome.written, plain.outcome.written) << body;
    ASSERT_EQ(batch.outcome.dropped, plain.outcome.dropped) << body;
    ASSERT_EQ(batch.outcome.first_reason, plain.outcome.first_reason) << body;
    dropped += batch.outcome.dropped;
  }
  EXPECT_GT(hints, 1'000U);
  EXPECT_GT(dropped, 1'000U);
}

}  // namespace
}  // namespace gpuscale::tsdb
