// SPDX-License-Identifier: Apache-2.0
#include "agent/inference_preset.h"

#include <algorithm>
#include <cmath>

#include "metrics/exposition_parser.h"
#include "metrics/telemetry.h"

namespace gpuscale::agent {
namespace {

using metrics::kKvCacheUsage;
using metrics::kRequestsRunning;
using metrics::kRequestsWaiting;
using metrics::kTimePerTokenMs;
using metrics::kTimeToFirstTokenMs;

MappedMetric value(std::string_view field, std::string_view metric, Fold fold = Fold::kSum) {
  return {std::string(field), std::string(metric), "", "", fold, Take::kValue};
}
MappedMetric ratio(std::string_view field, std::string_view metric) {
  return {std::string(field), std::string(metric), "", "", Fold::kMax, Take::kPercent};
}
MappedMetric mean(std::string_view field, std::string_view metric) {
  return {std::string(field), std::string(metric), "", "", Fold::kSum, Take::kMeanMillis};
}
MappedMetric with_label(MappedMetric metric, std::string_view label, std::string_view label_value) {
  metric.label = label;
  metric.label_value = label_value;
  return metric;
}

struct Preset {
  std::string_view name;
  InferenceMapping (*mapping)();
};

InferenceMapping vllm() {
  return {value(kRequestsWaiting, "vllm:num_requests_waiting"),
          value(kRequestsRunning, "vllm:num_requests_running"),
          ratio(kKvCacheUsage, "vllm:kv_cache_usage_perc"),
          ratio(kKvCacheUsage, "vllm:gpu_cache_usage_perc"),  // before 0.10
          value("preemptions_total", "vllm:num_preemptions_total"),
          mean(kTimeToFirstTokenMs, "vllm:time_to_first_token_seconds"),
          mean("queue_time_ms", "vllm:request_queue_time_seconds"),
          mean(kTimePerTokenMs, "vllm:inter_token_latency_seconds"),
          mean(kTimePerTokenMs, "vllm:time_per_output_token_seconds"),
          mean("request_latency_ms", "vllm:e2e_request_latency_seconds"),
          value("prompt_tokens_total", "vllm:prompt_tokens_total"),
          value("generation_tokens_total", "vllm:generation_tokens_total")};
}

InferenceMapping sglang() {
  return {value(kRequestsWaiting, "sglang:num_queue_reqs"),
          value(kRequestsRunning, "sglang:num_running_reqs"), ratio(kKvCacheUsage, "sglang:token_usage"),
          mean(kTimeToFirstTokenMs, "sglang:time_to_first_token_seconds"),
          value("generation_tokens_per_second", "sglang:gen_throughput")};
}

InferenceMapping tgi() {
  return {value(kRequestsWaiting, "tgi_queue_size"), value(kRequestsRunning, "tgi_batch_current_size"),
          mean("queue_time_ms", "tgi_request_queue_duration"),
          mean(kTimePerTokenMs, "tgi_request_mean_time_per_token_duration"),
          mean("request_latency_ms", "tgi_request_duration")};
}

InferenceMapping triton() {
  return {value(kRequestsWaiting, "nv_inference_pending_request_count"),
          value("requests_total", "nv_inference_request_success"),
          value("requests_failed_total", "nv_inference_request_failure"),
          value("queue_duration_us_total", "nv_inference_queue_duration_us")};
}

/// Both as Triton's backend and as trtllm-serve names them.
InferenceMapping tensorrt_llm() {
  return {with_label(value(kRequestsWaiting, "nv_trt_llm_request_metrics"), "request_type", "waiting"),
          value(kRequestsWaiting, "trtllm_num_requests_waiting"),
          with_label(value(kRequestsRunning, "nv_trt_llm_request_metrics"), "request_type", "scheduled"),
          value(kRequestsRunning, "trtllm_num_requests_running"),
          with_label(ratio(kKvCacheUsage, "nv_trt_llm_kv_cache_block_metrics"), "kv_cache_block_type",
                     "fraction"),
          ratio(kKvCacheUsage, "trtllm_kv_cache_utilization"),
          mean(kTimeToFirstTokenMs, "trtllm_time_to_first_token_seconds")};
}

constexpr Preset kPresets[] = {
    {"vllm", vllm}, {"sglang", sglang}, {"tgi", tgi}, {"triton", triton}, {"tensorrt-llm", tensorrt_llm}};

struct Sum {
  double value = 0;
  double count = 0;
  std::size_t samples = 0;
};

void add_sample(const MappedMetric& metric, const metrics::ExpositionSample& sample, Sum& sum) {
  if (!std::isfinite(sample.value)) return;
  if (!metric.label.empty() && sample.label(metric.label) != metric.label_value) return;
  if (metric.take == Take::kMeanMillis) {
    const std::string_view rest = sample.name.substr(std::min(metric.metric.size(), sample.name.size()));
    if (rest == "_sum") {
      sum.value += sample.value;
      ++sum.samples;
    } else if (rest == "_count") {
      sum.count += sample.value;
    }
    return;
  }
  const bool greatest = metric.fold == Fold::kMax && sum.samples > 0;
  sum.value = greatest ? std::max(sum.value, sample.value) : sum.value + sample.value;
  ++sum.samples;
}

bool concerns(const MappedMetric& metric, std::string_view name) {
  return metric.take == Take::kMeanMillis ? name.starts_with(metric.metric) : name == metric.metric;
}

}  // namespace

std::vector<std::string_view> preset_names() {
  std::vector<std::string_view> names;
  for (const Preset& preset : kPresets) names.push_back(preset.name);
  return names;
}

Result<InferenceMapping> find_preset(std::string_view name) {
  std::string known;
  for (const Preset& preset : kPresets) {
    if (preset.name == name) return preset.mapping();
    known.append(known.empty() ? "" : ", ").append(preset.name);
  }
  return fail(Errc::kInvalidArgument,
              "no inference server \"" + std::string(name) + "\" is known; one of " + known + ", custom");
}

Result<MappedMetric> parse_mapping(std::string_view text) {
  const auto bad = [text] {
    return fail(Errc::kInvalidArgument, "--inference-map \"" + std::string(text) +
                                            "\" is not FIELD=METRIC or FIELD=METRIC{LABEL=\"VALUE\"}, as "
                                            "requests_waiting=my_queue_size is");
  };
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos || equals + 1 == text.size()) return bad();
  MappedMetric metric = value(text.substr(0, equals), text.substr(equals + 1));
  const std::size_t brace = metric.metric.find('{');
  if (brace == std::string::npos) return metric;
  const std::string selector = metric.metric.substr(brace);
  metric.metric.resize(brace);
  const std::size_t quote = selector.find("=\"");
  if (metric.metric.empty() || quote == std::string::npos || quote < 2 || !selector.ends_with("\"}"))
    return bad();
  if (selector.size() < quote + 4) return bad();
  return with_label(std::move(metric), selector.substr(1, quote - 1),
                    selector.substr(quote + 2, selector.size() - quote - 4));
}

