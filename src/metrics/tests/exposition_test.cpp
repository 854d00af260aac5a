// SPDX-License-Identifier: Apache-2.0
#include "metrics/exposition.h"

#include <gtest/gtest.h>

namespace gpuscale::metrics {
namespace {

TEST(Exposition, WritesFamiliesWithTheirSamples) {
  Exposition out;
  out.family("gpuscale_gpu_utilization_gpu", "gauge", "Percent of time busy");
  out.sample("gpuscale_gpu_utilization_gpu", {{"node", "a"}, {"gpu", "0"}}, 45.5);
  out.counter("gpuscale_lines_total", "Lines sent", 12);
  EXPECT_EQ(out.text(),
            "# HELP gpuscale_gpu_utilization_gpu Percent of time busy\n"
            "# TYPE gpuscale_gpu_utilization_gpu gauge\n"
            "gpuscale_gpu_utilization_gpu{node=\"a\",gpu=\"0\"} 45.5\n"
            "# HELP gpuscale_lines_total Lines sent\n"
            "# TYPE gpuscale_lines_total counter\n"
            "gpuscale_lines_total 12\n");
}

TEST(Exposition, EscapesLabelValues) {
  Exposition out;
  out.sample("m", {{"rule", "a\"b\\c\nd"}}, 1);
  EXPECT_EQ(out.text(), "m{rule=\"a\\\"b\\\\c\\nd\"} 1\n");
}

}  // namespace
}  // namespace gpuscale::metrics
