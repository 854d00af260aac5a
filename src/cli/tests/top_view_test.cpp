// SPDX-License-Identifier: Apache-2.0
#include "cli/top_view.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <sstream>

#include "cli/screen_text.h"

namespace gpuscale::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TopDevice busy_device(const std::string& node, const std::string& gpu, double utilization) {
  TopDevice device;
  device.node = node;
  device.gpu = gpu;
  device.uuid = "GPU-" + node + gpu;
  device.utilization = utilization;
  device.saturation = utilization / 2;
  device.memory_used = 60.0 * (1 << 30);
  device.memory_total = 80.0 * (1 << 30);
  device.power = 412;
  device.power_limit = 700;
  device.temperature = 61;
  device.owner = "unit:vllm.service";
  return device;
}

std::vector<std::string> frame_of(const TopLook& look, const TopState& state,
                                  const Screen& screen = {.width = 80, .height = 24, .unicode = false}) {
  std::istringstream text(render_top(look, state, "t", "", screen));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

TEST(Top, FitsAScreenOfEightyColumnsWithoutColour) {
  TopDevice wild = busy_device("a-node-with-a-very-long-name.example.com", "0:1g.10gb", 100);
  wild.owner = std::string(200, 'x') + "\x1b[31m";
  TopState state;
  for (int i = 0; i < 20; ++i) remember(state, {wild});
  for (const bool unicode : {false, true}) {
    for (const std::string& line :
         frame_of({{wild}, {}}, state, {.width = 80, .height = 24, .unicode = unicode})) {
      EXPECT_LE(columns_of(line), 80U) << line;
      EXPECT_THAT(line, Not(HasSubstr("\x1b")));
    }
  }
  const auto lines = frame_of({{busy_device("n1", "0", 45)}, {}}, {});
  EXPECT_THAT(lines[0], HasSubstr("1 of 1 devices  mean 45 %"));
  TopDevice gone = busy_device("n2", "0", 45);
  gone.state = "silent 40s";
  EXPECT_THAT(frame_of({{busy_device("n1", "0", 45), gone}, {}}, {})[0],
              HasSubstr("2 of 2 devices, 1 silent  mean 45 %"));
  EXPECT_THAT(lines[2], HasSubstr("60.0/80.0"));
  EXPECT_THAT(lines[2], HasSubstr("412/700"));
  EXPECT_THAT(lines[2], HasSubstr(" 61 unit:vllm"));
}

TEST(Top, SortsAndFiltersByKeys) {
  const std::vector<TopDevice> devices = {busy_device("n1", "0", 10), busy_device("n2", "0", 90)};
  TopState state;
  EXPECT_THAT(frame_of({devices, {}}, state)[2], HasSubstr("n1"));
  press(state, 'u');
  EXPECT_THAT(frame_of({devices, {}}, state)[2], HasSubstr("n2"));
  for (const char key : {'/', 'n', '1', 'q', '\x7f'}) press(state, key);
  EXPECT_FALSE(state.quit) << "it was typed into the filter";
  press(state, '\r');
  EXPECT_THAT(frame_of({devices, {}}, state)[0], HasSubstr("1 of 2 devices"));
  press(state, '\x1b');
  EXPECT_EQ(state.filter, "");
  press(state, 'q');
  EXPECT_TRUE(state.quit);
}

TEST(Top, ADeviceInTroubleShowsItsStateAndNoNumbers) {
  TopDevice lost = busy_device("n1", "0", 45);
  lost.state = "lost";
  lost.detail = "GPU is lost";
  const auto lines = frame_of({{lost}, {}}, {});
  EXPECT_THAT(lines[2], HasSubstr("lost  GPU is lost"));
  EXPECT_THAT(lines[2], Not(HasSubstr("412")));
  EXPECT_THAT(lines[0], Not(HasSubstr("mean")));
}

TEST(Top, SaysWhichValueMisleads) {
  TopDevice device = busy_device("n1", "3", 100);
  device.doubt = "utilization_gpu says 100 %, but ...";
  const auto lines = frame_of({{device}, {}}, {});
  EXPECT_THAT(lines[2], HasSubstr(" !"));
  EXPECT_THAT(lines[3], HasSubstr("! n1 GPU 3: utilization_gpu says 100 %"));
}

TEST(Top, CutsWhatDoesNotFitAndSaysSo) {
  std::vector<TopDevice> devices;
  for (int i = 0; i < 50; ++i) devices.push_back(busy_device("n" + std::to_string(i), "0", 50));
  const auto lines = frame_of({devices, {}}, {}, {.width = 80, .height = 10, .unicode = false});
  EXPECT_EQ(lines.size(), 10U);
  EXPECT_THAT(lines[8], HasSubstr("44 more do not fit"));
}

TEST(Top, ShowsWhoUsesTheDevicesWhenAsked) {
  TopLook look{{busy_device("n1", "0", 45)}, {}};
  for (int i = 0; i < 30; ++i) {
    look.uses.push_back({.node = "n1",
                         .gpu = "0",
                         .pid = 100 + i,
                         .owner = "unit:u" + std::to_string(i),
                         .memory = i * 1.0e9,
                         .utilization = 30.0 - i});
  }
  TopState state;
  const Screen screen{.width = 80, .height = 12, .unicode = false};
  EXPECT_THAT(render_top(look, state, "t", "", screen), Not(HasSubstr("PID")));
  press(state, 't');
  const auto lines = frame_of(look, state, screen);
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(),
                          [](const std::string& line) { return line.find("unit:u") != std::string::npos; }),
            6)
      << "what the device leaves, less a head";
  EXPECT_THAT(lines[3], HasSubstr("PID"));
  EXPECT_THAT(lines[4], HasSubstr("129")) << "the most memory first";
  EXPECT_THAT(lines[4], HasSubstr("unit:u29"));
  press(state, 'u');
  EXPECT_THAT(frame_of(look, state, screen)[4], HasSubstr("unit:u0")) << "or the most utilisation";
  press(state, 't');
  EXPECT_THAT(render_top(look, state, "t", "", screen), Not(HasSubstr("PID")));
}

}  // namespace
}  // namespace gpuscale::cli
