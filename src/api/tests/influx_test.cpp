// SPDX-License-Identifier: Apache-2.0
/// The InfluxDB endpoints over the real store and the real query engine.
#include "api/influx.h"

#include <gmock/gmock.h>

#include "api/testing/test_api.h"
#include "base/testing/manual_clock.h"

namespace gpuscale::api {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class InfluxTest : public ::testing::Test {
 protected:
  InfluxTest()
      : api_(AuthMode::kRequired,
             testing::must(tsdb::Store::open({":memory:", {}}, clock_, log::Log::silent()))) {
    EXPECT_EQ(query("CREATE DATABASE gpuscale").status, 200);
  }
  http::Response write(const std::string& lines, const std::string& parameters = "db=gpuscale",
                       http::Headers headers = {}) {
    return api_.call(http::Method::kPost, "/write?" + parameters, lines, std::move(headers));
  }
  http::Response query(const std::string& text, const std::string& more = "") {
    return api_.call(http::Method::kPost, "/query?db=gpuscale&q=" + http::url_encode(text) + more);
  }
  json rows(const std::string& text) {
    const json body = json::parse(query(text, "&epoch=ns").body);
    return body["results"][0]["series"][0]["values"];
  }
  base::testing::ManualClock clock_;
  testing::TestApi api_;
};

TEST_F(InfluxTest, WhatIsWrittenIsFoundAgain) {
  EXPECT_EQ(write("gpu,node=a utilization_gpu=45.5 1000\ngpu,node=b utilization_gpu=10 1000\n").status, 204);
  EXPECT_EQ(rows("SELECT mean(utilization_gpu) FROM gpu"), json::parse("[[0,27.75]]"));
  EXPECT_EQ(
      json::parse(query("SELECT utilization_gpu FROM gpu WHERE node = 'a'").body)["results"][0]["series"][0],
      json::parse(R"({"name":"gpu","columns":["time","utilization_gpu"],
                           "values":[["1970-01-01T00:00:00.000001Z",45.5]]})"));
}

TEST_F(InfluxTest, TakesGzipAndPrecision) {
  http::Headers headers{{"Content-Encoding", "gzip"}};
  EXPECT_EQ(write(http::gzip("m v=1 5\n"), "db=gpuscale&precision=s", headers).status, 204);
  EXPECT_EQ(rows("SELECT v FROM m"), json::parse("[[5000000000,1]]"));
  EXPECT_EQ(write("rubbish", "db=gpuscale", headers).status, 400);
}

TEST_F(InfluxTest, GoodLinesAreKeptAndTheBadOneIsNamed) {
  const auto answer = write("m v=1 1\nm v=bad 2\nm v=3 3\n");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(json::parse(answer.body)["error"],
            "partial write: unable to parse 'm v=bad 2': invalid boolean dropped=0");
  EXPECT_EQ(rows("SELECT count(v) FROM m"), json::parse("[[0,2]]"));
}

/// Bodies are stored in parts of some hundred points; nobody may notice.
TEST_F(InfluxTest, ALongBodyIsAnsweredAsAShortOne) {
  std::string lines;
  for (int i = 1; i <= 3'000; ++i) {
    std::string value = "1i";
    if (i == 1'100 || i == 2'900) value = "bad";
    if (i == 1'700 || i == 2'700) value = "\"text " + std::to_string(i) + "\"";
    lines += "m,host=a v=" + value + " " + std::to_string(i) + "\n";
  }
  // What could not be stored is said first, as InfluxDB does.
  const auto conflicts = write(lines);
  EXPECT_EQ(conflicts.status, 400);
  EXPECT_EQ(json::parse(conflicts.body)["error"],
            "partial write: field type conflict: input field \"v\" on measurement \"m\" is type string, "
            "already exists as type integer dropped=2");
  EXPECT_EQ(rows("SELECT count(v) FROM m"), json::parse("[[0,2996]]"));
  EXPECT_EQ(rows("SELECT last(v) FROM m"), json::parse("[[3000,1]]"));

  std::string with_bad_lines;
  for (int i = 1; i <= 1'000; ++i)
    with_bad_lines +=
        "n v=" + std::string(i == 10 || i == 900 ? "bad" : "1") + " " + std::to_string(i) + "\n";
  const auto unread = write(with_bad_lines);
  EXPECT_EQ(json::parse(unread.body)["error"],
            "partial write: unable to parse 'n v=bad 10': invalid boolean\nunable to parse 'n v=bad 900': "
            "invalid boolean dropped=0");
  EXPECT_EQ(rows("SELECT count(v) FROM n"), json::parse("[[0,998]]"));

  std::string good;
  for (int i = 1; i <= 1'000; ++i) good += "o v=1 " + std::to_string(i) + "\n";
  EXPECT_EQ(write(good).status, 204);
  EXPECT_EQ(rows("SELECT count(v) FROM o"), json::parse("[[0,1000]]"));
  EXPECT_EQ(write(good, "db=gpuscale&rp=norp").status, 500);
}

TEST_F(InfluxTest, RefusalsHaveInfluxDbsWords) {
  EXPECT_EQ(write("m v=1", "").status, 400);
  const auto unknown = write("m v=1", "db=nosuch");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(json::parse(unknown.body)["error"], "database not found: \"nosuch\"");
  EXPECT_EQ(write("m v=1", "db=gpuscale&rp=norp").status, 500);
  EXPECT_EQ(write(std::string(25'000'001, 'x')).status, 413);
  EXPECT_EQ(
      write(http::gzip(std::string(25'000'001, 'x')), "db=gpuscale", {{"Content-Encoding", "gzip"}}).status,
      413);
  const auto broken = query("SELEKT 1");
  EXPECT_EQ(broken.status, 400);
  EXPECT_THAT(json::parse(broken.body)["error"].get<std::string>(),
              StartsWith("error parsing query: found SELEKT, expected SELECT"));
  EXPECT_THAT(broken.body, HasSubstr("at line 1, char 1"));
  EXPECT_EQ(json::parse(api_.get("/query").body)["error"], "missing required parameter \"q\"");
}

TEST(AnsweredAtOnce, AreTheSmallWritesThatNoPasswordIsCheckedFor) {
  using http::Method;
  const auto at_once = [](Method method, const std::string& target, http::Headers headers = {},
                          const std::string& body = "m v=1") {
    return answered_at_once(testing::TestApi::request(method, target, body, std::move(headers)));
  };
  EXPECT_TRUE(at_once(Method::kPost, "/write?db=x"));
  EXPECT_TRUE(at_once(Method::kPost, "/write?db=x", {{"Authorization", "Token abc"}}));
  EXPECT_TRUE(at_once(Method::kPost, "/write?db=x", {{"Authorization", "Bearer abc"}}));
  EXPECT_FALSE(at_once(Method::kPost, "/write?db=x", {{"Authorization", "Token admin:password"}}));
  EXPECT_FALSE(at_once(Method::kPost, "/write?db=x", {{"Authorization", "Basic YTpi"}}));
  EXPECT_FALSE(at_once(Method::kPost, "/write?db=x&u=admin&p=password"));
  EXPECT_FALSE(at_once(Method::kPost, "/write?db=x", {{"Cookie", "gpuscale_8486=abc"}}));
  EXPECT_FALSE(at_once(Method::kPost, "/write?db=x", {{"Content-Encoding", "gzip"}}));
  EXPECT_FALSE(at_once(Method::kPost, "/write?db=x", {}, std::string(20'000, 'm')));
  EXPECT_FALSE(at_once(Method::kOptions, "/write?db=x"));
  EXPECT_FALSE(at_once(Method::kPost, "/query?db=x"));
}

TEST_F(InfluxTest, AWrongTokenIs401) {
  http::Headers wrong{{"Authorization", "Bearer nonsense"}};
  EXPECT_EQ(write("m v=1", "db=gpuscale", wrong).status, 401);
  EXPECT_EQ(api_.call(http::Method::kGet, "/query?q=SHOW+DATABASES", "", wrong).status, 401);
  EXPECT_EQ(api_.call(http::Method::kGet,
                      "/query?q=SHOW+DATABASES&u=admin&p=" + http::url_encode(testing::kAdminPassword), "",
                      {{"Authorization", ""}})
                .status,
            200);
}

TEST_F(InfluxTest, BindParametersAndEpochs) {
  write("m,host=a v=1 1000000000\nm,host=b v=2 2000000000\n");
  const auto bound =
      query("SELECT v FROM m WHERE host = $h", "&epoch=s&params=" + http::url_encode(R"({"h":"b"})"));
  EXPECT_EQ(json::parse(bound.body)["results"][0]["series"][0]["values"], json::parse("[[2,2]]"));
  const auto missing = query("SELECT v FROM m WHERE host = $h");
  EXPECT_EQ(missing.status, 400);
  EXPECT_THAT(missing.body, HasSubstr("missing parameter: h"));
}

TEST_F(InfluxTest, ParametersAreReadAsGoReadsThem) {
  write("m v=1 1\nm v=2 2\nm v=3 3\n");
  const auto limited = [&](const std::string& params) {
    const auto answer = query("SELECT v FROM m LIMIT $n", "&epoch=ns&params=" + http::url_encode(params));
    const json body = json::parse(answer.body);
    return answer.status == 200 ? body["results"][0]["series"][0]["values"].dump()
                                : body["error"].get<std::string>();
  };
  EXPECT_EQ(limited(R"({"n":1}x)"), "[[1,1]]");
  EXPECT_EQ(limited(R"({"n":1} {"n":2})"), "[[1,1]]");
  const std::string parsing = "error parsing query: ";
  EXPECT_EQ(limited("null"), parsing + "found $n, expected integer at line 1, char 23");
  EXPECT_EQ(limited(R"({"n":-5})"), parsing + "LIMIT must be >= 0 at line 1, char 23");
  EXPECT_EQ(limited(R"({"n":1.0})"), parsing + "found 1, expected integer at line 1, char 23");
  EXPECT_EQ(
      limited(R"({"n":{"integer":1e3}})"),
      parsing +
          "found strconv.ParseInt: parsing \"1e3\": invalid syntax, expected integer at line 1, char 23");
  EXPECT_EQ(
      limited(R"({"n":[1e3]})"),
      parsing +
          "found unable to bind parameter with type []interface {}, expected integer at line 1, char 23");
  const std::string number = "error parsing json value: strconv.";
  EXPECT_EQ(limited(R"({"n":1e3})"), number + "ParseInt: parsing \"1e3\": invalid syntax");
  EXPECT_EQ(limited(R"({"n":9223372036854775808})"),
            number + "ParseInt: parsing \"9223372036854775808\": value out of range");
  EXPECT_EQ(limited(R"({"n":-99999999999999999999})"),
            number + "ParseInt: parsing \"-99999999999999999999\": value out of range");
  EXPECT_EQ(limited(R"({"n":1.5e400})"), number + "ParseFloat: parsing \"1.5e400\": value out of range");
  EXPECT_EQ(limited("true"),
            "error parsing query parameters: json: cannot unmarshal bool into Go value of type "
            "map[string]interface {}");
  EXPECT_EQ(limited(R"({"n":2)"), "error parsing query parameters: unexpected EOF");
}

TEST_F(InfluxTest, PingAndHealthSayWhoWeAre) {
  const auto ping = api_.get("/ping");
  EXPECT_EQ(ping.status, 204);
  EXPECT_EQ(ping.headers.get("X-Influxdb-Version"), kInfluxVersion);
  EXPECT_EQ(json::parse(api_.get("/health").body)["status"], "pass");
  EXPECT_EQ(api_.get("/healthz").status, 200);
  EXPECT_EQ(api_.get("/readyz").status, 200);
}

TEST_F(InfluxTest, WritesAreRememberedForTheTimeline) {
  write("gpu,node=a utilization_gpu=45.5 1000\n");
  EXPECT_EQ(api_.arrivals.of(base::from_unix_nanos(1000)), api_.clock.wall());
  EXPECT_EQ(api_.arrivals.of(base::from_unix_nanos(1001)), std::nullopt);
}

TEST_F(InfluxTest, ChunksAndCsvCarryTheSameRows) {
  write("m v=1 1\nm v=2 2\nm v=3 3\n");
  const auto chunked = query("SELECT v FROM m", "&chunked=true&chunk_size=2&epoch=ns");
  EXPECT_THAT(chunked.body, HasSubstr(R"("values":[[1,1],[2,2]],"partial":true)"));
  EXPECT_THAT(chunked.body, HasSubstr(R"("values":[[3,3]])"));
  const auto csv =
      api_.call(http::Method::kGet, "/query?db=gpuscale&q=" + http::url_encode("SELECT v FROM m"), "",
                {{"Accept", "application/csv"}});
  EXPECT_EQ(csv.body, "name,tags,time,v\nm,,1,1\nm,,2,2\nm,,3,3\n");
}

TEST_F(InfluxTest, WhatIsLookedUpIsNotCutInChunks) {
  write("a,h=1 v=1 1\na,h=2 v=1 1\nb,h=1 v=1 1\n");
  const std::string chunks = "&chunked=true&chunk_size=1";
  EXPECT_EQ(query("SHOW MEASUREMENTS", chunks).body,
            R"({"results":[{"statement_id":0,"series":[{"name":"measurements","columns":["name"],)"
            R"("values":[["a"],["b"]]}]}]})"
            "\n");
  EXPECT_EQ(query("SHOW TAG VALUES WITH KEY = h", chunks).body,
            R"({"results":[{"statement_id":0,"series":[{"name":"a","columns":["key","value"],)"
            R"("values":[["h","1"],["h","2"]]}]}]})"
            "\n"
            R"({"results":[{"statement_id":0,"series":[{"name":"b","columns":["key","value"],)"
            R"("values":[["h","1"]]}]}]})"
            "\n");
  EXPECT_THAT(query("SHOW SERIES LIMIT 2", chunks).body,
              HasSubstr(R"("values":[["a,h=1"]],"partial":true}],"partial":true}]})"));
}

TEST_F(InfluxTest, MsgpackHasTheTypesThatInfluxDbSends) {
  write("m f=33.5,i=200i 1000000000\n");
  const auto packed = [&](const std::string& text) {
    return api_
        .call(http::Method::kGet, "/query?db=gpuscale&epoch=ns&q=" + http::url_encode(text), "",
              {{"Accept", "application/x-msgpack"}})
        .body;
  };
  const std::string answer = packed("SELECT f, i FROM m");
  const std::string row("\x93\xd2\x3b\x9a\xca\x00\xcb\x40\x40\xc0\x00\x00\x00\x00\x00\xd1\x00\xc8", 18);
  EXPECT_TRUE(answer.ends_with(row)) << answer;
  EXPECT_EQ(json::from_msgpack(answer)["results"][0]["series"][0]["values"],
            json::parse("[[1000000000,33.5,200]]"));
  EXPECT_EQ(json::from_msgpack(packed("SELECT f FROM nosuch")),
            json::parse(R"({"results":[{"statement_id":0,"series":[]}]})"));
  EXPECT_EQ(json::from_msgpack(packed("SELECT foo(f) FROM m")),
            json::parse(R"-({"results":[{"error":"undefined function foo()"}]})-"));
  const std::string wide(70'000, 'x');
  write("w s=\"" + wide + "\",i=-9223372036854775807i,b=f -1\n");
  EXPECT_EQ(json::from_msgpack(packed("SELECT b, i, s FROM w"))["results"][0]["series"][0]["values"][0],
            json::array({-1, false, -9223372036854775807, wide}));
}

TEST_F(InfluxTest, DebugVarsAreInTheShapeThatTelegrafReads) {
  write("m,h=1 v=1 1\nm,h=2 v=1 1\n");
  const json vars = json::parse(api_.get("/debug/vars").body);
  EXPECT_TRUE(vars["system"]["started"].is_string());
  EXPECT_TRUE(vars["system"]["uptime"].is_number_integer());
  EXPECT_TRUE(vars["cmdline"].is_array());
  EXPECT_TRUE(vars["memstats"].is_object());
  EXPECT_EQ(vars["database:gpuscale"], json::parse(R"({"name":"database","tags":{"database":"gpuscale"},)"
                                                   R"("values":{"numMeasurements":1,"numSeries":2}})"));
  EXPECT_EQ(vars["write"]["values"]["pointReq"], 2);
  EXPECT_EQ(vars["queryExecutor"]["name"], "queryExecutor");
  EXPECT_EQ(api_.call(http::Method::kGet, "/debug/vars", "", {{"Authorization", ""}}).status, 401);
}

TEST_F(InfluxTest, CsvHasNumbersWithoutExponentAndTagsByKey) {
  write("m,b=2,a=1 v=1e25 1\n");
  const auto csv = api_.call(http::Method::kGet,
                             "/query?db=gpuscale&q=" + http::url_encode("\n SELECT v FROM m GROUP BY b, a\n"),
                             "", {{"Accept", "application/csv"}});
  EXPECT_EQ(csv.body, "name,tags,time,v\nm,\"a=1,b=2\",1,10000000000000000000000000\n");
}

}  // namespace
}  // namespace gpuscale::api
