// SPDX-License-Identifier: Apache-2.0
#include "load/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace gpuscale::load {
namespace {

using namespace std::chrono_literals;

class RecorderTest : public ::testing::Test {
 protected:
  const MonoTime start_{1h};
  Recorder recorder_{start_};
};

TEST_F(RecorderTest, CountsEveryRequestOnce) {
  for (int i = 0; i < 5; ++i) recorder_.offered(start_);
  recorder_.served(start_ + 1ms, 20ms);
  recorder_.served(start_ + 2ms, 40ms);
  recorder_.lost(start_ + 3ms, LossReason::kTimeout);
  recorder_.lost_to_drain(1);
  recorder_.retried();
  const Report report = recorder_.snapshot(start_ + 10ms);
  EXPECT_EQ(report.offered, 5U);
  EXPECT_EQ(report.served, 2U);
  EXPECT_EQ(report.lost, 1U);
  EXPECT_EQ(report.outstanding, 2U);
  EXPECT_EQ(report.retried, 1U);
  EXPECT_EQ(report.lost_to_drain, 1U);
  EXPECT_EQ(report.lost_by_reason, (std::map<std::string, std::uint64_t>{{"timeout", 1}}));
  EXPECT_EQ(report.elapsed, Nanos{10ms});
  EXPECT_EQ(report.latency.max, Nanos{40ms});
}

TEST_F(RecorderTest, LooksAtCompleteSecondsOnly) {
  EXPECT_EQ(recorder_.snapshot(start_ + 500ms).last_1s.length, Nanos{0});
  for (int second = 0; second < 15; ++second) {
    for (int i = 0; i <= second; ++i) {
      recorder_.offered(start_ + std::chrono::seconds{second});
      recorder_.served(start_ + std::chrono::seconds{second}, std::chrono::milliseconds{second + 1});
    }
  }
  const Report report = recorder_.snapshot(start_ + 14'900ms);
  EXPECT_EQ(report.last_1s.served, 14U);  // second 13; second 14 is running
  EXPECT_NEAR(static_cast<double>(report.last_1s.latency.p50->count()), 14e6, 14e4);
  EXPECT_EQ(report.last_10s.length, Nanos{10s});
  EXPECT_EQ(report.last_10s.served, 5U + 6 + 7 + 8 + 9 + 10 + 11 + 12 + 13 + 14);
  EXPECT_DOUBLE_EQ(report.last_10s.per_second(report.last_10s.served), 9.5);
}

TEST_F(RecorderTest, ForgetsTheRecentPastWhereNothingHappens) {
  recorder_.offered(start_);
  recorder_.served(start_, 5ms);
  const Report report = recorder_.snapshot(start_ + 60s);
  EXPECT_EQ(report.last_10s.served, 0U);
  EXPECT_EQ(report.last_10s.latency.p50, std::nullopt);
  EXPECT_EQ(report.latency.count, 1U);
}

TEST_F(RecorderTest, PrintsOneLineOfProgress) {
  for (int i = 0; i < 60; ++i) {
    recorder_.offered(start_ + 41s);
    recorder_.served(start_ + 41s, i == 59 ? 48ms : 21ms);
  }
  Report report = recorder_.snapshot(start_ + 42'100ms);
  report.ready_nodes = 3;
  EXPECT_EQ(progress_line(report), "t=42s offered 60.0/s served 60.0/s lost 0 p50 21 ms p99 48 ms nodes 3");
  EXPECT_EQ(progress_line(Report{}), "t=0s offered 0.0/s served 0.0/s lost 0 p50 - p99 - nodes 0");
}

TEST(Report, ShowsAbsentValuesAsNull) {
  const auto json = to_json(Report{});
  EXPECT_TRUE(json["latency_ms"]["p50"].is_null());
  EXPECT_TRUE(json["target_rps"].is_null());
  EXPECT_TRUE(json["failure"].is_null());
  EXPECT_EQ(json["lost_by_reason"], nlohmann::json::object());
}

TEST(Report, FormatsLatenciesWithTheDigitsThatMatter) {
  EXPECT_EQ(format_latency(std::nullopt), "-");
  EXPECT_EQ(format_latency(340us), "0.3 ms");
  EXPECT_EQ(format_latency(3'400us), "3.4 ms");
  EXPECT_EQ(format_latency(9'960us), "10 ms");
  EXPECT_EQ(format_latency(999'600us), "1.00 s");
}

TEST(Recorder, CountsFromManyThreads) {
  const MonoTime start{1s};
  Recorder recorder(start);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&recorder, start] {
      for (int i = 0; i < 1'000; ++i) {
        recorder.offered(start + std::chrono::milliseconds{i});
        recorder.served(start + std::chrono::milliseconds{i}, 1ms);
      }
    });
  }
  for (int i = 0; i < 50; ++i) EXPECT_LE(recorder.snapshot(start + 1s).served, 4'000U);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(recorder.snapshot(start + 1s).served, 4'000U);
}

}  // namespace
}  // namespace gpuscale::load
