// SPDX-License-Identifier: Apache-2.0
/// What the served model's own metrics mean: from an inference server's Prometheus text to fields of
/// measurement `inference`. The three that count are requests_waiting, requests_running and kv_cache_usage
/// (the triple of the Gateway API's inference extension). Pure. Sources of the names: docs/gpu-signals.md.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "metrics/point.h"

namespace gpuscale::agent {

/// How several samples (one per model or engine) become one number.
enum class Fold { kSum, kMax };
/// How a sample becomes the field's value.
enum class Take {
  kValue,
  kPercent,     ///< a ratio 0..1, written as 0..100
  kMeanMillis,  ///< a histogram or summary in seconds: <name>_sum / <name>_count since the last scrape, in ms
};

struct MappedMetric {
  std::string field;
  std::string metric;       ///< without _sum and _count where it is kMeanMillis
  std::string label;        ///< "" or the label that must have
  std::string label_value;  ///< this value
  Fold fold = Fold::kSum;
  Take take = Take::kValue;
};
using InferenceMapping = std::vector<MappedMetric>;

/// "vllm", "sglang", "tgi", "triton", "tensorrt-llm".
std::vector<std::string_view> preset_names();
/// Errors: kInvalidArgument naming the presets.
Result<InferenceMapping> find_preset(std::string_view name);
/// "field=metric" or "field=metric{label=\"value\"}", summed. Errors: kInvalidArgument with an example.
Result<MappedMetric> parse_mapping(std::string_view text);

/// One value of a mapping: for kMeanMillis the two running totals.
struct MappedValue {
  const MappedMetric* metric = nullptr;
  double value = 0;
  double count = 0;  ///< kMeanMillis: observations so far
};

/// The values that the text has; of two metrics for one field (an old and a new name) the first that is
/// there. What is not finite is left out. `mapping` outlives the result.
std::vector<MappedValue> map_exposition(std::string_view text, const InferenceMapping& mapping);

/// Fields from the values now and those of the scrape before: means over the time in between, absent where
/// nothing was observed or the server was restarted.
std::vector<metrics::Field> inference_fields(const std::vector<MappedValue>& before,
                                             const std::vector<MappedValue>& now);

}  // namespace gpuscale::agent
