// SPDX-License-Identifier: Apache-2.0
#include "http/message.h"

#include <gmock/gmock.h>

#include <random>

#include "http/client.h"
#include "http/router.h"

namespace gpuscale::http {
namespace {

using ::testing::HasSubstr;

TEST(Headers, AreFoundWithoutCaseAndKeepTheirOrder) {
  Headers headers{{"Content-Type", "a"}, {"X-One", "1"}, {"x-one", "2"}};
  EXPECT_EQ(headers.get("content-type"), "a");
  EXPECT_EQ(headers.get("X-ONE"), "1");
  EXPECT_EQ(headers.get("Host"), "");
  headers.set("X-One", "3");
  EXPECT_EQ(headers.fields().size(), 2U);
  headers.remove("x-ONE");
  EXPECT_FALSE(headers.has("X-One"));
}

TEST(QueryParams, AreDecodedWithBrokenEscapesKept) {
  const std::vector<std::pair<std::string, std::vector<std::pair<std::string, std::string>>>> cases = {
      {"", {}},
      {"a=b&c=d", {{"a", "b"}, {"c", "d"}}},
      {"q=SELECT+%22v%22%20FROM+m&db=x", {{"q", "SELECT \"v\" FROM m"}, {"db", "x"}}},
      {"a&b=&=c&&", {{"a", ""}, {"b", ""}, {"", "c"}}},
      {"a=%&b=%4&c=%zz&d=%41", {{"a", "%"}, {"b", "%4"}, {"c", "%zz"}, {"d", "A"}}},
      {"a=1&a=2", {{"a", "1"}, {"a", "2"}}},
      {"a=b=c", {{"a", "b=c"}}},
  };
  for (const auto& [text, items] : cases) EXPECT_EQ(QueryParams::parse(text).items(), items) << text;
  EXPECT_EQ(QueryParams::parse("a=1&a=2").get("a"), "1");
  EXPECT_EQ(QueryParams::parse("a=1").get_or("b", "x"), "x");
}

TEST(QueryParams, SurviveEncodingAndDecoding) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    QueryParams params;
    std::string value;
    for (std::size_t i = random() % 20; i > 0; --i) value += static_cast<char>(random() % 256);
    params.set("key " + std::to_string(round), value);
    EXPECT_EQ(QueryParams::parse(params.encode()).items(), params.items());
  }
}

TEST(Url, AVisitorOfALogSeesNoSecret) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"http://h:1/hook?triggerUrl=a&secret=b", "http://h:1/hook?triggerUrl=***&secret=***"},
      {"https://user:pass@h/p", "https://h/p"},
      {"http://h/p?token", "http://h/p?***"},
      {"http://h/p#frag", "http://h/p"},
      {"http://h?x=a@b/c", "http://h?x=***"},
      {"http://u:p@ss@h/x", "http://h/x"},
      {"nonsense", "nonsense"},
      {"", ""},
  };
  for (const auto& [url, shown] : cases) EXPECT_EQ(redact_url(url), shown);
}

TEST(Gzip, RoundTripsWhateverTheBytes) {
  std::mt19937 random(3);
  for (const std::size_t size : {0U, 1U, 100U, 5'000U, 300'000U}) {
    std::string plain(size, '\0');
    for (char& c : plain) c = static_cast<char>(random() % 7);
    const auto back = gunzip(gzip(plain), size);
    ASSERT_TRUE(back) << size;
    EXPECT_EQ(*back, plain);
  }
}

TEST(Gzip, BombsAndRubbishAreErrors) {
  const std::string packed = gzip(std::string(1'000'000, 'x'));
  const auto bomb = gunzip(packed, 999'999);
  ASSERT_FALSE(bomb);
  EXPECT_EQ(bomb.error().code(), Errc::kExhausted);
  const auto rubbish = gunzip("rubbish", 100);
  ASSERT_FALSE(rubbish);
  EXPECT_EQ(rubbish.error().message(), "gzip: invalid header");
  for (const std::size_t cut : {0UL, 1UL, 9UL, packed.size() - 1}) {
    const auto torn = gunzip(packed.substr(0, cut), 2'000'000);
    ASSERT_FALSE(torn) << cut;
    EXPECT_EQ(torn.error().message(), cut == 0 ? "EOF" : "unexpected EOF") << cut;
  }
  EXPECT_EQ(*gunzip(gzip("a") + gzip("b"), 10), "ab") << "members one after the other";
}

class RouterTest : public ::testing::Test {
 protected:
  RouterTest() {
    add(Method::kGet, "/");
    add(Method::kGet, "/api/nodes");
    add(Method::kPost, "/api/nodes");
    add(Method::kGet, "/api/nodes/{id}");
    add(Method::kGet, "/api/nodes/self");
    add(Method::kDelete, "/api/nodes/{id}");
    add(Method::kPost, "/api/nodes/{id}/release");
    add(Method::kGet, "/files/{rest...}");
  }
  void add(Method method, const std::string& pattern) {
    router_.add(method, pattern, [pattern](const Request& request) {
      std::string said = pattern;
      for (const auto& [key, value] : request.path_params) said += " " + key + "=" + value;
      return Response::text(200, said);
    });
  }
  std::string ask(Method method, const std::string& path) {
    Request request;
    request.method = method;
    request.path = path;
    const Response response = router_.route(request);
    if (response.status == 200) return response.body;
    return std::to_string(response.status) + std::string(response.headers.get("Allow"));
  }
  Router router_;
};

TEST_F(RouterTest, FindsTheClosestPattern) {
  EXPECT_EQ(ask(Method::kGet, "/"), "/");
  EXPECT_EQ(ask(Method::kGet, "/api/nodes"), "/api/nodes");
  EXPECT_EQ(ask(Method::kGet, "/api/nodes/self"), "/api/nodes/self");
  EXPECT_EQ(ask(Method::kGet, "/api/nodes/gpu-1"), "/api/nodes/{id} id=gpu-1");
  EXPECT_EQ(ask(Method::kPost, "/api/nodes/gpu-1/release"), "/api/nodes/{id}/release id=gpu-1");
  EXPECT_EQ(ask(Method::kGet, "/files/a/b.js"), "/files/{rest...} rest=a/b.js");
  EXPECT_EQ(ask(Method::kHead, "/api/nodes"), "/api/nodes");
  EXPECT_EQ(ask(Method::kDelete, "/api/nodes/self"), "/api/nodes/{id} id=self")
      << "the closer one has no DELETE";
}

TEST_F(RouterTest, TakesASlashThatWasSentAsPartOfAName) {
  Request request;
  request.raw_path = "/api/nodes/a%2Fb%20c/release";
  request.path = url_decode(request.raw_path);
  request.method = Method::kPost;
  EXPECT_EQ(router_.route(request).body, "/api/nodes/{id}/release id=a/b c");
}

TEST_F(RouterTest, TellsUnknownPathsFromUnknownMethods) {
  EXPECT_EQ(ask(Method::kGet, "/nosuch"), "404");
  EXPECT_EQ(ask(Method::kGet, "/api/nodes/"), "404");
  EXPECT_EQ(ask(Method::kGet, "/api/nodes/a/b"), "404");
  EXPECT_EQ(ask(Method::kDelete, "/api/nodes"), "405GET, HEAD, POST");
  router_.set_fallback([](const Request&) { return Response::text(200, "fallback"); });
  EXPECT_EQ(ask(Method::kGet, "/nosuch"), "fallback");
}

}  // namespace
}  // namespace gpuscale::http
