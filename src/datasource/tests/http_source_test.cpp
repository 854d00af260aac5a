// SPDX-License-Identifier: Apache-2.0
// Stores of others that answer, refuse, hang, break and babble.
#include "datasource/http_source.h"

#include <gmock/gmock.h>

#include <atomic>
#include <condition_variable>
#include <thread>

#include "base/system_clock.h"
#include "datasource/source_set.h"
#include "http/testing/imposter.h"

namespace gpuscale::datasource {
namespace {

using namespace std::chrono_literals;
using http::testing::Imposter;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kOne =
    R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{"node":"a"},"values":[[1,"50"]]}]}})";

SourceSpec prometheus_at(const std::string& url) {
  SourceSpec spec;
  spec.name = "prom";
  spec.url = url;
  spec.timeout = 2s;
  return spec;
}
Query asking_for(const std::string& text) {
  const WallTime now{std::chrono::hours{24 * 20'000}};
  return {.text = text, .from = now - 1min, .to = now, .now = now};
}

/// Holds each request until it is let go.
class Gate {
 public:
  http::Response wait(const http::Request&) {
    std::unique_lock lock(mutex_);
    ++waiting_;
    opened_.wait(lock, [this] { return open_; });
    return http::Response::json(200, kOne);
  }
  void open() {
    const std::scoped_lock lock(mutex_);
    open_ = true;
    opened_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
  int waiting_ = 0;
};

class HttpSourceTest : public ::testing::Test {
 protected:
  std::string error_of(HttpSource& source, const std::string& query = "up") {
    const auto answer = source.query(asking_for(query));
    if (answer) return "no error";
    code_ = answer.error().code();
    return answer.error().message();
  }
  base::SystemClock clock_;
  Errc code_ = Errc::kInternal;
};

TEST_F(HttpSourceTest, ARangeIsAskedForByStepsThatLieInTheWindow) {
  Imposter store;
  store.answer_next(http::Response::json(200, kOne));
  SourceSpec spec = prometheus_at(store.url() + "/prefix/");
  spec.step = 15s;
  spec.bearer = Secret("t0ken");
  spec.headers = {{"X-Scope-OrgID", "tenant"}};
  HttpSource source(spec, clock_);
  const auto answer = source.query(asking_for("avg by (node) (util[$__interval])"));
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->at(0).samples.at(0).value, 50.0);
  const http::Request seen = store.requests().at(0);
  EXPECT_EQ(seen.path, "/prefix/api/v1/query_range");
  EXPECT_EQ(seen.headers.get("Authorization"), "Bearer t0ken");
  EXPECT_EQ(seen.headers.get("X-Scope-OrgID"), "tenant");
  EXPECT_EQ(
      seen.body,
      "query=avg%20by%20%28node%29%20%28util%5B1s%5D%29&start=1727999955.000&end=1728000000.000&step=15.000");
}

TEST_F(HttpSourceTest, AnInstantIsTheEndOfTheWindow) {
  Imposter store;
  store.answer_next(http::Response::json(
      200,
      R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"3"]}]}})"));
  SourceSpec spec = prometheus_at(store.url());
  spec.ask = Asking::kInstant;
  HttpSource source(spec, clock_);
  ASSERT_TRUE(source.query(asking_for("up")));
  EXPECT_EQ(store.requests().at(0).path, "/api/v1/query");
  EXPECT_EQ(store.requests().at(0).body, "query=up&time=1728000000.000");
}

TEST_F(HttpSourceTest, InfluxqlGoesToItsDatabaseWithTheWindowFilledIn) {
  Imposter store;
  store.answer_next(http::Response::json(200, R"({"results":[{"statement_id":0}]})"));
  SourceSpec spec = prometheus_at(store.url());
  spec.kind = SourceKind::kInfluxdb;
  spec.database = "telegraf";
  spec.retention_policy = "week";
  spec.user = "u";
  spec.password = Secret("p");
  HttpSource source(spec, clock_);
  const auto answer = source.query(asking_for("SELECT mean(u) FROM gpu WHERE $timeFilter"));
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_TRUE(answer->empty());
  EXPECT_EQ(source.why_empty(asking_for("SELECT 1")),
            "source " + spec.name + " (" + spec.url + "): its answer holds no value");
  const http::Request seen = store.requests().at(0);
  EXPECT_EQ(seen.path, "/query");
  EXPECT_EQ(seen.headers.get("Authorization"), "Basic dTpw");
  EXPECT_THAT(http::url_decode(seen.body),
              HasSubstr("q=SELECT mean(u) FROM gpu WHERE time >= 1727999940000000000ns"));
  EXPECT_THAT(seen.body, HasSubstr("db=telegraf"));
  EXPECT_THAT(seen.body, HasSubstr("rp=week"));
}

