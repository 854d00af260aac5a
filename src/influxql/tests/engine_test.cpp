// SPDX-License-Identifier: Apache-2.0
#include "influxql/engine.h"

#include <gtest/gtest.h>

#include "influxql/render.h"
#include "influxql/testing/memory_store.h"

namespace gpuscale::influxql {
namespace {

using testing::MemoryStore;

constexpr std::int64_t kSecond = 1'000'000'000;

class EngineTest : public ::testing::Test {
 protected:
  EngineTest() {
    EXPECT_TRUE(store_.create_database("gpuscale", std::nullopt));
    EXPECT_TRUE(store_.load("gpuscale", "",
                            "gpu,node=b utilization_gpu=10,jobs=1i 0\n"
                            "gpu,node=a utilization_gpu=20,jobs=2i 10000000000\n"
                            "gpu,node=b utilization_gpu=30,jobs=4i 40000000000\n"
                            "gpu,node=a utilization_gpu=50,name=\"H100\" 100000000000\n"));
    context_.database = "gpuscale";
    context_.now = base::from_unix_nanos(120 * kSecond);
  }

  std::vector<StatementResult> run(const std::string& text) {
    auto results = Engine(store_).execute(text, context_);
    EXPECT_TRUE(results) << text << ": " << (results ? "" : results.error().message());
    return results ? *std::move(results) : std::vector<StatementResult>{};
  }
  /// The answer as JSON, times in seconds, without what is around the series.
  std::string ask(const std::string& text) {
    const std::string json = render_json(run(text), "s", false);
    const std::string prefix = R"({"results":[{"statement_id":0)";
    EXPECT_TRUE(json.starts_with(prefix)) << json;
    std::string rest = json.substr(prefix.size(), json.size() - prefix.size() - 4);
    return rest.starts_with(",\"series\":") ? rest.substr(10) : rest;
  }
  std::string error_of(const std::string& text) {
    const auto results = run(text);
    return results.empty() ? "" : results.back().error.value_or("");
  }

