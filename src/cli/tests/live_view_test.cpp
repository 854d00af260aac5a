// SPDX-License-Identifier: Apache-2.0
#include "cli/live_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

#include "base/rfc3339.h"
#include "cli/screen_text.h"

namespace gpuscale::cli {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

const WallTime kNow = base::parse_rfc3339("2026-11-24T02:15:36Z").value();

/// A busy view whose every text is far too long, wide or hostile.
ViewModel crowded(std::size_t nodes) {
  const std::string wide = "北京的推理集群，名字很长很长，长到放不下一行里面的任何一个屏幕";
  const std::string hostile =
      "\x1b[2J\x1b]0;title\x07 \xff\xfe broken \xe2\x80\xae backwards ✅✅✅ 🚀🚀🚀\nnext line\ttab";
  ViewModel view;
  view.cluster = wide + hostile;
  view.now = kNow;
  view.pool = wide;
  view.ready = view.desired = 3;
  view.min = 2;
  view.max = 6;
  view.phase = "scaling_out";
  view.phase_reason = hostile + wide;
  for (std::size_t i = 0; i < nodes; ++i) {
    view.nodes.push_back({"gpu-" + wide, i % 3 == 0 ? "ready" : hostile,
                          i % 4 == 0 ? std::nullopt : std::optional(1e9), 1e12, 3.0, wide});
  }
  view.average = 61.2;
  view.threshold = 45;
  for (int i = 0; i < 3; ++i) view.rules.push_back({hostile, "firing", wide + wide});
  for (int i = 0; i < 20; ++i)
    view.activity.push_back({kNow, "rule.firing" + hostile, wide + hostile + wide});
  view.load = load::Report{};
  view.load->lost = 123'456'789'012;
  view.trouble = wide + wide;
  return view;
}

std::vector<std::string> lines_of(const std::string& frame) {
  std::vector<std::string> lines;
  std::istringstream in(frame);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string without_colour(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      while (i < text.size() && text[i] != 'm') ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

TEST(Render, NeverExceedsTheScreen) {
  for (const std::size_t width : {1U, 10U, 40U, 80U, 200U}) {
    for (const std::size_t height : {1U, 5U, 12U, 24U, 60U}) {
      for (const std::size_t nodes : {0U, 3U, 50U}) {
        for (const bool unicode : {true, false}) {
          const auto lines = lines_of(render(crowded(nodes), {width, height, true, unicode}));
          EXPECT_LE(lines.size(), height);
          for (const auto& line : lines) EXPECT_LE(columns_of(without_colour(line)), width) << line;
        }
      }
    }
  }
}

TEST(Render, SendsNoControlCharacterButItsOwnColours) {
  const std::string plain = render(crowded(5), {80, 40, false, true});
  EXPECT_THAT(plain, Not(HasSubstr("\x1b")));
  EXPECT_THAT(plain, Not(HasSubstr("\x07")));
  EXPECT_THAT(plain, Not(HasSubstr("\xe2\x80\xae")));
  for (const char c : without_colour(render(crowded(5), {80, 40, true, true}))) {
    EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
  }
}

TEST(Render, IsAsciiWhereTheScreenIs) {
  ViewModel view;
  view.cluster = "c";
  view.average = 50;
  view.threshold = 45;
  view.nodes = {{"a-very-long-name-of-a-node", "ready", 33.0, std::nullopt, std::nullopt, ""}};
  for (const char c : render(view, {80, 24, false, false})) EXPECT_LT(static_cast<unsigned char>(c), 0x80);
}

const json kStatus = json::parse(R"({"cluster":"inference-cn","pools":[
    {"name":"cpu","desired":1,"min":1,"max":1,"counts":{"ready":1},"phase":"steady"},
    {"name":"gpu","desired":3,"min":2,"max":6,"counts":{"ready":2,"booting":1},"phase":"scaling_out","phase_reason":"one boots"}]})");
const json kNodes = json::parse(R"({"nodes":[
    {"id":"gpu-1","pool":"gpu","state":"ready","utilization":80,"in_flight":4},
    {"id":"gpu-2","pool":"gpu","state":"ready","utilization":60.4,"in_flight":3},
    {"id":"gpu-3","pool":"gpu","state":"booting","utilization":null,"reason":"its agent has not reported"}]})");
const json kRules = json::parse(R"({"rules":[
    {"name":"GPU usage low","state":"inactive","condition":"avg(C, 10s) < 15","explanation":"avg(C, 10s) = 70.2 < 15"},
    {"name":"GPU usage high","state":"firing","condition":"avg(C, 10s) >= 45.5","explanation":"avg(C, 10s) = 70.2 >= 45.5"}]})");
const json kActivity = json::parse(R"({"activity":[
    {"at":"2026-11-24T02:15:30Z","kind":"rule.firing","summary":"GPU usage high fires"},
    {"at":"2026-11-24T02:15:31Z","kind":"trigger.accepted","summary":"2 -> 3"}]})");

TEST(Render, ShowsWhatTheServerSays) {
  ViewModel view = view_model(kStatus, kNodes, kRules, kActivity, "gpu", kNow);
  load::Report report;
  report.last_10s.length = std::chrono::seconds{10};
  report.last_10s.offered = 900;
  report.last_10s.served = 890;
  report.last_10s.latency.p50 = std::chrono::milliseconds{21};
  view.load = report;
  const std::string frame = render(view, {});
  for (const char* part :
       {"inference-cn", "02:15:36 UTC", "pool gpu", "2/3 ready", "2..6", "scaling_out", "one boots", "gpu-1",
        "80.0 %", "in flight 4", "its agent has not reported", "70.2 %", "line at 45.5 %", "firing",
        "avg(C, 10s) = 70.2 >= 45.5", "90.0/s offered 89.0/s served", "p50 21 ms p99 -",
        "02:15:31  trigger.accepted", "2 -> 3"}) {
    EXPECT_THAT(frame, HasSubstr(part));
  }
  EXPECT_EQ(lines_of(frame).size(), 14U);
}