TEST_F(HttpSourceTest, FaultsNameTheSourceAndWhatMendsThem) {
  Imposter store;
  HttpSource source(prometheus_at(store.url()), clock_);
  store.answer_next(http::Response::json(401, "{}"));
  EXPECT_THAT(error_of(source), HasSubstr("source prom (" + store.url()));
  EXPECT_EQ(code_, Errc::kUnauthenticated);
  store.answer_next(http::Response::json(404, "404 page not found"));
  EXPECT_THAT(error_of(source), HasSubstr("url goes up to, without"));
  store.answer_next(http::Response::json(500, "out of memory"));
  EXPECT_THAT(error_of(source), HasSubstr("answers 500: out of memory"));
  EXPECT_EQ(code_, Errc::kUnavailable);
  store.answer_next(
      http::Response::json(400, R"({"status":"error","errorType":"bad_data","error":"parse error"})"));
  EXPECT_THAT(error_of(source), HasSubstr("query: parse error"));
  EXPECT_EQ(code_, Errc::kInvalidArgument);
  store.answer_next(http::Response::json(200, "<html>a proxy</html>"));
  EXPECT_THAT(error_of(source), HasSubstr("no answer of Prometheus's query API"));
  EXPECT_EQ(code_, Errc::kCorrupt);
  store.answer_next(http::Response::json(302, ""));
  EXPECT_THAT(error_of(source), HasSubstr("redirects"));
  store.answer_next(http::Response::json(200, std::string(kLargestAnswer + 1, ' ')));
  EXPECT_THAT(error_of(source), HasSubstr("larger than"));
  EXPECT_EQ(code_, Errc::kExhausted);
}

TEST_F(HttpSourceTest, AClosedPortIsUnavailableAndItsPasswordIsNotShown) {
  std::string url;
  {
    Imposter gone;
    url = "http://user:hunter2@127.0.0.1:" + std::to_string(gone.port());
  }
  HttpSource source(prometheus_at(url), clock_);
  EXPECT_THAT(error_of(source), Not(HasSubstr("hunter2")));
  EXPECT_EQ(code_, Errc::kUnavailable);
}

TEST_F(HttpSourceTest, AStoreThatHangsIsATimeoutOnceItsTimeIsOver) {
  Gate gate;
  Imposter store(0, [&](const http::Request& request) { return gate.wait(request); });
  SourceSpec spec = prometheus_at(store.url());
  spec.timeout = 100ms;
  HttpSource source(spec, clock_);
  EXPECT_THAT(error_of(source), HasSubstr("no answer within"));
  EXPECT_EQ(code_, Errc::kTimeout);
  gate.open();
}

TEST_F(HttpSourceTest, AskingDoesNotWaitAndTheSameQuestionIsAskedOnce) {
  Gate gate;
  Imposter store(0, [&](const http::Request& request) { return gate.wait(request); });
  std::atomic<int> answered{0};
  HttpSource source(prometheus_at(store.url()), clock_);
  for (int i = 0; i < 100; ++i)
    source.ask(asking_for("up"),
               [&](const Result<std::vector<Series>>& answer) { answered += answer ? 1 : 0; });
  EXPECT_EQ(answered, 0);
  ASSERT_TRUE(store.wait_for(1));
  gate.open();
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (answered < 100 && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(answered, 100);
  EXPECT_EQ(store.requests().size(), 1U);
  EXPECT_EQ(source.counts().questions, 1U);
  EXPECT_EQ(source.counts().failed, 0U);
  EXPECT_EQ(source.counts().unanswered, 0U);
}

TEST_F(HttpSourceTest, MoreQuestionsThanItTakesAtOnceAllHaveAnAnswerInTheEnd) {
  Gate gate;
  Imposter store(0, [&](const http::Request& request) { return gate.wait(request); });
  std::atomic<int> late{0};
  SourceSpec spec = prometheus_at(store.url());
  spec.timeout = 200ms;
  HttpSource source(spec, clock_);
  for (int i = 0; i < 200; ++i) {
    source.ask(asking_for("up + " + std::to_string(i)),
               [&](const Result<std::vector<Series>>& answer) { late += answer ? 0 : 1; });
  }
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (late < 200 && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(late, 200);
  gate.open();
}

TEST_F(HttpSourceTest, WhoWaitsIsAnsweredWhenItEnds) {
  Gate gate;
  Imposter store(0, [&](const http::Request& request) { return gate.wait(request); });
  std::atomic<int> answered{0};
  {
    HttpSource source(prometheus_at(store.url()), clock_);
    for (int i = 0; i < 50; ++i)
      source.ask(asking_for("up + " + std::to_string(i)),
                 [&](const Result<std::vector<Series>>& answer) { answered += answer ? 0 : 1; });
  }
  EXPECT_EQ(answered, 50);
  gate.open();
  store.stop(10s);
}

}  // namespace
}  // namespace gpuscale::datasource
