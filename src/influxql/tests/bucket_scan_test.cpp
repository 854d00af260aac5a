// SPDX-License-Identifier: Apache-2.0
/// The quick way to aggregate gives what the general way gives, also from what it kept, whatever was written,
/// sealed or deleted in between.
#include <gtest/gtest.h>

#include <random>

#include "influxql/tests/query_fixture.h"

namespace gpuscale::influxql {
namespace {

class BucketScanTest : public QueryTest {
 protected:
  /// Segments are given totals wherever there may be any.
  BucketScanTest() : QueryTest({.samples_of_a_slot = 1}) {}

  void write(const std::string& lines) { QueryTest::write(lines, metrics::Precision::kSeconds); }
};

TEST_F(BucketScanTest, AgreesWithTheGeneralWay) {
  std::mt19937 random(23);
  const auto below = [&](unsigned bound) { return static_cast<unsigned>(random() % bound); };
  const char* const functions[] = {"count(", "sum(",    "mean(",   "min(",        "max(",       "first(",
                                   "last(",  "spread(", "median(", "percentile(", "percentile("};
  const char* const tails[] = {")", ")", ")", ")", ")", ")", ")", ")", ")", ", 37.5)", ", 100)"};
  const char* const groups[] = {"", ", host", ", host, zone", ", *"};
  for (int round = 0; round < 150; ++round) {
    std::string lines;
    for (unsigned n = 1 + below(30); n > 0; --n) {
      // Mostly forward, at times late: what was kept must notice.
      const unsigned time = below(10) == 0 ? below(600) : static_cast<unsigned>(round) * 4 + below(8);
      lines += "m,host=" + std::string(1, static_cast<char>('a' + below(3)));
      if (below(2) == 0) lines += ",zone=x";
      lines += " f=" + std::to_string(static_cast<int>(below(400)) / 2.0 - 100) +
               ",i=" + std::to_string(static_cast<int>(below(100)) - 50) + "i " + std::to_string(time) + "\n";
    }
    write(lines);
    if (below(8) == 0) {
      ASSERT_TRUE(store_->flush());
    }
    if (below(12) == 0) {
      ask("DELETE FROM m WHERE host = 'b' AND time >= " + std::to_string(below(600)) + "s AND time < 700s");
    }
    for (int n = 0; n < 8; ++n) {
      const std::string field = below(2) == 0 ? "f" : "i";
      const unsigned function = below(11);
      const std::string select =
          std::string("SELECT ") + functions[function] + field + tails[function] + " FROM m WHERE ";
      const unsigned from = below(3) == 0 ? below(300) : static_cast<unsigned>(round) * 2;
      const std::string range = "time >= " + std::to_string(from) + "s AND time < " +
                                std::to_string(static_cast<unsigned>(round) * 4 + 9) + "s";
      // The last as rules ask, whose windows move.
      const std::string buckets[] = {"30s", "7s, 2s", "30s, " + std::to_string(round % 30) + "s"};
      const std::string group =
          below(5) == 0 ? "" : " GROUP BY time(" + buckets[below(3)] + ")" + groups[below(4)];
      const std::string tail = group + (below(4) == 0 ? " ORDER BY time DESC" : "");
      // A condition on the field, which always holds, makes it take the general way.
      ASSERT_EQ(ask(select + range + tail), ask(select + range + " AND " + field + " > -1000" + tail))
          << "round " << round << ": " << select << range << tail;
    }
  }
}

TEST_F(BucketScanTest, AgreesWithTheGeneralWayWhereTotalsStandForSamples) {
  std::mt19937 random(5);
  const auto below = [&](unsigned bound) { return static_cast<unsigned>(random() % bound); };
  for (unsigned part = 0; part < 10; ++part) {
    std::string lines;
    for (unsigned time = part * 30; time < part * 30 + 30; ++time) {
      for (char host = 'a'; host < 'a' + 12; ++host)
        lines += std::string("m,host=") + host + " f=" + std::to_string(below(400) / 2.0 - 100) +
                 ",i=" + std::to_string(static_cast<int>(below(100)) - 50) + "i " + std::to_string(time) +
                 "\n";
    }
    write(lines);
    ASSERT_TRUE(store_->flush());
  }
  ASSERT_EQ(store_->stats().segments, 3U) << "of eight one was made";
  for (const char* function : {"count", "sum", "mean", "min", "max", "first", "last", "spread"}) {
    for (const std::string field : {"f", "i"}) {
      for (const char* group : {"", " GROUP BY time(30s)", " GROUP BY time(7s, 2s)", " GROUP BY time(500ms)",
                                " GROUP BY time(10s, 1ms)", " GROUP BY time(20s), host"}) {
        // Nothing was kept of one range that the next could take.
        const unsigned from = below(100'000);
        const std::string range = "time >= " + std::to_string(from) + "ms AND time < " +
                                  std::to_string(from + 20'000 + below(180'000)) + "ms";
        const std::string select =
            std::string("SELECT ") + function + "(" + field + ") FROM m WHERE " + range;
        EXPECT_EQ(ask(select + group), ask(select + " AND " + field + " > -1000" + group)) << select << group;
      }
    }
  }
}

TEST_F(BucketScanTest, AStandingQueryIsAnsweredAgainFromWhatItKept) {
  for (int t = 0; t < 300; t += 5) write("m,host=a f=" + std::to_string(t) + " " + std::to_string(t));
  const std::string text = "SELECT mean(f) FROM m WHERE time >= 0 AND time < 300s GROUP BY time(30s)";
  const std::string first = ask(text);
  EXPECT_EQ(ask(text), first);
  write("m,host=a f=1000 40");
  const std::string second = ask(text);
  EXPECT_NE(second, first) << "a late sample";
  write("m,host=new f=5 250");
  EXPECT_NE(ask(text), second) << "a series that was not there";
  ask("DROP MEASUREMENT m");
  EXPECT_EQ(ask(text).find("series"), std::string::npos);
}

TEST_F(BucketScanTest, AWindowThatMovesReadsOnlyWhatIsNew) {
  std::string lines;
  for (int t = 0; t < 600; ++t)
    lines += "m,host=a f=" + std::to_string(t % 37) + " " + std::to_string(t) + "\n";
  write(lines);
  for (const bool with_window : {true, false}) {
    // A rule's buckets begin with its window, a dashboard's where they always do.
    const auto window = [&](int end, const std::string& more) {
      const std::string offset = with_window ? ", " + std::to_string(end % 30) + "s" : "";
      return "SELECT mean(f), max(f) FROM m WHERE time >= " + std::to_string(end - 300) + "s AND time < " +
             std::to_string(end) + "s" + more + " GROUP BY time(30s" + offset + ")";
    };
    for (const int end : {300, 307, 312}) ask(window(end, ""));
    for (const int end : {317, 319, 345, 380}) {
      context_.limits.max_points = 2 * 40;
      const std::string answer = ask(window(end, ""));
      context_.limits.max_points = 0;
      EXPECT_EQ(answer, ask(window(end, " AND f > -1"))) << end;
    }
    write("m,host=a f=1000 100");
    EXPECT_NE(ask(window(390, "")).find("1000"), std::string::npos) << "a late sample is seen";
    ask("DROP MEASUREMENT m");
    write(lines);
  }
}

TEST_F(BucketScanTest, AWindowThatMovesByManyBucketsIsReadByWholeOnes) {
  std::string lines;
  for (int t = 0; t < 600; ++t)
    lines += "m,host=a f=" + std::to_string(t % 37) + " " + std::to_string(t) + "\n";
  write(lines);
  const auto window = [](int end) {
    return "SELECT max(f) FROM m WHERE time >= " + std::to_string(end - 300) + "s AND time < " +
           std::to_string(end) + "s GROUP BY time(30s)";
  };
  ask(window(300));
  context_.limits.max_points = 150;
  EXPECT_EQ(ask(window(420)).find("error"), std::string::npos) << "all but the new buckets had been read";
}

TEST_F(BucketScanTest, ABucketThatBeginsWithNoNumberHasNoGreatest) {
  // The deviation of one sample is no number; recorded from 1.6.7.
  const std::string text =
      "SELECT max(v) FROM (SELECT stddev(f) AS v FROM m WHERE time >= 0 AND time < 60s GROUP BY time(10s), "
      "host "
      "fill(none)) WHERE time >= 0 AND time < 60s GROUP BY time(1m)";
  write("m,host=a f=5 10\nm,host=b f=1 0\nm,host=b f=3 1");
  EXPECT_NE(ask(text).find("1.4142135623730951"), std::string::npos) << ask(text);
  ask("DROP MEASUREMENT m");
  write("m,host=a f=5 0\nm,host=b f=1 10\nm,host=b f=3 11");
  EXPECT_NE(ask(text).find("[0,null]"), std::string::npos) << ask(text);
}

TEST_F(BucketScanTest, RunningStatementsAreShownAndKilled) {
  context_.cancelled = [this] {
    QueryContext other;
    other.database = "db";
    const auto shown = engine_->execute("SHOW QUERIES", other);
    EXPECT_TRUE(shown);
    const auto& statements = shown->front().rows.front().values;
    EXPECT_EQ(statements.size(), 2U) << "the slow one and SHOW QUERIES itself";
    const auto id = std::get<std::int64_t>(statements.front().front());
    EXPECT_TRUE(engine_->execute("KILL QUERY " + std::to_string(id), other));
    return false;
  };
  write("m f=1 1\nm f=2 2");
  const auto results = engine_->execute("SELECT median(f) FROM m WHERE f > 0", context_);
  ASSERT_TRUE(results);
  EXPECT_EQ(results->front().error.value_or(""), "query interrupted");
  const auto none = engine_->execute("KILL QUERY 9999", QueryContext{});
  ASSERT_TRUE(none);
  EXPECT_EQ(none->front().error.value_or(""), "no such query id: 9999");
}

TEST_F(BucketScanTest, ExplainSaysWhatWouldBeRead) {
  write("m,host=a f=1 1\nm,host=b f=2 2");
  const std::string plan =
      ask("EXPLAIN SELECT mean(f) FROM m WHERE time >= 0 AND time < 60s GROUP BY time(30s), host");
  EXPECT_NE(plan.find("NUMBER OF SERIES: 2 match, 2 have samples"), std::string::npos) << plan;
  EXPECT_NE(plan.find("NUMBER OF GROUPS: 2"), std::string::npos) << plan;
  EXPECT_NE(ask("EXPLAIN ANALYZE SELECT mean(f) FROM m").find("SAMPLES READ: 2"), std::string::npos);
}

}  // namespace
}  // namespace gpuscale::influxql