std::vector<MappedValue> map_exposition(std::string_view text, const InferenceMapping& mapping) {
  std::vector<Sum> sums(mapping.size());
  metrics::parse_exposition(text, [&](const metrics::ExpositionSample& sample) {
    for (std::size_t i = 0; i < mapping.size(); ++i) {
      if (concerns(mapping[i], sample.name)) add_sample(mapping[i], sample, sums[i]);
    }
  });
  std::vector<MappedValue> values;
  for (std::size_t i = 0; i < mapping.size(); ++i) {
    const MappedMetric& metric = mapping[i];
    const bool known = std::any_of(values.begin(), values.end(), [&](const MappedValue& earlier) {
      return earlier.metric->field == metric.field;
    });
    if (sums[i].samples == 0 || known) continue;
    double number = sums[i].value;
    if (metric.take == Take::kPercent) number *= 100;
    values.push_back({&metric, number, sums[i].count});
  }
  return values;
}

std::vector<metrics::Field> inference_fields(const std::vector<MappedValue>& before,
                                             const std::vector<MappedValue>& now) {
  std::vector<metrics::Field> fields;
  for (const MappedValue& value : now) {
    if (value.metric->take != Take::kMeanMillis) {
      fields.push_back({value.metric->field, value.value});
      continue;
    }
    const auto earlier = std::find_if(before.begin(), before.end(), [&](const MappedValue& candidate) {
      return candidate.metric == value.metric;
    });
    if (earlier == before.end()) continue;
    const double observed = value.count - earlier->count;
    const double seconds = value.value - earlier->value;
    if (observed > 0 && seconds >= 0) fields.push_back({value.metric->field, seconds / observed * 1000});
  }
  return fields;
}

}  // namespace gpuscale::agent
