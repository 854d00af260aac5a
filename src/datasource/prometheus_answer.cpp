// SPDX-License-Identifier: Apache-2.0
#include "datasource/prometheus_answer.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

namespace gpuscale::datasource {
namespace {

using nlohmann::json;

/// The years 1678 to 2262, which nanoseconds can say.
constexpr double kLastSecond = 9.2e9;

Error no_answer(const std::string& what) {
  return fail(Errc::kCorrupt, "is no answer of Prometheus's query API: " + what);
}

const json* member(const json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

std::string text_of(const json& object, const char* key) {
  const json* found = member(object, key);
  return found != nullptr && found->is_string() ? found->get<std::string>() : "";
}

Error error_of(const json& answer) {
  const std::string type = text_of(answer, "errorType");
  const std::string said = text_of(answer, "error");
  if (type == "timeout" || type == "canceled") return fail(Errc::kTimeout, "its query was stopped: " + said);
  if (type == "unavailable" || type == "internal") return fail(Errc::kUnavailable, said);
  return fail(Errc::kInvalidArgument, "query: " + said);
}

/// [1700000000.123, "1.5"]
Result<Sample> sample_of(const json& pair) {
  if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number() || !pair[1].is_string())
    return no_answer("a sample is not [time, \"value\"]");
  const double seconds = pair[0].get<double>();
  if (!(std::abs(seconds) < kLastSecond)) return no_answer("a sample's time is out of range");
  Sample out;
  // Its times are of milliseconds; a double holds no more of them.
  out.at = base::from_unix_nanos(std::llround(seconds * 1e3) * 1'000'000);
  const auto& text = pair[1].get_ref<const std::string&>();
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text == "+Inf") return out;
  if (error != std::errc{} || end != text.data() + text.size())
    return no_answer("a sample's value is no number");
  if (std::isfinite(value)) out.value = value;
  return out;
}

Result<Series> series_named(const json& item) {
  Series out;
  const json* metric = member(item, "metric");
  if (metric == nullptr || !metric->is_object()) return no_answer("a series has no \"metric\"");
  for (const auto& [key, value] : metric->items()) {
    if (!value.is_string()) return no_answer("a label is no text");
    if (key == "__name__") {
      out.name = value.get<std::string>();
    } else if (!value.get_ref<const std::string&>().empty()) {
      out.tags.push_back({key, value.get<std::string>()});
    }
  }
  std::sort(out.tags.begin(), out.tags.end());
  if (out.tags.empty()) return out;
  out.name += out.name.empty() ? "{" : " {";
  for (const metrics::Tag& tag : out.tags)
    out.name += (&tag == &out.tags.front() ? "" : ", ") + tag.key + ": " + tag.value;
  out.name += "}";
  return out;
}

/// Appends in ascending order; `left` bounds all samples of the answer.
Result<void> append_samples(const json& pairs, Series& series, std::size_t& left) {
  if (!pairs.is_array()) return no_answer("\"values\" is no list");
  if (pairs.size() > left) {
    return fail(Errc::kExhausted, "answers with more than " + std::to_string(kMostSamplesOfAnswer) +
                                      " samples; aggregate in the query");
  }
  left -= pairs.size();
  series.samples.reserve(pairs.size());
  for (const json& pair : pairs) {
    GS_TRY(const Sample sample, sample_of(pair));
    series.samples.push_back(sample);
  }
  std::stable_sort(series.samples.begin(), series.samples.end(),
                   [](const Sample& a, const Sample& b) { return a.at < b.at; });
  return {};
}

Result<std::vector<Series>> series_in_list(const json& result, bool matrix) {
  if (!result.is_array()) return no_answer("\"result\" is no list");
  if (result.size() > kMostSeriesOfAnswer) {
    return fail(Errc::kExhausted, "answers with more than " + std::to_string(kMostSeriesOfAnswer) +
                                      " series; aggregate in the query");
  }
  std::vector<Series> out;
  std::size_t left = kMostSamplesOfAnswer;
  for (const json& item : result) {
    if (!item.is_object()) return no_answer("a series is no object");
    GS_TRY(Series series, series_named(item));
    const json* found = member(item, matrix ? "values" : "value");
    // A native histogram answers with "histogram(s)" in the place of numbers.
    if (found == nullptr) {
      return fail(Errc::kInvalidArgument,
                  "answers with histograms or nothing in the place of numbers; reduce them in the query");
    }
    GS_CHECK(append_samples(matrix ? *found : json::array({*found}), series, left));
    out.push_back(std::move(series));
  }
  return out;
}

}  // namespace

Result<std::vector<Series>> read_prometheus_answer(std::string_view body) {
  const json answer = json::parse(body, nullptr, false);
  if (answer.is_discarded()) return no_answer("it is no JSON");
  const std::string status = text_of(answer, "status");
  if (status == "error") return error_of(answer);
  const json* data = member(answer, "data");
  if (status != "success" || data == nullptr) return no_answer("it has no \"status\" and \"data\"");
  if (const json* partial = member(answer, "isPartial"); partial != nullptr && *partial == true)
    return fail(Errc::kUnavailable, "only a part of its storage answered; look at its storage nodes");
  const std::string type = text_of(*data, "resultType");
  const json* result = member(*data, "result");
  if (result == nullptr) return no_answer("it has no \"result\"");
  if (type == "matrix" || type == "vector") return series_in_list(*result, type == "matrix");
  if (type == "scalar") {
    Series series;
    series.name = "scalar";
    std::size_t left = 1;
    GS_CHECK(append_samples(json::array({*result}), series, left));
    return std::vector<Series>{std::move(series)};
  }
  if (type == "string") return fail(Errc::kInvalidArgument, "query: answers with a text, not with numbers");
  return no_answer("its \"resultType\" is none that is known");
}

}  // namespace gpuscale::datasource
