// SPDX-License-Identifier: Apache-2.0
/// Texts written by hand from the servers' documentation.
#include "agent/inference_preset.h"

#include <gmock/gmock.h>

#include "agent/inference_scraper.h"
#include "base/system_clock.h"
#include "http/testing/imposter.h"

namespace gpuscale::agent {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

std::vector<std::string> shown(const std::vector<metrics::Field>& fields) {
  std::vector<std::string> out;
  for (const metrics::Field& field : fields) {
    std::string number = std::to_string(std::get<double>(field.value));
    number.resize(number.find('.') + 2);
    out.push_back(field.key + "=" + number);
  }
  return out;
}

std::vector<std::string> once(std::string_view preset, std::string_view text) {
  const InferenceMapping mapping = find_preset(preset).value();
  return shown(inference_fields({}, map_exposition(text, mapping)));
}

TEST(InferencePreset, OfVllmSumsItsEnginesAndKnowsOldAndNewNames) {
  constexpr std::string_view kText =
      "# TYPE vllm:num_requests_running gauge\n"
      "vllm:num_requests_running{engine=\"0\",model_name=\"m\"} 3.0\n"
      "vllm:num_requests_running{engine=\"1\",model_name=\"m\"} 2.0\n"
      "vllm:num_requests_waiting{engine=\"0\",model_name=\"m\"} 7.0\n"
      "vllm:num_requests_waiting_by_reason{reason=\"capacity\"} 7.0\n"
      "vllm:kv_cache_usage_perc{engine=\"0\"} 0.25\n"
      "vllm:kv_cache_usage_perc{engine=\"1\"} 0.5\n"
      "vllm:time_to_first_token_seconds_bucket{le=\"0.1\"} 3\n"
      "vllm:time_to_first_token_seconds_sum 1.5\n"
      "vllm:time_to_first_token_seconds_count 10\n";
  EXPECT_THAT(once("vllm", kText),
              UnorderedElementsAre("requests_waiting=7.0", "requests_running=5.0", "kv_cache_usage=50.0"));
  EXPECT_THAT(once("vllm", "vllm:gpu_cache_usage_perc 0.75\n"), UnorderedElementsAre("kv_cache_usage=75.0"));
}

TEST(InferencePreset, MeansAreOfTheTimeBetweenTwoScrapes) {
  const InferenceMapping mapping = find_preset("vllm").value();
  const auto at = [&](const std::string& sum, const std::string& count) {
    return map_exposition("vllm:time_to_first_token_seconds_sum " + sum +
                              "\nvllm:time_to_first_token_seconds_count " + count + "\n",
                          mapping);
  };
  EXPECT_THAT(shown(inference_fields(at("1.5", "10"), at("2.5", "14"))),
              UnorderedElementsAre("time_to_first_token_ms=250.0"));
  EXPECT_TRUE(inference_fields(at("1.5", "10"), at("1.5", "10")).empty()) << "nothing observed";
  EXPECT_TRUE(inference_fields(at("1.5", "10"), at("0.1", "1")).empty()) << "the server was restarted";
}

TEST(InferencePreset, OfTheOthers) {
  EXPECT_THAT(once("sglang", "sglang:num_queue_reqs 4\nsglang:num_running_reqs 2\nsglang:token_usage 0.3\n"),
              UnorderedElementsAre("requests_waiting=4.0", "requests_running=2.0", "kv_cache_usage=30.0"));
  EXPECT_THAT(once("tgi", "tgi_queue_size 5\ntgi_batch_current_size 8\n"),
              UnorderedElementsAre("requests_waiting=5.0", "requests_running=8.0"));
  EXPECT_THAT(once("triton",
                   "nv_inference_pending_request_count{model=\"a\",version=\"1\"} 1\n"
                   "nv_inference_pending_request_count{model=\"b\",version=\"1\"} 2\n"),
              UnorderedElementsAre("requests_waiting=3.0"));
  EXPECT_THAT(once("tensorrt-llm",
                   "nv_trt_llm_request_metrics{model=\"a\",request_type=\"waiting\"} 6\n"
                   "nv_trt_llm_request_metrics{model=\"a\",request_type=\"scheduled\"} 2\n"
                   "nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=\"fraction\"} 0.5\n"
                   "nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=\"used\"} 100\n"),
              UnorderedElementsAre("requests_waiting=6.0", "requests_running=2.0", "kv_cache_usage=50.0"));
}

TEST(InferencePreset, WhatIsMissingOrNotFiniteIsAbsent) {
  EXPECT_TRUE(once("vllm", "").empty());
  EXPECT_TRUE(once("vllm", "vllm:num_requests_waiting NaN\n<html>\nvllm:num_requests_running\n").empty());
}

TEST(InferenceTarget, MayBeMappedByHand) {
  const auto target =
      parse_target("custom=http://h/metrics", {"requests_waiting=my_queue{kind=\"gpu\"}", "batch=my_batch"});
  ASSERT_TRUE(target) << target.error().message();
  const auto values =
      map_exposition("my_queue{kind=\"cpu\"} 9\nmy_queue{kind=\"gpu\"} 4\nmy_batch 2\n", target->mapping);
  EXPECT_THAT(shown(inference_fields({}, values)), UnorderedElementsAre("requests_waiting=4.0", "batch=2.0"));
}

TEST(InferenceTarget, WhatIsWrongIsSaidWithAnExample) {
  const auto error = [](std::string_view text, const std::vector<std::string>& maps = {}) {
    const auto target = parse_target(text, maps);
    return target ? std::string("good") : target.error().message();
  };
  EXPECT_THAT(error("vllm"), HasSubstr("vllm=http://"));
  EXPECT_THAT(error("vllmm=http://h/metrics"),
              HasSubstr("one of vllm, sglang, tgi, triton, tensorrt-llm, custom"));
  EXPECT_THAT(error("custom=http://h/metrics"), HasSubstr("--inference-map"));
  for (const char* bad : {"", "=x", "x=", "x={a=\"b\"}", "x=m{", "x=m{}", "x=m{a=\"}", "x=m{=\"b\"}"}) {
    EXPECT_THAT(error("custom=http://h/metrics", {bad}), HasSubstr("is not FIELD=METRIC")) << bad;
  }
}

TEST(InferenceScraper, WritesLinesAndSurvivesAServerThatIsAway) {
  http::testing::Imposter server(
      0, [](const http::Request&) { return http::Response::text(200, "vllm:num_requests_waiting 7\n"); });
  const base::SystemClock clock;
  InferenceScraper scraper({parse_target("vllm=" + server.url() + "/metrics", {}).value(),
                            parse_target("tgi=http://127.0.0.1:1/metrics", {}).value()},
                           {"c", "gpu", "n-1"}, 20ms, clock, log::Log::silent());
  std::vector<std::string> lines;
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (lines.empty() && std::chrono::steady_clock::now() < deadline) {
    lines = scraper.take_lines();
    std::this_thread::sleep_for(1ms);
  }
  ASSERT_FALSE(lines.empty());
  EXPECT_THAT(lines[0], HasSubstr("inference,cluster=c,node=n-1,pool=gpu,server=vllm requests_waiting=7 "));
  const auto settled_by = std::chrono::steady_clock::now() + 20s;
  while (scraper.sights()[1].error.empty() && std::chrono::steady_clock::now() < settled_by) {
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_TRUE(scraper.sights()[0].up);
  EXPECT_FALSE(scraper.sights()[1].up);
}

}  // namespace
}  // namespace gpuscale::agent
