// SPDX-License-Identifier: Apache-2.0
// Answers of other stores, as they give them and as they should not.
#include <gmock/gmock.h>

#include "datasource/influxdb_answer.h"
#include "datasource/prometheus_answer.h"

namespace gpuscale::datasource {
namespace {

using ::testing::HasSubstr;

std::string of_prometheus(const std::string& data) {
  return R"({"status":"success","data":)" + data + "}";
}
Errc code_of(const Result<std::vector<Series>>& answer) {
  return answer ? Errc::kInternal : answer.error().code();
}

TEST(PrometheusAnswer, AMatrixIsSeriesByTheirLabels) {
  const auto series = read_prometheus_answer(of_prometheus(
      R"({"resultType":"matrix","result":[{"metric":{"__name__":"util","node":"b","empty":""},
          "values":[[1700000000,"1"],[1700000001.25,"NaN"],[1700000002,"2.5"],[1700000003,"+Inf"]]}]})"));
  ASSERT_TRUE(series) << series.error().message();
  ASSERT_EQ(series->size(), 1U);
  EXPECT_EQ(series->at(0).name, "util {node: b}");
  EXPECT_EQ(series->at(0).tags, (metrics::Tags{{"node", "b"}}));
  ASSERT_EQ(series->at(0).samples.size(), 4U);
  EXPECT_EQ(base::to_unix_nanos(series->at(0).samples[1].at), 1'700'000'001'250'000'000);
  EXPECT_EQ(series->at(0).samples[0].value, 1.0);
  EXPECT_FALSE(series->at(0).samples[1].value) << "NaN is nothing that was measured";
  EXPECT_EQ(series->at(0).samples[2].value, 2.5);
  EXPECT_FALSE(series->at(0).samples[3].value);
}

TEST(PrometheusAnswer, VectorAndScalarAreSeriesOfOneSample) {
  const auto vector = read_prometheus_answer(
      of_prometheus(R"({"resultType":"vector","result":[{"metric":{},"value":[5,"7"]}]})"));
  ASSERT_TRUE(vector);
  EXPECT_EQ(vector->at(0).samples.at(0).value, 7.0);
  const auto scalar = read_prometheus_answer(of_prometheus(R"({"resultType":"scalar","result":[5,"-3e2"]})"));
  ASSERT_TRUE(scalar);
  EXPECT_EQ(scalar->at(0).samples.at(0).value, -300.0);
}

TEST(PrometheusAnswer, NoSeriesIsNoDataAndNoError) {
  const auto none = read_prometheus_answer(of_prometheus(R"({"resultType":"matrix","result":[]})"));
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
}

TEST(PrometheusAnswer, WhatItCouldNotAnswerIsAnErrorAndNeverNoData) {
  const auto bad =
      read_prometheus_answer(R"({"status":"error","errorType":"bad_data","error":"parse error: 1:1"})");
  EXPECT_EQ(code_of(bad), Errc::kInvalidArgument);
  EXPECT_THAT(bad.error().message(), HasSubstr("parse error: 1:1"));
  EXPECT_EQ(code_of(read_prometheus_answer(R"({"status":"error","errorType":"timeout","error":"x"})")),
            Errc::kTimeout);
  EXPECT_EQ(code_of(read_prometheus_answer(
                R"({"status":"success","isPartial":true,"data":{"resultType":"vector","result":[]}})")),
            Errc::kUnavailable);
  EXPECT_EQ(code_of(read_prometheus_answer(of_prometheus(R"({"resultType":"string","result":[1,"a"]})"))),
            Errc::kInvalidArgument);
  EXPECT_EQ(code_of(read_prometheus_answer(
                of_prometheus(R"({"resultType":"vector","result":[{"metric":{},"histogram":[1,{}]}]})"))),
            Errc::kInvalidArgument);
}

TEST(PrometheusAnswer, OfAnythingElseItSaysThatItIsNone) {
  for (
      const char* body :
      {"", "<html>", "[]", "{}", "null", R"({"status":"success"})",
       R"({"status":"success","data":{"resultType":"matrix"}})",
       R"({"status":"success","data":{"resultType":"matrix","result":{}}})",
       R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1]]}]}})",
       R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1e300,"1"]]}]}})",
       R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1x"]}]}})",
       R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":1},"value":[1,"1"]}]}})"}) {
    EXPECT_EQ(code_of(read_prometheus_answer(body)), Errc::kCorrupt) << body;
  }
}

TEST(PrometheusAnswer, TooManySeriesAreRefusedByCount) {
  std::string items;
  for (std::size_t i = 0; i <= kMostSeriesOfAnswer; ++i) {
    if (i > 0) items += ',';
    items += R"({"metric":{},"value":[1,"1"]})";
  }
  const auto answer =
      read_prometheus_answer(of_prometheus(R"({"resultType":"vector","result":[)" + items + "]}"));
  EXPECT_EQ(code_of(answer), Errc::kExhausted);
  EXPECT_THAT(answer.error().message(), HasSubstr("aggregate"));
}

TEST(InfluxdbAnswer, RowsAreSeriesByTags) {
  const auto series = read_influxdb_answer(
      R"({"results":[{"statement_id":0,"series":[{"name":"gpu","tags":{"node":"a"},"columns":["time","mean"],
          "values":[[1700000000000000000,1],[1700000001000000000,null],[1700000002000000000,2.5]]}]}]})");
  ASSERT_TRUE(series) << series.error().message();
  ASSERT_EQ(series->size(), 1U);
  EXPECT_EQ(series->at(0).name, "gpu.mean {node: a}");
  EXPECT_EQ(series->at(0).samples.size(), 3U);
  EXPECT_FALSE(series->at(0).samples[1].value);
  EXPECT_EQ(series->at(0).samples[2].value, 2.5);
}

TEST(InfluxdbAnswer, NoSeriesIsNoDataAndAnErrorInsideIsAnError) {
  const auto none = read_influxdb_answer(R"({"results":[{"statement_id":0}]})");
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
  const auto missing =
      read_influxdb_answer(R"({"results":[{"statement_id":0,"error":"database not found: x"}]})");
  EXPECT_EQ(code_of(missing), Errc::kInvalidArgument);
  EXPECT_THAT(missing.error().message(), HasSubstr("database not found: x"));
  EXPECT_EQ(code_of(read_influxdb_answer(R"({"error":"query timeout reached"})")), Errc::kTimeout);
  EXPECT_EQ(
      code_of(read_influxdb_answer(
          R"({"results":[{"series":[{"name":"g","columns":["time","v"],"values":[[1,1]],"partial":true}]}]})")),
      Errc::kExhausted);
}

TEST(InfluxdbAnswer, OfAnythingElseItSaysThatItIsNone) {
  for (const char* body : {"", "<html>", "[]", "{}", R"({"results":{}})", R"({"results":[1]})",
                           R"({"results":[{"series":[1]}]})", R"({"results":[{"series":[{"columns":[1]}]}]})",
                           R"({"results":[{"series":[{"columns":["time","v"],"values":[[1]]}]}]})"}) {
    EXPECT_EQ(code_of(read_influxdb_answer(body)), Errc::kCorrupt) << body;
  }
  EXPECT_EQ(code_of(read_influxdb_answer(
                R"({"results":[{"series":[{"columns":["time","v"],"values":[[1,"text"]]}]}]})")),
            Errc::kInvalidArgument);
}

}  // namespace
}  // namespace gpuscale::datasource
