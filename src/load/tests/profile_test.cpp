// SPDX-License-Identifier: Apache-2.0
#include "load/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace gpuscale::load {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

std::vector<Nanos> all_of(Arrivals arrivals) {
  std::vector<Nanos> times;
  while (const auto next = arrivals.next()) times.push_back(*next);
  return times;
}

Profile steps(std::string_view text) {
  return Profile::parse_steps(text).value();
}

TEST(Profile, HoldsTheRateOfEachStep) {
  const Profile profile = steps("20x30s, 90x60s,20x1m");
  struct {
    Nanos at;
    double rps;
  } const cases[] = {{-1s, 0},  {0s, 20},  {29'999ms, 20},  {30s, 90},
                     {89s, 90}, {90s, 20}, {149'999ms, 20}, {150s, 0}};
  for (const auto& c : cases) EXPECT_DOUBLE_EQ(profile.rate_at(c.at), c.rps) << c.at.count();
  EXPECT_EQ(profile.length(), Nanos{150s});
  EXPECT_DOUBLE_EQ(profile.expected_until(90s), 600 + 5400);
  EXPECT_DOUBLE_EQ(profile.expected_until(1h), 600 + 5400 + 1200);
}

TEST(Profile, RampsLinearly) {
  const Profile profile = steps("10x10s,10..30x20s");
  EXPECT_DOUBLE_EQ(profile.rate_at(20s), 20);
  EXPECT_DOUBLE_EQ(profile.expected_until(30s), 100 + 400);
}

TEST(Profile, WithoutDurationLastsForEver) {
  const Profile profile = steps("5x10s,20");
  EXPECT_EQ(profile.length(), std::nullopt);
  EXPECT_DOUBLE_EQ(profile.rate_at(std::chrono::hours{24 * 365}), 20);
}

TEST(Profile, OffersNothingWhereItIsEmpty) {
  EXPECT_EQ(Profile().length(), Nanos{0});
  EXPECT_TRUE(all_of(Arrivals(Profile(), ArrivalKind::kEven, 1)).empty());
}

TEST(Profile, NamesTheFaultOfABadStep) {
  struct {
    const char* text;
    const char* fault;
  } const cases[] = {{"", "an empty step"},
                     {"20x30s,,5x1s", "an empty step"},
                     {"fastx30s", "\"fast\" is no rate"},
                     {"-1x30s", "\"-1\" is no rate"},
                     {"nanx30s", "is no rate"},
                     {"1e9x30s", "is no rate"},
                     {"20x", "load step \"20x\""},
                     {"20x0s", "its duration must be above 0"},
                     {"20x30", "load step \"20x30\""},
                     {"20..90", "a ramp needs its duration"},
                     {"20,30x5s", "only the last step"},
                     {"1x20000d,1x1s", "longer than 50 years"}};
  for (const auto& c : cases) {
    const auto profile = Profile::parse_steps(c.text);
    ASSERT_FALSE(profile) << c.text;
    EXPECT_EQ(profile.error().code(), Errc::kInvalidArgument) << c.text;
    EXPECT_THAT(profile.error().message(), HasSubstr(c.fault)) << c.text;
  }
}

TEST(Profile, RefusesMoreStepsThanItsBound) {
  std::string text = "1x1s";
  for (std::size_t i = 0; i < kMaxSteps; ++i) text += ",1x1s";
  EXPECT_THAT(Profile::parse_steps(text).error().message(), HasSubstr("use a trace file"));
}

TEST(Trace, ScalesDemandByCapacityAndTimeBySpeed) {
  const auto profile =
      Profile::parse_trace("# a source\nt_seconds,demand\n100,2\n110,0.5\r\n130,0\n# note\n140,1\n", "t.csv",
                           {.capacity_rps = 50, .scale = 2, .speed = 10});
  ASSERT_TRUE(profile) << profile.error().message();
  EXPECT_DOUBLE_EQ(profile->rate_at(0s), 200);
  EXPECT_DOUBLE_EQ(profile->rate_at(1s), 50);
  EXPECT_DOUBLE_EQ(profile->rate_at(3s), 0);
  EXPECT_DOUBLE_EQ(profile->rate_at(4s), 100);
  EXPECT_EQ(profile->length(), Nanos{5s});  // the last row lasts as long as the one before it
}

TEST(Trace, NamesFileLineAndMend) {
  struct {
    const char* csv;
    const char* fault;
  } const cases[] = {{"", "t.csv: no rows"},
                     {"t_seconds,demand\n", "t.csv: no rows"},
                     {"# x\ntime,load\n", "t.csv:2: the header must be \"t_seconds,demand\""},
                     {"t_seconds,demand\n0,1\n1\n", "t.csv:3: \"1\" is no row"},
                     {"t_seconds,demand\n0,1\n1,much\n", "t.csv:3: \"1,much\" is no row"},
                     {"t_seconds,demand\n0,inf\n", "t.csv:2: \"0,inf\" is no row"},
                     {"t_seconds,demand\n0,1,2\n", "t.csv:2: \"0,1,2\" is no row"},
                     {"t_seconds,demand\n0,-1\n", "t.csv:2: demand must not be negative"},
                     {"t_seconds,demand\n5,1\n5,1\n", "t.csv:3: t_seconds must ascend"},
                     {"t_seconds,demand\n0,1e9\n", "t.csv: load step 1: the rate must be"}};
  for (const auto& c : cases) {
    const auto profile = Profile::parse_trace(c.csv, "t.csv", {});
    ASSERT_FALSE(profile) << c.csv;
    EXPECT_THAT(profile.error().message(), HasSubstr(c.fault)) << c.csv;
  }
}

TEST(Trace, RefusesOptionsOutOfRange) {
  const std::string csv = "t_seconds,demand\n0,1\n";
  for (const TraceOptions& options :
       {TraceOptions{.speed = 0}, TraceOptions{.speed = -1}, TraceOptions{.scale = 0},
        TraceOptions{.capacity_rps = 0}, TraceOptions{.speed = 1e-12}}) {
    EXPECT_FALSE(Profile::parse_trace(csv, "t.csv", options));
  }
}

TEST(Trace, RefusesAFileThatIsAbsentOrTooLarge) {
  EXPECT_EQ(Profile::read_trace(::testing::TempDir() + "/absent.csv", {}).error().code(), Errc::kNotFound);
  EXPECT_FALSE(Profile::read_trace(::testing::TempDir(), {}));
  const std::string path = ::testing::TempDir() + "/large.csv";
  std::ofstream(path) << "t_seconds,demand\n";
  std::filesystem::resize_file(path, trace::kMaxBytes + 1);
  EXPECT_EQ(Profile::read_trace(path, {}).error().code(), Errc::kExhausted);
  std::filesystem::remove(path);
}

TEST(Trace, ReadsTheRealOnesWhereTheyLie) {
  const char* folder = std::getenv("GPUSCALE_TRACES_DIR");
  const std::string path =
      std::string(folder != nullptr ? folder : "../shared/traces") + "/azure_conv_2023.csv";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is missing; set GPUSCALE_TRACES_DIR";
  const auto profile = Profile::read_trace(path, {.capacity_rps = 10, .speed = 60});
  ASSERT_TRUE(profile) << profile.error().message();
  // The traces are made so that the mean demand is ten nodes.
  const Nanos length = profile->length().value();
  const double mean = profile->expected_until(length) / std::chrono::duration<double>(length).count();
  EXPECT_NEAR(mean, 100, 2);
}

TEST(Arrivals, AreEvenAndExactlyAsManyAsTheRateSays) {
  const auto times = all_of(Arrivals(steps("10x1s,20x1s"), ArrivalKind::kEven, 1));
  ASSERT_EQ(times.size(), 30U);
  EXPECT_EQ(times.front(), Nanos{50ms});
  for (std::size_t i = 1; i < 10; ++i)
    EXPECT_EQ(std::chrono::round<std::chrono::microseconds>(times[i] - times[i - 1]), 100ms);
  for (std::size_t i = 11; i < 30; ++i)
    EXPECT_EQ(std::chrono::round<std::chrono::microseconds>(times[i] - times[i - 1]), 50ms);
}

/// For any profile: ascending, inside it, and at every time within one request of what the rate asks for.
TEST(Arrivals, FollowTheIntegralOfTheRate) {
  for (const char* text :
       {"7x3s", "0..100x2s", "100..0x2s", "0x1s,50..51x1s,0x1s,3x1s", "0.1x30s", "1000x1s,1..999x1s"}) {
    const Profile profile = steps(text);
    const auto times = all_of(Arrivals(profile, ArrivalKind::kEven, 1));
    EXPECT_NEAR(static_cast<double>(times.size()), profile.expected_until(*profile.length()), 1) << text;
    for (std::size_t i = 0; i < times.size(); ++i) {
      EXPECT_LE(times[i], *profile.length()) << text;
      if (i > 0) {
        EXPECT_GE(times[i], times[i - 1]) << text;
      }
      EXPECT_NEAR(profile.expected_until(times[i]), static_cast<double>(i) + 0.5, 1e-3) << text;
    }
  }
}

TEST(Arrivals, StartInTheMiddleOfAProfile) {
  const auto times = all_of(Arrivals(steps("10x1s,20x1s"), ArrivalKind::kEven, 1, 1500ms));
  ASSERT_EQ(times.size(), 10U);
  EXPECT_EQ(times.front(), Nanos{1525ms});
  EXPECT_TRUE(all_of(Arrivals(steps("10x1s"), ArrivalKind::kEven, 1, 2s)).empty());
}

TEST(Arrivals, OfPoissonHaveTheRateAndAreRepeatable) {
  const Profile profile = steps("100x60s");
  const auto times = all_of(Arrivals(profile, ArrivalKind::kPoisson, 7));
  EXPECT_EQ(times, all_of(Arrivals(profile, ArrivalKind::kPoisson, 7)));
  EXPECT_NE(times, all_of(Arrivals(profile, ArrivalKind::kPoisson, 8)));
  EXPECT_NEAR(static_cast<double>(times.size()), 6000, 4 * 77.5);  // four standard deviations
  double sum = 0;
  double squares = 0;
  for (std::size_t i = 1; i < times.size(); ++i) {
    const double gap = std::chrono::duration<double>(times[i] - times[i - 1]).count();
    sum += gap;
    squares += gap * gap;
  }
  const auto n = static_cast<double>(times.size() - 1);
  const double mean = sum / n;
  EXPECT_NEAR(std::sqrt(squares / n - mean * mean) / mean, 1,
              0.06);  // exponential gaps vary as much as they last
}

}  // namespace
}  // namespace gpuscale::load
