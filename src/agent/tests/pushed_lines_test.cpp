// SPDX-License-Identifier: Apache-2.0
#include "agent/pushed_lines.h"

#include <gmock/gmock.h>

namespace gpuscale::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

PushedLines take(std::string_view body) {
  return take_pushed({"c", "gpu", "n-1"}, body, metrics::Precision::kNanos, base::from_unix_nanos(7));
}

TEST(PushedLines, GetTheNodesTagsAndATimeWhereTheyHaveNone) {
  const PushedLines pushed =
      take("orders,shop=a waiting=3i,name=\"x y\",open=true\norders,node=other waiting=4i 5\n");
  EXPECT_THAT(pushed.lines,
              ElementsAre("orders,cluster=c,node=n-1,pool=gpu,shop=a waiting=3i,name=\"x y\",open=true 7\n",
                          "orders,cluster=c,node=other,pool=gpu waiting=4i 5\n"));
  EXPECT_TRUE(pushed.errors.empty());
}

TEST(PushedLines, MayNotSpeakForTheAgent) {
  const PushedLines pushed =
      take("gpu,gpu=0 utilization_gpu=0\nnode devices_ok=0i\nbad line here\ngood v=1 1\n");
  EXPECT_THAT(pushed.lines, ElementsAre(HasSubstr("good,")));
  EXPECT_EQ(pushed.errors.size(), 3U);
}

}  // namespace
}  // namespace gpuscale::agent