TEST(Render, KeepsTheNewestActivitiesAndSaysHowManyNodesItHides) {
  ViewModel view;
  for (int i = 0; i < 40; ++i) {
    view.nodes.push_back({"n" + std::to_string(i), "ready", 1.0, std::nullopt, std::nullopt, ""});
    view.activity.push_back({kNow, "kind", "entry " + std::to_string(i)});
  }
  const std::string frame = render(view, {80, 20, false, true});
  EXPECT_THAT(frame, HasSubstr("entry 39"));
  EXPECT_THAT(frame, Not(HasSubstr("entry 30")));
  EXPECT_THAT(frame, HasSubstr(" more"));
}

TEST(Render, StandsWithNothingKnown) {
  const json none;
  const std::string frame = render(view_model(none, none, none, none, "gpu", kNow), {});
  EXPECT_THAT(frame, HasSubstr("-/- ready"));
  EXPECT_THAT(frame, HasSubstr("no data"));
  const json odd =
      json::parse(R"({"pools":{"a":1},"nodes":[1,"x",null,{"state":7}],"rules":[[]],"activity":[{"at":3}]})");
  EXPECT_FALSE(render(view_model(odd, odd, odd, odd, "", kNow), {}).empty());
}

TEST(Render, ColoursOnlyWhereItMay) {
  const ViewModel view = view_model(kStatus, kNodes, kRules, kActivity, "gpu", kNow);
  const std::string plain = render(view, {80, 24, false, true});
  const std::string coloured = render(view, {80, 24, true, true});
  EXPECT_THAT(plain, Not(HasSubstr("\x1b")));
  EXPECT_THAT(coloured, HasSubstr("\x1b[31mfiring\x1b[0m"));
  EXPECT_EQ(without_colour(coloured), plain);
}

TEST(ThresholdOf, IsTheNumberBehindTheSign) {
  const auto rules = [](const char* condition) { return json{{"rules", {{{"condition", condition}}}}}; };
  EXPECT_EQ(threshold_of(rules("avg(C, 1m) > 45")), 45);
  EXPECT_EQ(threshold_of(rules("avg(C, 1m)>=45.5")), 45.5);
  EXPECT_EQ(threshold_of(rules("avg(C, 1m) < 45")), std::nullopt);
  EXPECT_EQ(threshold_of(rules("avg(C, 1m) >")), std::nullopt);
  EXPECT_EQ(threshold_of(json()), std::nullopt);
}

TEST(AverageOf, IsWhatTheRuleAboveItsLineComparedLast) {
  const auto rules = json::parse(R"({"rules":[
    {"condition":"avg(C, 1m) < 28","values":[{"value":1}]},
    {"condition":"avg(C, 1m) > 45","values":[{"value":61.5},{"value":3}]}]})");
  EXPECT_EQ(average_of(rules), 61.5);
  EXPECT_EQ(
      average_of(json::parse(R"({"rules":[{"condition":"avg(C, 1m) > 45","values":[{"value":null}]}]})")),
      std::nullopt);
  EXPECT_EQ(average_of(json::parse(R"({"rules":[{"condition":"avg(C, 1m) > 45","values":[]}]})")),
            std::nullopt);
  EXPECT_EQ(average_of(json()), std::nullopt);
}

TEST(Bar, FillsInEighthsAndMarksTheLine) {
  EXPECT_EQ(bar(50, std::nullopt, 4, true), "██░░");
  EXPECT_EQ(bar(37.5, std::nullopt, 4, true), "█▌░░");
  EXPECT_EQ(bar(100, 50, 4, true), "██│█");
  EXPECT_EQ(bar(0, 100, 4, true), "░░░│");
  EXPECT_EQ(bar(50, 75, 4, false), "##.|");
  EXPECT_EQ(bar(-5, std::nullopt, 2, false), "..");
  EXPECT_EQ(bar(1e300, std::nullopt, 2, false), "##");
  EXPECT_EQ(bar(std::nullopt, 50, 9, true), "no data  ");
  EXPECT_EQ(bar(std::nan(""), 50, 3, false), "no~");
}

TEST(Fit, CountsWideCharactersTwiceAndReplacesWhatIsUnsafe) {
  EXPECT_EQ(fit("北京集群", 8, true), "北京集群");
  EXPECT_EQ(fit("北京集群", 7, true), "北京集…");
  EXPECT_EQ(fit("北京集群", 6, false), "北京~");
  EXPECT_EQ(fit("a\x1b[1mb\nc", 20, true), "a?[1mb c");
  EXPECT_EQ(fit("\xff\xc0\xaf\xed\xa0\x80", 20, true), "??????");
  EXPECT_EQ(fit("abc", 0, true), "");
}

TEST(Repaint, ClearsLineByLineInsteadOfTheScreen) {
  EXPECT_EQ(repaint("a\nb"), "\x1b[Ha\x1b[K\r\nb\x1b[K\x1b[J");
}

TEST(ScreenOf, IsPlainAndOfTheUsualSizeWhereThereIsNoTerminal) {
  const Screen screen = screen_of(-1);
  EXPECT_EQ(screen.width, 80U);
  EXPECT_EQ(screen.height, 24U);
  EXPECT_FALSE(screen.color);
}

}  // namespace
}  // namespace gpuscale::cli
