// SPDX-License-Identifier: Apache-2.0
#include "cli/store_trace.h"

#include <gtest/gtest.h>

namespace gpuscale::cli {
namespace {

using nlohmann::json;

json answer(json series) {
  return {{"results", json::array({{{"series", std::move(series)}}})}};
}

TEST(StoreTrace, AddsTheNodesUp) {
  double gaps = 1;
  const auto trace = trace_from_answer(answer(json::array({{{"values", {{100, 50.0}, {110, 100.0}}}},
                                                           {{"values", {{100, 25.0}, {110, nullptr}}}}})),
                                       gaps);
  ASSERT_TRUE(trace) << trace.error().message();
  ASSERT_EQ(trace->rows().size(), 2U);
  EXPECT_DOUBLE_EQ(trace->rows()[0].demand, 0.75);
  EXPECT_DOUBLE_EQ(trace->rows()[1].demand, 1.0);
  EXPECT_DOUBLE_EQ(trace->rows()[1].t_seconds, 10);
  EXPECT_DOUBLE_EQ(gaps, 0);
}

TEST(StoreTrace, TakesSilenceForTheLastKnownLoadAndSaysHowMuchItWas) {
  double gaps = 0;
  const auto trace =
      trace_from_answer(answer(json::array({{{"values", {{0, 80.0}, {10, 80.0}, {40, 10.0}}}}})), gaps);
  ASSERT_TRUE(trace);
  EXPECT_DOUBLE_EQ(gaps, 0.4);
  const auto ticks = trace->per_tick(10);
  ASSERT_TRUE(ticks);
  EXPECT_DOUBLE_EQ((*ticks)[3], 0.8);
}

TEST(StoreTrace, RefusesAnAnswerThatIsNone) {
  double gaps = 0;
  EXPECT_EQ(trace_from_answer(json::parse("{}"), gaps).error().code(), Errc::kUnavailable);
  EXPECT_EQ(trace_from_answer(answer(json::array({{{"values", {{"x", 1}}}}})), gaps).error().code(),
            Errc::kUnavailable);
  EXPECT_EQ(trace_from_answer(answer(json::array()), gaps).error().code(), Errc::kNotFound);
}

}  // namespace
}  // namespace gpuscale::cli
