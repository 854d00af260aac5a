// SPDX-License-Identifier: Apache-2.0
#include "metrics/exposition_parser.h"

#include <gmock/gmock.h>

#include <cmath>

namespace gpuscale::metrics {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> read(std::string_view text, const ExpositionLimits& limits = {}) {
  std::vector<std::string> out;
  parse_exposition(
      text,
      [&](const ExpositionSample& sample) {
        std::string line(sample.name);
        for (const auto& [key, value] : sample.labels) line.append(" ").append(key).append("=").append(value);
        out.push_back(line + " " + std::to_string(sample.value));
      },
      limits);
  return out;
}

TEST(ExpositionParser, ReadsWhatClientLibrariesWrite) {
  EXPECT_THAT(read("# HELP vllm:num_requests_running Number.\n"
                   "# TYPE vllm:num_requests_running gauge\n"
                   "vllm:num_requests_running{engine=\"0\",model_name=\"a\\\"b\\\\c\\nd\"} 3.0\n"
                   "plain 1e3 1700000000000\r\n"
                   "spaced  { a = \"1\" , } +2\n"
                   "le_bucket{le=\"+Inf\"} +Inf"),
              ElementsAre("vllm:num_requests_running engine=0 model_name=a\"b\\c\nd 3.000000",
                          "plain 1000.000000", "spaced a=1 2.000000", "le_bucket le=+Inf inf"));
}

TEST(ExpositionParser, PassesOverWhatIsNoSampleAndCountsIt) {
  const auto outcome = parse_exposition(
      "{} 1\nname\nname{a=\"x} 1\nname{a=1} 1\nname{=\"x\"} 1\nname 0x\n<html>\n\xff\xfe 1\ngood 1\n",
      [](const ExpositionSample&) {});
  EXPECT_EQ(outcome.samples, 1U);
  EXPECT_EQ(outcome.bad_lines, 8U);
}

TEST(ExpositionParser, HasBounds) {
  const ExpositionLimits limits{.max_line_bytes = 20, .max_labels = 1, .max_samples = 2};
  EXPECT_THAT(read("a{b=\"1\",c=\"2\"} 1\nwith_a_name_that_is_too_long 1\na 1\nb 2\nc 3\n", limits),
              ElementsAre("a 1.000000", "b 2.000000"));
}

}  // namespace
}  // namespace gpuscale::metrics
