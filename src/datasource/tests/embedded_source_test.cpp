// SPDX-License-Identifier: Apache-2.0
#include "datasource/embedded_source.h"

#include <gmock/gmock.h>

#include "base/testing/manual_clock.h"
#include "datasource/arrivals.h"
#include "metrics/line_protocol.h"

namespace gpuscale::datasource {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

WallTime at(std::int64_t second) {
  return base::from_unix_nanos(second * 1'000'000'000);
}

class EmbeddedSourceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    store_ = *tsdb::Store::open({":memory:", {}}, clock_, log::Log::silent());
    ASSERT_TRUE(store_->create_database("gpuscale", std::nullopt));
    std::string lines;
    for (int second = 100; second < 160; second += 10) {
      const std::string time = std::to_string(second * 1'000'000'000LL) + "\n";
      lines += "gpu,node=a,gpu=0 utilization_gpu=" + std::to_string(second) + ",s=\"text\" " + time;
      lines += "gpu,node=b,gpu=0 utilization_gpu=0 " + time;
    }
    const auto parsed = metrics::parse_lines(lines, metrics::Precision::kNanos, 0);
    ASSERT_TRUE(store_->write("gpuscale", "", parsed.points));
    engine_ = std::make_unique<influxql::Engine>(*store_);
    source_ = std::make_unique<EmbeddedSource>(*engine_, "gpuscale");
  }
  Result<std::vector<Series>> ask(const std::string& text, std::int64_t from = 100, std::int64_t to = 160) {
    return source_->query({text, at(from), at(to), at(to)});
  }
  base::testing::ManualClock clock_;
  std::unique_ptr<tsdb::Store> store_;
  std::unique_ptr<influxql::Engine> engine_;
  std::unique_ptr<EmbeddedSource> source_;
};

TEST_F(EmbeddedSourceTest, ARangeIsHalfOpenAndEmptyBucketsHaveNoValue) {
  const auto series =
      ask("SELECT mean(\"utilization_gpu\") FROM \"gpu\" WHERE $timeFilter AND node = 'a' "
          "GROUP BY time(10s) fill(null)",
          110, 180);
  ASSERT_TRUE(series) << series.error().message();
  ASSERT_EQ(series->size(), 1U);
  EXPECT_EQ((*series)[0].name, "gpu.mean");
  const auto& samples = (*series)[0].samples;
  ASSERT_EQ(samples.size(), 7U);
  EXPECT_EQ(samples[0].at, at(110));
  EXPECT_EQ(samples[0].value, 110);
  EXPECT_EQ(samples[4].value, 150);
  EXPECT_EQ(samples[5].value, std::nullopt);
}

TEST_F(EmbeddedSourceTest, SeriesAreNamedAsGrafanaNamesThem) {
  const auto series =
      ask("SELECT mean(utilization_gpu), max(utilization_gpu) FROM gpu WHERE $timeFilter GROUP BY node, gpu");
  ASSERT_TRUE(series) << series.error().message();
  std::vector<std::string> names;
  for (const Series& each : *series) names.push_back(each.name);
  EXPECT_EQ(names, (std::vector<std::string>{"gpu.mean {node: a, gpu: 0}", "gpu.max {node: a, gpu: 0}",
                                             "gpu.mean {node: b, gpu: 0}", "gpu.max {node: b, gpu: 0}"}));
  EXPECT_EQ(metrics::tag_value((*series)[2].tags, "node"), "b");
  EXPECT_EQ((*series)[2].samples.at(0).value, 0) << "a proven zero is a value";
}

TEST_F(EmbeddedSourceTest, NoDataIsNoSeriesAndNoError) {
  for (const char* text :
       {"SELECT mean(utilization_gpu) FROM gpu WHERE $timeFilter AND node = 'c'",
        "SELECT mean(nosuch) FROM gpu WHERE $timeFilter", "SELECT mean(v) FROM nosuch WHERE $timeFilter"}) {
    const auto series = ask(text);
    ASSERT_TRUE(series) << text << ": " << series.error().message();
    EXPECT_TRUE(series->empty()) << text;
  }
  EXPECT_TRUE(ask("SELECT mean(utilization_gpu) FROM gpu WHERE $timeFilter", 500, 600)->empty());
}

TEST_F(EmbeddedSourceTest, WhatWasNeverWrittenIsNamedAndAQuietHourIsNot) {
  const auto why = [&](const std::string& text) {
    return source_->why_empty({text, at(500), at(600), at(600)});
  };
  EXPECT_EQ(why("SELECT mean(utilisation_gpu) FROM gpu WHERE $timeFilter GROUP BY time($__interval)"),
            "\"gpu\" has no field or tag \"utilisation_gpu\"; did you mean \"utilization_gpu\"?");
  EXPECT_EQ(why("SELECT mean(utilization_gpu) FROM gpu WHERE $timeFilter GROUP BY time($__interval)"), "");
}

TEST_F(EmbeddedSourceTest, AnErrorIsNeverNoData) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"SELEKT x", "found SELEKT"},
      {"SELECT mean(utilization_gpu) FROM gpu WHERE $timeFilter GROUP BY time(1ns)", "max-select-buckets"},
      {"SELECT s FROM gpu WHERE $timeFilter", "select numeric fields"},
      {"SHOW DATABASES", "yields no times"},
      {"DROP MEASUREMENT gpu", "may read, not change"},
  };
  for (const auto& [text, message] : cases) {
    const auto series = ask(text);
    ASSERT_FALSE(series) << text;
    EXPECT_THAT(series.error().message(), HasSubstr(message)) << text;
  }
  EXPECT_EQ(store_->measurements("gpuscale").size(), 1U);
}

TEST(FillIn, ReplacesWhatARuleLeavesOpen) {
  const Query query{"a $timeFilter b ${timeFilter} c $__interval d ${interval} e $__interval_ms", at(1),
                    at(2), at(2)};
  EXPECT_EQ(fill_in(query),
            "a time >= 1000000000ns AND time < 2000000000ns b time >= 1000000000ns AND time < "
            "2000000000ns c 1s d 1s e 1000");
}

TEST(Interval, GivesAboutAHundredBuckets) {
  EXPECT_EQ(interval_of(10s), Nanos{1s});
  EXPECT_EQ(interval_of(1h), Nanos{1min});
  EXPECT_EQ(interval_of(24h * 365), Nanos{24h});
}

TEST(Arrivals, RemembersWhenASampleWasStored) {
  Arrivals arrivals;
  arrivals.note(at(10), at(11));
  arrivals.note(at(20), at(21));
  EXPECT_EQ(arrivals.of(at(9)), at(11));
  EXPECT_EQ(arrivals.of(at(10)), at(11));
  EXPECT_EQ(arrivals.of(at(15)), at(21));
  EXPECT_EQ(arrivals.of(at(25)), std::nullopt);
  for (int i = 0; i < 5'000; ++i) arrivals.note(at(100 + i), at(200 + i));
  EXPECT_EQ(arrivals.of(at(5'099)), at(5'199));
}

}  // namespace
}  // namespace gpuscale::datasource
