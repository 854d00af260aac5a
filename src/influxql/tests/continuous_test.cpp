// SPDX-License-Identifier: Apache-2.0
#include "influxql/continuous.h"

#include <gtest/gtest.h>

#include "influxql/render.h"
#include "influxql/testing/memory_store.h"

namespace gpuscale::influxql {
namespace {

constexpr std::int64_t kOneSecond = 1'000'000'000;
constexpr std::int64_t kOneMinute = 60 * kOneSecond;

ContinuousTimes minutely() {
  ContinuousTimes times;
  times.interval = kOneMinute;
  return times;
}

TEST(ContinuousRunAt, ComputesTheIntervalThatHasJustEnded) {
  const auto first = continuous_run_at(minutely(), std::nullopt, 10 * kOneMinute + 5 * kOneSecond);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->ran_at, 10 * kOneMinute);
  EXPECT_EQ(first->begin, 10 * kOneMinute);
  EXPECT_EQ(first->end, 10 * kOneMinute);  // nothing to compute: it has never run, so no interval was missed
  EXPECT_FALSE(continuous_run_at(minutely(), first->ran_at, 11 * kOneMinute - 1));
  const auto second = continuous_run_at(minutely(), first->ran_at, 11 * kOneMinute + kOneSecond);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->begin, 10 * kOneMinute);
  EXPECT_EQ(second->end, 11 * kOneMinute);
}

TEST(ContinuousRunAt, MakesUpForIntervalsMissed) {
  const auto run = continuous_run_at(minutely(), 10 * kOneMinute, 15 * kOneMinute + kOneSecond);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->ran_at, 15 * kOneMinute);
  EXPECT_EQ(run->begin, 10 * kOneMinute);
  EXPECT_EQ(run->end, 15 * kOneMinute);
}

TEST(ContinuousRunAt, ResamplesASpanAndTheUnfinishedInterval) {
  ContinuousTimes times = minutely();
  times.every = 10 * kOneSecond;
  times.span = 2 * kOneMinute;
  const auto run = continuous_run_at(times, 10 * kOneMinute, 10 * kOneMinute + 10 * kOneSecond);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->begin, 9 * kOneMinute);
  EXPECT_EQ(run->end, 11 * kOneMinute);
}

class ContinuousTest : public ::testing::Test {
 protected:
  ContinuousTest() { context_.database = "db"; }
  std::string ask(const std::string& text) {
    context_.now = now_;
    const auto results = engine_.execute(text, context_);
    return results ? render_json(*results, "s", false) : results.error().message();
  }
  std::string first_failure() {
    const auto failed = continuous_.tick(now_);
    return failed.empty() ? "" : failed.front().reason;
  }
  testing::MemoryStore store_;
  Engine engine_{store_};
  ContinuousQueries continuous_{store_, engine_};
  QueryContext context_;
  WallTime now_ = base::from_unix_nanos(600 * kOneSecond);
};

TEST_F(ContinuousTest, RunsWritesAndIsShownWithItsNamesInFull) {
  ASSERT_TRUE(store_.create_database("db", std::nullopt));
  EXPECT_EQ(
      ask("CREATE CONTINUOUS QUERY cq ON db BEGIN SELECT mean(v) INTO avg FROM m WHERE host = 'a' GROUP BY "
          "time(1m), host END"),
      "{\"results\":[{\"statement_id\":0}]}\n");
  EXPECT_EQ(
      ask("SHOW CONTINUOUS QUERIES"),
      "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"db\",\"columns\":[\"name\",\"query\"],"
      "\"values\":[[\"cq\",\"CREATE CONTINUOUS QUERY cq ON db BEGIN SELECT mean(v) INTO db.autogen.avg FROM "
      "db.autogen.m WHERE host = 'a' GROUP BY time(1m), host END\"]]}]}]}\n");
  EXPECT_EQ(first_failure(), "");
  ASSERT_TRUE(store_.load(
      "db", "", "m,host=a v=1 610000000000\nm,host=a v=3 620000000000\nm,host=b v=9 620000000000\n"));
  now_ = base::from_unix_nanos(661 * kOneSecond);
  EXPECT_EQ(first_failure(), "");
  EXPECT_EQ(ask("SELECT mean FROM avg GROUP BY host"),
            "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"avg\",\"tags\":{\"host\":\"a\"},"
            "\"columns\":[\"time\",\"mean\"],\"values\":[[600,2]]}]}]}\n");
  EXPECT_NE(ask("CREATE CONTINUOUS QUERY cq ON db BEGIN SELECT max(v) INTO avg FROM m GROUP BY time(1m) END")
                .find("continuous query already exists"),
            std::string::npos);
  EXPECT_EQ(ask("DROP CONTINUOUS QUERY cq ON db"), "{\"results\":[{\"statement_id\":0}]}\n");
  EXPECT_TRUE(store_.continuous_queries("db").empty());
}

TEST_F(ContinuousTest, NamesTheOneThatFails) {
  ASSERT_TRUE(store_.create_database("db", std::nullopt));
  ASSERT_TRUE(store_.create_continuous_query("db", {"bad", "SELECT 1"}));
  const auto failed = continuous_.tick(now_);
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed.front().name, "bad");
}

}  // namespace
}  // namespace gpuscale::influxql
