// SPDX-License-Identifier: Apache-2.0
/// What is read stretch by stretch: each row once, in order, and no more than is asked for.
#include "influxql/stretches.h"

#include <gtest/gtest.h>

#include <random>

#include "influxql/tests/query_fixture.h"

namespace gpuscale::influxql {
namespace {

TEST(RowMap, TellsHowFarSomeRowsReach) {
  const RowMap rows({{{0, 99}, 100}, {{50, 149}, 1'000}, {{kMinTime, kMinTime}, 7}});
  EXPECT_DOUBLE_EQ(rows.rows_in({0, 49}), 50);
  EXPECT_DOUBLE_EQ(rows.rows_in({kMinTime, kMaxTime}), 1'107);
  EXPECT_DOUBLE_EQ(rows.rows_in({200, 300}), 0);
  struct Case {
    tsdb::TimeRange range;
    double rows;
    bool ascending;
    std::int64_t end;
  };
  for (const Case& each : {
           Case{{0, 200}, 10, true, 9},
           Case{{0, 200}, 50, true, 49},
           Case{{0, 200}, 61, true, 50},
           Case{{0, 200}, 1'100, true, 200},
           Case{{0, 200}, 10, false, 149},
           Case{{0, 200}, 20, false, 148},
           Case{{0, 200}, 5'000, false, 0},
           Case{{kMinTime, kMaxTime}, 7, true, kMinTime + 1},
           Case{{300, 400}, 1, true, 400},
       }) {
    const std::int64_t end = rows.reach(each.range, each.rows, each.ascending);
    EXPECT_NEAR(static_cast<double>(end), static_cast<double>(each.end), 1) << each.rows;
  }
}

TEST(Stretches, CoverTheFrameOnceWithWholeBuckets) {
  const RowMap rows({{{-1'000, 1'000}, 5'000}, {{0, 10}, 9'000}, {{4'000, 4'003}, 50'000}});
  for (const std::int64_t every : {0, 7, 60, 100'000}) {
    for (const bool ascending : {true, false}) {
      for (const double size : {1.0, 40.0, 3'000.0, 1e9}) {
        TimeFrame frame;
        frame.min = -1'203;
        frame.max = 4'100;
        frame.interval.every_ns = every;
        frame.ascending = ascending;
        std::int64_t next = ascending ? frame.min : frame.max;
        std::size_t count = 0;
        for (Stretches stretches(rows, frame); !stretches.over(); ++count) {
          const TimeFrame part = stretches.next(size);
          ASSERT_LE(part.min, part.max);
          ASSERT_EQ(ascending ? part.min : part.max, next);
          next = ascending ? part.max + 1 : part.min - 1;
          const bool last = ascending ? part.max == frame.max : part.min == frame.min;
          if (every == 0 || last) continue;
          const Window bucket = frame.window(ascending ? part.max : part.min);
          ASSERT_EQ(ascending ? bucket.end - 1 : bucket.start, ascending ? part.max : part.min);
        }
        EXPECT_EQ(next, ascending ? frame.max + 1 : frame.min - 1);
        EXPECT_TRUE(size < 1e9 || count == 1);
        EXPECT_TRUE(size > 40 || every > 60 || count > 10);
      }
    }
  }
}

TEST(Stretches, OfAnEmptyFrameThereAreNone) {
  TimeFrame frame;
  frame.min = 1;
  frame.max = 0;
  const RowMap rows({});
  EXPECT_TRUE(Stretches(rows, frame).over());
}

/// 200 series, 1,000 seconds: more rows than are looked at all at once.
class LongHistoryTest : public QueryTest {
 protected:
  static constexpr int kSeries = 200;
  static constexpr int kSeconds = 1'000;

  LongHistoryTest() : QueryTest({.max_unflushed_bytes = 2U << 20U}) {
    for (int from = 0; from < kSeconds; from += 50) {
      std::string lines;
      for (int time = from; time < from + 50; ++time) {
        for (int s = 0; s < kSeries; ++s) {
          // Series s ends early where s % 50 is 7, and each has its own phase.
          if (s % 50 == 7 && time > 300) continue;
          lines += "m,node=n" + std::to_string(s / 8) + ",s=" + std::to_string(s) +
                   " f=" + std::to_string(s * 1'000 + time) + ",g=" + std::to_string(time % 5) + "i " +
                   std::to_string(std::int64_t{1'000'000'000} * time + s) + "\n";
        }
      }
      write(lines);
    }
  }
  void write(const std::string& lines) { QueryTest::write(lines, metrics::Precision::kNanos); }
  /// The same of few enough rows that they are looked at at once.
  std::string ask_between(const std::string& text, int from, int to, const std::string& tail) {
    return ask(text + " WHERE time >= " + std::to_string(from) + "s AND time < " + std::to_string(to) + "s" +
               tail);
  }
};

TEST_F(LongHistoryTest, LimitReadsWhatItLetsThrough) {
  context_.limits.max_points = 50'000;  // of 197,000
  context_.limits.max_series = kSeries;
  EXPECT_EQ(ask("SELECT * FROM m LIMIT 10"), ask_between("SELECT * FROM m", 0, 5, " LIMIT 10"));
  EXPECT_EQ(ask("SELECT f FROM m ORDER BY time DESC LIMIT 3 OFFSET 500"),
            ask_between("SELECT f FROM m", 990, 1'000, " ORDER BY time DESC LIMIT 3 OFFSET 500"));
  EXPECT_EQ(ask("SELECT f, g FROM m GROUP BY node LIMIT 2"),
            ask_between("SELECT f, g FROM m", 0, 3, " GROUP BY node LIMIT 2"));
  EXPECT_EQ(ask("SELECT f FROM m WHERE node = 'n3' ORDER BY time DESC LIMIT 1"),
            ask_between("SELECT f FROM m", 998, 1'000, " AND node = 'n3' ORDER BY time DESC LIMIT 1"));
}

TEST_F(LongHistoryTest, LimitFindsWhatLiesFar) {
  // Series that ended early: nobody knows before it was looked.
  const std::string late = " ORDER BY time DESC LIMIT 1";
  const std::string answer = ask("SELECT f AS last FROM m GROUP BY s" + late);
  EXPECT_NE(answer.find("[300000000007,7300]"), std::string::npos) << answer.substr(0, 2'000);
  EXPECT_EQ(ask("SELECT f FROM m WHERE f = 199999 LIMIT 5"), ask("SELECT f FROM m WHERE f = 199999"));
  EXPECT_EQ(ask("SELECT f FROM m WHERE g = 4 AND s = '7' ORDER BY time DESC LIMIT 2"),
            ask_between("SELECT f FROM m", 250, 310, " AND g = 4 AND s = '7' ORDER BY time DESC LIMIT 2"));
  // As many as there are, cut by no limit.
  EXPECT_EQ(ask("SELECT f FROM m WHERE s = '5' LIMIT 100000"), ask("SELECT f FROM m WHERE s = '5'"));
  EXPECT_NE(ask("SELECT count(f) FROM (SELECT f FROM m LIMIT 150000)").find("[0,150000]"), std::string::npos);
}

TEST_F(LongHistoryTest, IsFoldedPartByPart) {
  for (const std::string call :
       {"count(f)", "sum(g)", "min(f)", "max(f)", "first(f)", "last(f)", "spread(f)"}) {
    for (const std::string tail : {"", " AND f > 3000", " AND f > 3000 GROUP BY time(50s), node",
                                   " GROUP BY node", " GROUP BY time(30s)", " GROUP BY time(100s), s"}) {
      const std::string text = "SELECT " + call + " FROM m WHERE time >= 1s AND time < 998s" + tail;
      const std::string whole = ask(text);
      context_.limits.max_values = 10'000;          // a fifth, sixteen times: 32,000 rows of 197,000
      engine_ = std::make_unique<Engine>(*store_);  // the last one kept what it computed
      EXPECT_EQ(ask(text), whole);
      context_.limits.max_values = QueryLimits().max_values;
    }
  }
}

TEST_F(LongHistoryTest, LargeSeriesBehindSmallOnesAreReadInSlicesThatHaveRoom) {
  // Nothing tells that they are large before they are read, nor which of their fields is.
  for (int s = 10; s < 90; ++s) write("u,s=a" + std::to_string(s) + " a=1,b=1,t=\"small\" 1\n");
  constexpr int kRows = 40'000;
  for (int s = 0; s < 8; ++s) {
    std::string lines;
    for (int row = 0; row < kRows; ++row) {
      lines += "u,s=b" + std::to_string(s) +
               (row % 1'000 == 0 ? " a=2,t=\"x" + std::to_string(row) + "\",b=2 " : " b=2 ") +
               std::to_string(row) + "\n";
    }
    write(lines);
  }
  EXPECT_NE(ask("SELECT count(a), count(b), sum(b) FROM (SELECT a, b FROM u)").find("[0,400,320080,640080]"),
            std::string::npos);
  EXPECT_NE(ask("SELECT count(b) FROM u WHERE b > 1 GROUP BY s")
                .find("{\"s\":\"b7\"},\"columns\":[\"time\",\"count\"],"
                      "\"values\":[[0,40000]]"),
            std::string::npos);
  EXPECT_EQ(
      ask("SELECT t, b FROM u WHERE t = 'x7000' AND s = 'b3'"),
      R"({"results":[{"statement_id":0,"series":[{"name":"u","columns":["time","t","b"],"values":[[7000,"x7000",2]]}]}]})"
      "\n");
  // As many texts as have room are held, not as many values.
  context_.limits.max_values = 3'000;
  EXPECT_NE(ask("SELECT mode(t) FROM u WHERE s =~ /^b/ GROUP BY s").find("x0"), std::string::npos);
}

TEST_F(LongHistoryTest, OfWhatIsReducedByGroupOneGroupIsHeld) {
  for (const std::string call : {"integral(f)", "percentile(f, 50)", "mode(g)"}) {
    const std::string text = "SELECT " + call + " FROM m GROUP BY s";
    const std::string whole = ask(text);
    EXPECT_NE(whole.find("\"values\""), std::string::npos);
    context_.limits.max_values = 100'000;  // of 394,000
    EXPECT_EQ(ask(text), whole) << call;
    context_.limits.max_values = QueryLimits().max_values;
  }
}

TEST_F(LongHistoryTest, BucketsAreReducedStretchByStretch) {
  context_.limits.max_values = 100'000;  // of 394,000
  for (const std::string call : {"percentile(f, 90)", "stddev(f)", "distinct(g)", "top(f, 2)"}) {
    for (const std::string order : {"", " ORDER BY time DESC"}) {
      const std::string select = "SELECT " + call + " FROM m";
      const std::string tail = " GROUP BY time(50s)" + order;
      std::string parts;
      for (int from = 0; from < kSeconds; from += 100) parts += ask_between(select, from, from + 100, tail);
      const std::string whole = ask_between(select, 0, kSeconds, tail);
      // Each row of the whole stands in a part.
      std::size_t rows = 0;
      for (std::size_t at = whole.find("\"values\":[") + 10; at < whole.size() && whole[at] == '[';) {
        const std::size_t end = whole.find(']', at) + 1;
        const std::string row = whole.substr(at, end - at);
        EXPECT_NE(parts.find(row), std::string::npos) << call << order << row;
        at = end + 1;
        ++rows;
      }
      EXPECT_GE(rows, 20U) << call << order;
    }
  }
}

}  // namespace
}  // namespace gpuscale::influxql
