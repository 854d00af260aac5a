// SPDX-License-Identifier: Apache-2.0
#include "sim/chart.h"

#include <gmock/gmock.h>

namespace gpuscale::sim {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Chart, ShowsEachLineWithItsNameAndNoMarkupOfTheirs) {
  const std::string svg = render_svg("a <b> & c", {{"demand", {1, 2, 3}}, {"hpa=0.7", {3, 3, 3}}}, 3600);
  EXPECT_THAT(svg, HasSubstr("a &lt;b&gt; &amp; c"));
  EXPECT_THAT(svg, HasSubstr(">demand<"));
  EXPECT_THAT(svg, HasSubstr(">hpa=0.7<"));
  EXPECT_THAT(svg, HasSubstr("3 h"));
}

TEST(Chart, KeepsAPeakOfOneTickAmongMillions) {
  std::vector<double> values(1'000'000, 1.0);
  values[543'210] = 40;
  const std::string svg = render_svg("t", {{"demand", values}}, 1);
  EXPECT_THAT(svg, HasSubstr(",56 ")) << "the top of the chart";
  EXPECT_LT(svg.size(), 40'000U);
}

TEST(Chart, OfNothingIsStillADocument) {
  EXPECT_THAT(render_svg("t", {{"demand", {}}}, 1), HasSubstr("</svg>"));
  EXPECT_THAT(render_svg("t", {}, 1), Not(HasSubstr("nan")));
}

}  // namespace
}  // namespace gpuscale::sim
