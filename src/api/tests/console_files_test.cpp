// SPDX-License-Identifier: Apache-2.0
#include "api/console_files.h"

#include <gtest/gtest.h>

#include "api/testing/test_api.h"

namespace gpuscale::api {
namespace {

using testing::must;
using testing::TestApi;

http::Request get(const std::string& path, http::Headers headers = {}) {
  return TestApi::request(http::Method::kGet, path, "", std::move(headers));
}

class ConsoleFilesTest : public ::testing::Test {
 protected:
  void add(const std::string& path, const std::string& type, const std::string& content) {
    const std::string packed = http::gzip(content);
    entries_ +=
        path + "\t" + type + "\t" + "e" + path.substr(1) + "\t" + std::to_string(packed.size()) + "\n";
    bodies_ += packed;
  }
  void SetUp() override {
    add("/index.html", "text/html; charset=utf-8", "<!doctype html>");
    add("/assets/main-1a2b.js", "text/javascript; charset=utf-8", "console.log(1)");
    pack_ = "gpuscale-console 1\n" + entries_ + "\n" + bodies_;
  }
  std::string entries_, bodies_, pack_;
};

TEST_F(ConsoleFilesTest, SendsFilesPackedOrPlainAsTheCallerTakesThem) {
  const ConsoleFiles files = must(ConsoleFiles::parse(pack_));
  const auto plain = files.file(get("/assets/main-1a2b.js"));
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->body, "console.log(1)");
  EXPECT_FALSE(plain->headers.has("Content-Encoding"));
  const auto packed = files.file(get("/assets/main-1a2b.js", {{"Accept-Encoding", "gzip, br"}}));
  EXPECT_EQ(packed->headers.get("Content-Encoding"), "gzip");
  EXPECT_EQ(*http::gunzip(packed->body, 100), "console.log(1)");
}

TEST_F(ConsoleFilesTest, AssetsAreKeptForEverAndThePageIsAskedForAnew) {
  const ConsoleFiles files = must(ConsoleFiles::parse(pack_));
  EXPECT_EQ(files.file(get("/assets/main-1a2b.js"))->headers.get("Cache-Control"),
            "public, max-age=31536000, immutable");
  const http::Response page = files.page(get("/"));
  EXPECT_EQ(page.headers.get("Cache-Control"), "no-cache");
  const http::Response again =
      files.page(get("/", {{"If-None-Match", std::string(page.headers.get("ETag"))}}));
  EXPECT_EQ(again.status, 304);
  EXPECT_TRUE(again.body.empty());
}

TEST_F(ConsoleFilesTest, NoScriptRunsThatIsNotAFileOfOurs) {
  const ConsoleFiles files = must(ConsoleFiles::parse(pack_));
  const http::Response page = files.page(get("/nodes"));
  const std::string policy(page.headers.get("Content-Security-Policy"));
  EXPECT_NE(policy.find("script-src 'self';"), std::string::npos) << policy;
  EXPECT_NE(policy.find("default-src 'none'"), std::string::npos) << policy;
}

TEST_F(ConsoleFilesTest, KnowsNoOtherFile) {
  const ConsoleFiles files = must(ConsoleFiles::parse(pack_));
  EXPECT_FALSE(files.file(get("/assets/old.js")));
  EXPECT_FALSE(files.file(get("/../index.html")));
}

TEST_F(ConsoleFilesTest, ABrokenPackIsRefused) {
  for (const std::string& pack :
       {std::string("<html>"), pack_.substr(0, pack_.size() - 1), pack_ + "x",
        std::string("gpuscale-console 1\n/a\tb\tc\n\n"), std::string("gpuscale-console 1\n\n")}) {
    const auto parsed = ConsoleFiles::parse(pack);
    ASSERT_FALSE(parsed) << pack.substr(0, 40);
    EXPECT_EQ(parsed.error().code(), Errc::kCorrupt);
  }
}

TEST(ConsoleAbsent, ABinaryWithoutItSaysHowToBuildOneAndKeepsInfluxDbs404) {
  const TestApi api;
  const http::Response page = api.send(get("/"));
  EXPECT_EQ(page.status, 200);
  EXPECT_NE(page.body.find("scripts/build release"), std::string::npos);
  const http::Response other = api.send(get("/nosuch", {{"Accept", "text/html"}}));
  EXPECT_EQ(other.status, 404);
  EXPECT_EQ(other.body, "404 page not found\n");
}

}  // namespace
}  // namespace gpuscale::api
