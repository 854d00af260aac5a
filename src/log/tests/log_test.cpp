// SPDX-License-Identifier: Apache-2.0
#include "log/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace gpuscale::log {
namespace {

std::string written(Format format, Level level) {
  const std::string path = ::testing::TempDir() + "gpuscale_log_" + std::to_string(::getpid());
  {
    const Log log = *Log::to_file(path, level, format);
    log.debug("node.seen", {{"n", 1}});
    log.warn("node.lost",
             {{"node", "a b"}, {"age", Nanos{1'500'000'000}}, {"secret", Secret{"hunter2"}}, {"ok", false}});
  }
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  ::unlink(path.c_str());
  return text.str();
}

TEST(Log, WritesEventsWithFieldsAndNoSecret) {
  const std::string text = written(Format::kText, Level::kInfo);
  EXPECT_NE(text.find(" warn node.lost node=\"a b\" age=1s500ms secret=*** ok=false\n"), std::string::npos)
      << text;
  EXPECT_EQ(text.find("node.seen"), std::string::npos);
  EXPECT_EQ(text.find("hunter2"), std::string::npos);
}

TEST(Log, WritesJsonLines) {
  const std::string text = written(Format::kJson, Level::kDebug);
  EXPECT_NE(text.find(R"("level":"debug","event":"node.seen","n":1})"), std::string::npos) << text;
}

TEST(Log, NamesTheLevelsWhenOneIsUnknown) {
  ASSERT_FALSE(parse_level("loud"));
  EXPECT_NE(parse_level("loud").error().message().find("debug, info, warn, error, off"), std::string::npos);
}

TEST(Log, SaysWhichFileCannotBeOpened) {
  const auto log = Log::to_file("/proc/nope/x.log", Level::kInfo, Format::kText);
  ASSERT_FALSE(log);
  EXPECT_NE(log.error().message().find("/proc/nope/x.log"), std::string::npos);
}

}  // namespace
}  // namespace gpuscale::log