  MemoryStore store_;
  QueryContext context_;
};

TEST_F(EngineTest, BucketsAreHalfOpenAlignedToTheEpochAndEmptyOnesAreNull) {
  EXPECT_EQ(ask("SELECT mean(\"utilization_gpu\") FROM \"gpu\" WHERE time >= 0 AND time < 120s "
                "GROUP BY time(30s) fill(null)"),
            R"([{"name":"gpu","columns":["time","mean"],"values":[[0,15],[30,30],[60,null],[90,50]]}])");
  EXPECT_EQ(ask("SELECT mean(utilization_gpu) FROM gpu WHERE time >= 10s AND time < 40s GROUP BY time(30s)"),
            R"([{"name":"gpu","columns":["time","mean"],"values":[[0,20],[30,null]]}])");
}

TEST_F(EngineTest, SeriesOfATagAscendAndEndAtNow) {
  EXPECT_EQ(
      ask("SELECT mean(utilization_gpu) FROM gpu WHERE time > now() - 90s GROUP BY time(1m), node"),
      R"([{"name":"gpu","tags":{"node":"a"},"columns":["time","mean"],"values":[[0,null],[60,50],[120,null]]},)"
      R"({"name":"gpu","tags":{"node":"b"},"columns":["time","mean"],"values":[[0,30],[60,null],[120,null]]}])");
}

TEST_F(EngineTest, WithoutALowerBoundTheFirstSampleBeginsTheBuckets) {
  EXPECT_EQ(ask("SELECT count(utilization_gpu) FROM gpu WHERE node = 'a' AND time < 120s GROUP BY time(1m)"),
            R"([{"name":"gpu","columns":["time","count"],"values":[[0,1],[60,1]]}])");
}

TEST_F(EngineTest, FillsAsAsked) {
  const std::string query =
      "SELECT mean(utilization_gpu) FROM gpu WHERE time >= 0 AND time < 120s GROUP BY time(30s) ";
  const auto filled = [&](const std::string& how) {
    const std::string answer = ask(query + "fill(" + how + ")");
    return answer.substr(answer.find("\"values\":") + 9);
  };
  EXPECT_EQ(filled("none"), "[[0,15],[30,30],[90,50]]}]");
  EXPECT_EQ(filled("previous"), "[[0,15],[30,30],[60,30],[90,50]]}]");
  EXPECT_EQ(filled("linear"), "[[0,15],[30,30],[60,40],[90,50]]}]");
  EXPECT_EQ(filled("7"), "[[0,15],[30,30],[60,7],[90,50]]}]");
}

TEST_F(EngineTest, ASelectorAloneKeepsTheTimeOfItsSample) {
  EXPECT_EQ(ask("SELECT max(utilization_gpu) FROM gpu"),
            R"([{"name":"gpu","columns":["time","max"],"values":[[100,50]]}])");
  EXPECT_EQ(ask("SELECT last(utilization_gpu), node FROM gpu"),
            R"([{"name":"gpu","columns":["time","last","node"],"values":[[100,50,"a"]]}])");
  EXPECT_EQ(ask("SELECT min(utilization_gpu), max(utilization_gpu) FROM gpu WHERE time >= 5s"),
            R"([{"name":"gpu","columns":["time","min","max"],"values":[[5,20,50]]}])");
}

/// As a 1.6.7 answers over the same points: which of equals it keeps shows in their tags.
TEST_F(EngineTest, OfEqualsTopAndBottomKeepThoseThatInfluxKeeps) {
  ASSERT_TRUE(store_.load("gpuscale", "",
                          "tied,host=a i=3i 300000000000\n"
                          "tied i=3i 300000000000\n"
                          "tied,host=b i=1i 100000000000\n"
                          "tied,host=c i=3i 200000000000\n"
                          "tied,host=c i=2i 700000000000\n"
                          "tied,host=a i=2i 700000000000\n"));
  EXPECT_EQ(ask("SELECT top(i, host, 1) FROM tied WHERE time > 200s"),
            R"([{"name":"tied","columns":["time","top","host"],"values":[[300,3,null]]}])");
  const std::string in_buckets = " FROM tied WHERE time >= 0 AND time < 900s GROUP BY time(10m)";
  EXPECT_EQ(
      ask("SELECT top(i, host, 2)" + in_buckets),
      R"([{"name":"tied","columns":["time","top","host"],"values":[[200,3,"c"],[300,3,"a"],[700,2,"a"],[700,2,"c"]]}])");
  EXPECT_EQ(
      ask("SELECT top(i, host, 3)" + in_buckets + " ORDER BY time DESC"),
      R"([{"name":"tied","columns":["time","top","host"],"values":[[700,2,"a"],[700,2,"c"],[200,3,"c"],[300,3,"a"],[300,3,null]]}])");
  EXPECT_EQ(ask("SELECT bottom(i, host, 2) FROM tied WHERE time < 400s"),
            R"([{"name":"tied","columns":["time","bottom","host"],"values":[[100,1,"b"],[200,3,"c"]]}])");
}

TEST_F(EngineTest, IntegersStayIntegersButForMeansAndDivisions) {
  EXPECT_EQ(
      ask("SELECT sum(jobs), mean(jobs), count(jobs), sum(jobs) / 2 FROM gpu"),
      R"([{"name":"gpu","columns":["time","sum","mean","count","sum_1"],"values":[[0,7,2.3333333333333335,3,3.5]]}])");
}

/// As a 1.6.7 answers over the same points.
TEST_F(EngineTest, AnIntegralLeavesOutTheBucketThatItsLastSampleBegins) {
  EXPECT_EQ(
      ask("SELECT integral(utilization_gpu) FROM gpu WHERE time >= 0 AND time < 120s GROUP BY time(20s)"),
      R"([{"name":"gpu","columns":["time","integral"],"values":[[0,366.66666666666663],[40,1199.9999999999998]]}])");
  EXPECT_EQ(ask("SELECT integral(utilization_gpu) FROM gpu WHERE time >= 5s"),
            R"([{"name":"gpu","columns":["time","integral"],"values":[[0,3150]]}])");
  EXPECT_EQ(ask("SELECT integral(jobs) FROM gpu WHERE time >= 5s"),
            R"([{"name":"gpu","columns":["time","integral"],"values":[[5,90]]}])");
  EXPECT_EQ(ask("SELECT integral(jobs) FROM gpu"),
            R"([{"name":"gpu","columns":["time","integral"],"values":[[0,105]]}])");
  EXPECT_EQ(ask("SELECT integral(jobs) FROM gpu WHERE time >= 40s"), "");
}

TEST_F(EngineTest, RawRowsShowNullWhereAFieldIsMissing) {
  EXPECT_EQ(
      ask("SELECT utilization_gpu, jobs * 2 AS twice FROM gpu WHERE utilization_gpu >= 30"),
      R"([{"name":"gpu","columns":["time","utilization_gpu","twice"],"values":[[40,30,8],[100,50,null]]}])");
  EXPECT_EQ(
      ask("SELECT * FROM gpu WHERE time = 100s"),
      R"([{"name":"gpu","columns":["time","jobs","name","node","utilization_gpu"],"values":[[100,null,"H100","a",50]]}])");
}

TEST_F(EngineTest, WhatDoesNotExistGivesNoSeriesAndNoError) {
  EXPECT_EQ(ask("SELECT mean(utilization_gpu) FROM nosuch"), "");
  EXPECT_EQ(ask("SELECT mean(nosuch) FROM gpu"), "");
  EXPECT_EQ(ask("SELECT mean(utilization_gpu) FROM gpu WHERE node = 'c' GROUP BY time(30s) fill(0)"), "");
}

TEST_F(EngineTest, ATextIsRefusedAsAWholeWhenAnyPartDoesNotParse) {
  const auto results = Engine(store_).execute("DROP DATABASE gpuscale; SELEKT 1", context_);
  ASSERT_FALSE(results);
  EXPECT_EQ(results.error().code(), Errc::kInvalidArgument);
  EXPECT_EQ(results.error().message(),
            "error parsing query: found SELEKT, expected SELECT, DELETE, SHOW, CREATE, DROP, EXPLAIN, GRANT, "
            "REVOKE, "
            "ALTER, SET, KILL at line 1, char 25");
  EXPECT_EQ(store_.databases().size(), 1U);
}

TEST_F(EngineTest, AFailedStatementStopsTheOnesAfterIt) {
  const auto results = run("SHOW DATABASES; SELECT foo(utilization_gpu) FROM gpu; DROP DATABASE gpuscale");
  ASSERT_EQ(results.size(), 3U);
  EXPECT_FALSE(results[0].error);
  EXPECT_EQ(results[1].error, "undefined function foo()");
  EXPECT_EQ(results[2].error, "not executed");
  EXPECT_EQ(results[2].statement_id, 2);
  EXPECT_EQ(store_.databases().size(), 1U);
}

TEST_F(EngineTest, RightsAreAskedForBeforeAnythingRuns) {
  std::vector<std::string> asked;
  context_.authorize = [&asked](std::string_view privilege, std::string_view database,
                                std::string_view statement) -> Result<void> {
    asked.push_back(std::string(privilege) + "|" + std::string(database) + "|" + std::string(statement));
    return privilege == "READ" ? Result<void>() : fail(Errc::kForbidden, "no");
  };
  const auto results =
      Engine(store_).execute("SELECT f FROM gpu; DELETE FROM gpu; DROP DATABASE gpuscale", context_);
  ASSERT_FALSE(results);
  EXPECT_EQ(results.error().code(), Errc::kForbidden);
  EXPECT_EQ(asked,
            (std::vector<std::string>{"READ|gpuscale|SELECT f FROM gpu", "WRITE|gpuscale|DELETE FROM gpu"}));
  EXPECT_EQ(ask("SELECT count(utilization_gpu) FROM gpu"),
            R"([{"name":"gpu","columns":["time","count"],"values":[[0,4]]}])");
}

TEST_F(EngineTest, AChangeOverGetRunsWithAWarning) {
  context_.read_only = ReadOnly::kYes;
  const auto results = run("CREATE DATABASE other");
  ASSERT_EQ(results.at(0).messages.size(), 1U);
  EXPECT_EQ(
      results[0].messages[0].text,
      "deprecated use of 'CREATE DATABASE other' in a read only context, please use a POST request instead");
  EXPECT_EQ(store_.databases().size(), 2U);
}

TEST_F(EngineTest, BoundParametersStandForValues) {
  context_.params = {
      {"node", std::string("a")}, {"least", std::int64_t{30}}, {"field", Identifier{"utilization_gpu"}}};
  EXPECT_EQ(ask("SELECT $field FROM gpu WHERE node = $node AND utilization_gpu > $least"),
            R"([{"name":"gpu","columns":["time","utilization_gpu"],"values":[[100,50]]}])");
  const auto missing = Engine(store_).execute("SELECT $nope FROM gpu", context_);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message(), "error parsing query: missing parameter: nope");
}

TEST_F(EngineTest, TooManyBucketsAreRefusedBeforeTheyAreMade) {
  context_.limits.max_buckets = 100;
  EXPECT_EQ(
      error_of("SELECT mean(utilization_gpu) FROM gpu WHERE time >= 0 AND time < 120s GROUP BY time(1s)"),
      "max-select-buckets limit exceeded: (120/100)");
  EXPECT_EQ(store_.reads, 0);
  EXPECT_EQ(error_of("SELECT mean(utilization_gpu) FROM gpu WHERE time < 120s GROUP BY time(1s)"),
            "max-select-buckets limit exceeded: (101/100)");
}

TEST_F(EngineTest, TheLimitOfBucketsCountsThoseThatTheAnswerCanHold) {
  context_.limits.max_buckets = 5;
  const auto asked = [&](const std::string& rest, const std::string& what = "mean(jobs)") {
    return "SELECT " + what + " FROM gpu WHERE " + rest;
  };
  EXPECT_EQ(ask(asked("time < 120s GROUP BY time(1s) LIMIT 2")),
            R"([{"name":"gpu","columns":["time","mean"],"values":[[0,1],[1,null]]}])");
  EXPECT_EQ(ask(asked("time >= 9s AND time < 120s GROUP BY time(1s) fill(0) LIMIT 2 OFFSET 1")),
            R"([{"name":"gpu","columns":["time","mean"],"values":[[10,2],[11,0]]}])");
  EXPECT_EQ(ask(asked("time < 41s GROUP BY time(1s) fill(linear) ORDER BY time DESC LIMIT 2")),
            R"([{"name":"gpu","columns":["time","mean"],"values":[[40,4],[39,3.933333333333333]]}])");
  for (const std::string from : {"", "time >= 0 AND "}) {
    EXPECT_EQ(ask(asked(from + "time < 120s GROUP BY time(1s) fill(none)")),
              R"([{"name":"gpu","columns":["time","mean"],"values":[[0,1],[10,2],[40,4]]}])");
    EXPECT_EQ(ask(asked(from + "time < 120s GROUP BY time(1s) fill(none) LIMIT 1", "difference(mean(jobs))")),
              R"([{"name":"gpu","columns":["time","difference"],"values":[[10,1]]}])");
  }
  context_.limits.max_buckets = 2;
  const std::string too_many = "max-select-buckets limit exceeded: (3/2)";
  EXPECT_EQ(error_of(asked("time < 120s GROUP BY time(1s) fill(none)")), too_many);
  EXPECT_EQ(error_of(asked("time < 120s GROUP BY time(1s) LIMIT 2 OFFSET 1")), too_many);
  EXPECT_EQ(error_of(asked("time < 120s GROUP BY time(1s) LIMIT 1", "difference(mean(jobs))")), too_many);
}

TEST_F(EngineTest, AnIntoHasNoEmptyBuckets) {
  context_.limits.max_buckets = 4;
  const std::string from = " FROM gpu WHERE time >= 0 AND time < 100s GROUP BY time(10s)";
  EXPECT_EQ(ask("SELECT mean(jobs), difference(max(jobs)) INTO x" + from),
            R"([{"name":"result","columns":["time","written"],"values":[[0,3]]}])");
  EXPECT_EQ(ask("SELECT * FROM x"), R"([{"name":"x","columns":["time","difference","mean"],)"
                                    R"("values":[[0,null,1],[10,1,2],[40,2,4]]}])");
  ask("SELECT count(jobs) INTO counts" + from + " LIMIT 2");
  EXPECT_EQ(ask("SELECT * FROM counts"),
            R"([{"name":"counts","columns":["time","count"],"values":[[0,1],[10,1]]}])");
  EXPECT_EQ(error_of("SELECT mean(jobs) INTO y" + from + " fill(0)"),
            "max-select-buckets limit exceeded: (10/4)");
}

TEST_F(EngineTest, AnOffsetBucketWithoutALowerBoundEnds) {
  EXPECT_EQ(ask("SELECT max(jobs) FROM gpu WHERE time < 60s GROUP BY time(30s, 5s)"),
            R"([{"name":"gpu","columns":["time","max"],"values":[[-25,1],[5,2],[35,4]]}])");
}

TEST_F(EngineTest, PointsAndValuesAreBounded) {
  context_.limits.max_points = 3;
  EXPECT_EQ(error_of("SELECT utilization_gpu FROM gpu"), "max-select-point limit exceeded: (4/3)");
  context_.limits.max_points = 0;
  context_.limits.max_values = 5;
  EXPECT_NE(error_of("SELECT utilization_gpu FROM gpu").find("more than 5 values at once"),
            std::string::npos);
  context_.limits.max_values = 0;
  context_.limits.max_series = 1;
  EXPECT_EQ(error_of("SELECT utilization_gpu FROM gpu"), "max-select-series limit exceeded: (2/1)");
}

TEST_F(EngineTest, ACancelledQueryEnds) {
  context_.cancelled = [] { return true; };
  const auto results = run("SELECT utilization_gpu FROM gpu");
  EXPECT_EQ(results.at(0).error, "query interrupted");
  EXPECT_EQ(results.at(0).error_code, Errc::kUnavailable);
}

TEST_F(EngineTest, WordsNestedWithoutEndAreRefused) {
  const std::string deep(5'000, '(');
  const auto parens = Engine(store_).execute("SELECT " + deep, context_);
  ASSERT_FALSE(parens);
  EXPECT_NE(parens.error().message().find("nested deeper than 100"), std::string::npos);
  std::string many = "SELECT f FROM gpu WHERE f = 1";
  for (int i = 0; i < 5'000; ++i) many += " OR f = 1";
  const auto chain = Engine(store_).execute(many, context_);
  ASSERT_FALSE(chain);
  EXPECT_NE(chain.error().message().find("more than 2000 operators"), std::string::npos);
}

TEST_F(EngineTest, CountsOfBucketsAddUpToTheCountOfAll) {
  std::string lines;
  for (int i = 0; i < 500; ++i) {
    lines += "p,h=" + std::to_string(i % 7) + " v=" + std::to_string(i) + " " +
             std::to_string(i * 977'000'003LL) + "\n";
  }
  ASSERT_TRUE(store_.load("gpuscale", "", lines));
  for (const char* every : {"1s", "7s", "30s, 5s", "1m, -10s", "1h"}) {
    const auto results =
        run("SELECT count(v) FROM p WHERE time < 600s GROUP BY time(" + std::string(every) + "), h");
    std::int64_t sum = 0;
    for (const Row& row : results.at(0).rows) {
      for (const auto values : row.values) sum += std::get<std::int64_t>(values[1]);
    }
    EXPECT_EQ(sum, 500) << every;
  }
}

TEST_F(EngineTest, SeriesStandByMeasurementThenKey) {
  ASSERT_TRUE(store_.load("gpuscale", "", "cpu v=1 1\ncpu,h=a v=1 1\ncpu\\ load v=1 1\ncpu#1 v=1 1\n"));
  EXPECT_EQ(ask("SHOW SERIES LIMIT 3"),
            R"([{"columns":["key"],"values":[["cpu"],["cpu,h=a"],["cpu\\ load"]]}])");
  EXPECT_EQ(ask("SHOW SERIES WHERE time > 0 LIMIT 3"),
            R"([{"columns":["key"],"values":[["cpu"],["cpu#1"],["cpu,h=a"]]}])");
}

TEST_F(EngineTest, TagsAreComparedForEqualityAlone) {
  const std::string wrong = "invalid tag comparison operator";
  for (const char* show : {"SHOW SERIES ", "SHOW TAG KEYS ", "SHOW TAG VALUES WITH KEY = node "}) {
    for (const char* test : {"jobs > 1", "node < 'b'", "node = 'a' OR (jobs >= 1)"})
      EXPECT_EQ(error_of(std::string(show) + "WHERE " + test), wrong) << show << test;
  }
  EXPECT_EQ(ask("SHOW SERIES WHERE jobs = 1"),
            R"([{"columns":["key"],"values":[["gpu,node=a"],["gpu,node=b"]]}])");
  EXPECT_EQ(ask("SHOW SERIES WHERE node = 'a'"), R"([{"columns":["key"],"values":[["gpu,node=a"]]}])");
}

TEST_F(EngineTest, SeriesLimitsDoNotLimitTagKeys) {
  ASSERT_TRUE(store_.load("gpuscale", "", "cpu,h=a v=1 1\n"));
  EXPECT_EQ(ask("SHOW TAG KEYS SLIMIT 1 SOFFSET 1"),
            R"([{"name":"cpu","columns":["tagKey"],"values":[["h"]]},)"
            R"({"name":"gpu","columns":["tagKey"],"values":[["node"]]}])");
}

TEST_F(EngineTest, WhatIsNotOfferedIsToldFromWhatDoesNotExist) {
  for (const std::string name :
       {"exponential_moving_average", "double_exponential_moving_average",
        "triple_exponential_moving_average", "triple_exponential_derivative", "relative_strength_index",
        "chande_momentum_oscillator", "kaufmans_efficiency_ratio", "kaufmans_adaptive_moving_average"}) {
    const auto error = [&](const std::string& arguments) {
      return error_of("SELECT " + name + "(" + arguments + ") FROM gpu");
    };
    EXPECT_EQ(error("jobs, 2"), name + "() is not offered by this server");
    EXPECT_EQ(error("jobs, 0"), name + " period must be greater than or equal to 1");
    EXPECT_EQ(error("jobs, 'x'"), name + " period must be an integer");
    EXPECT_EQ(error("mean(jobs), 2"), name + " aggregate requires a GROUP BY interval");
    EXPECT_EQ(error("jobs").find("invalid number of arguments for " + name + ", expected at least 2"), 0U);
    EXPECT_EQ(error("nosuch, 2"), "");
  }
}

TEST_F(EngineTest, StatsAndDiagnosticsAreShownByModule) {
  EXPECT_EQ(ask("SHOW STATS FOR 'database'"),
            R"([{"name":"database","tags":{"database":"gpuscale"},"columns":["numMeasurements","numSeries"],)"
            R"("values":[[1,2]]}])");
  EXPECT_EQ(ask("SHOW STATS FOR 'nosuch'"), "");
  EXPECT_EQ(ask("SHOW DIAGNOSTICS FOR 'build'"),
            R"([{"name":"build","columns":["Branch","Build Time","Commit","Version"],)"
            R"("values":[["unknown","","unknown","1.6.7"]]}])");
  const auto all = run("SHOW DIAGNOSTICS");
  ASSERT_EQ(all.at(0).rows.size(), 2U);
  EXPECT_EQ(all[0].rows[1].name, "system");
  EXPECT_EQ(run("SHOW STATS").at(0).rows.front().name, "queryExecutor");
}

TEST_F(EngineTest, AnEmptyResampleIsRefused) {
  const auto made = [&](const std::string& resample) {
    const auto results = Engine(store_).execute("CREATE CONTINUOUS QUERY c ON gpuscale RESAMPLE " + resample +
                                                    " BEGIN SELECT mean(jobs) INTO x FROM gpu GROUP BY "
                                                    "time(1m) END",
                                                context_);
    return results ? results->front().error.value_or("") : results.error().message();
  };
  const std::string refused = "error parsing query: found BEGIN, expected EVERY, FOR at line 1, char ";
  EXPECT_EQ(made("EVERY 0s"), refused + "57");
  EXPECT_EQ(made("FOR 0s"), refused + "55");
  EXPECT_EQ(made("EVERY INF"), "error parsing query: found INF, expected duration at line 1, char 54");
  EXPECT_EQ(made("EVERY 0s FOR 5m"), "");
}

TEST_F(EngineTest, BoundLimitsBelowZeroAreRefused) {
  context_.params = {{"n", std::int64_t{-5}}};
  for (const std::string word : {"LIMIT", "OFFSET", "SLIMIT", "SOFFSET"}) {
    const auto results = Engine(store_).execute("SELECT jobs FROM gpu " + word + " $n", context_);
    ASSERT_FALSE(results) << word;
    EXPECT_EQ(results.error().message(), "error parsing query: " + word + " must be >= 0 at line 1, char " +
                                             std::to_string(23 + word.size()));
  }
}

}  // namespace
}  // namespace gpuscale::influxql
