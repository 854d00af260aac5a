// SPDX-License-Identifier: Apache-2.0
/// Statements over samples of which the older ones are kept by the minute.
#include <gmock/gmock.h>

#include "base/testing/manual_clock.h"
#include "influxql/engine.h"
#include "influxql/render.h"
#include "metrics/line_protocol.h"
#include "tsdb/condense.h"

namespace gpuscale::influxql {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::int64_t kCondensedHour = 3'600'000'000'000;
constexpr std::int64_t kStart = 471'300;  ///< hours of these tests count from here

std::string hour(std::int64_t hours, std::int64_t seconds = 0) {
  return std::to_string((kStart + hours) * 3600 + seconds) + "s";
}

class CondensedTest : public ::testing::Test {
 protected:
  CondensedTest() {
    clock_.jump_wall(base::from_unix_nanos((kStart + 1000) * kCondensedHour) - clock_.wall());
    auto store = tsdb::Store::open({":memory:", {}}, clock_, log::Log::silent());
    EXPECT_TRUE(store);
    store_ = *std::move(store);
    EXPECT_TRUE(store_->create_database("db", std::nullopt));
    engine_ = std::make_unique<Engine>(*store_);
    // A sample each 20 s over three days, on two nodes.
    std::string lines;
    for (std::int64_t i = 0; i < 3 * 24 * 180; ++i) {
      const std::string time = std::to_string((kStart + 930) * kCondensedHour + i * 20'000'000'000);
      lines += "m,node=a v=" + std::to_string(i % 7) + ",n=" + std::to_string(i % 5) + "i " + time +
               "\nm,node=b v=" + std::to_string(i % 11) + " " + time + "\n";
    }
    const auto parsed = metrics::parse_lines(lines, metrics::Precision::kNanos, 0);
    EXPECT_TRUE(store_->write("db", "", parsed.points));
    for (const std::string& text : statements()) before_.push_back(ask(text));
    EXPECT_TRUE(
        tsdb::begin_rollup(*store_, "db", "minutes", std::chrono::hours{48}, std::chrono::hours{2000}));
    tsdb::Condenser condenser(*store_);
    EXPECT_TRUE(condenser.tick(clock_.wall()));
    EXPECT_TRUE(store_->enforce_retention(clock_.wall()));
  }

  /// What whole minutes answer exactly.
  static std::vector<std::string> statements() {
    const std::string from = " FROM m WHERE time >= " + hour(931) + " AND time < " + hour(1000);
    std::vector<std::string> out;
    for (const char* call :
         {"count(v)", "sum(v)", "mean(v)", "min(v)", "max(v)", "spread(v)", "sum(n)", "mean(n)"}) {
      out.push_back("SELECT " + std::string(call) + from + " GROUP BY time(10m)");
      out.push_back("SELECT " + std::string(call) + from + " GROUP BY time(1h), node");
    }
    out.push_back("SELECT mean(v) FROM m WHERE node = 'b' AND time >= " + hour(931) + " AND time < " +
                  hour(999) + " GROUP BY time(1m) fill(none)");
    return out;
  }
  std::string ask(const std::string& text) {
    QueryContext context;
    context.database = "db";
    context.now = clock_.wall();
    const auto results = engine_->execute(text, context);
    return results ? render_json(*results, "s", false) : results.error().message();
  }

  base::testing::ManualClock clock_;
  std::unique_ptr<tsdb::Store> store_;
  std::unique_ptr<Engine> engine_;
  std::vector<std::string> before_;
};

TEST_F(CondensedTest, WholeMinutesAnswerAsTheSamplesDid) {
  std::size_t i = 0;
  for (const std::string& text : statements()) EXPECT_EQ(ask(text), before_[i++]) << text;
}

TEST_F(CondensedTest, WhatTheyCannotAnswerIsSaid) {
  const std::string from = " FROM m WHERE time >= " + hour(931);
  for (const char* text : {"SELECT median(v)", "SELECT v", "SELECT first(v)", "SELECT max(v)"})
    EXPECT_THAT(ask(text + from), HasSubstr("cannot answer this statement exactly")) << text;
  EXPECT_THAT(ask("SELECT mean(v)" + from + " GROUP BY time(30s)"), HasSubstr("cannot answer"));
  EXPECT_THAT(ask("SELECT median(v) FROM m WHERE time >= " + hour(990)), Not(HasSubstr("messages")));
  const std::string odd = ask("SELECT count(v) FROM m WHERE time >= " + hour(931, 7) + " AND time < " +
                              hour(932) + " GROUP BY time(10m)");
  EXPECT_THAT(odd, HasSubstr("the answer begins with the first whole one"));
  EXPECT_THAT(odd, HasSubstr("54"));  // nine minutes of three samples on two nodes
}

}  // namespace
}  // namespace gpuscale::influxql
