// SPDX-License-Identifier: Apache-2.0
#include "alert/reducer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace gpuscale::alert {
namespace {

struct Named {
  Reducer reducer;
  std::string_view name;
};
constexpr std::array<Named, 14> kReducers = {{{Reducer::kAvg, "avg"},
                                              {Reducer::kMin, "min"},
                                              {Reducer::kMax, "max"},
                                              {Reducer::kSum, "sum"},
                                              {Reducer::kCount, "count"},
                                              {Reducer::kLast, "last"},
                                              {Reducer::kFirst, "first"},
                                              {Reducer::kMedian, "median"},
                                              {Reducer::kDiff, "diff"},
                                              {Reducer::kPercentDiff, "percent_diff"},
                                              {Reducer::kCountNonNull, "count_non_null"},
                                              {Reducer::kPercentile, "percentile"},
                                              {Reducer::kSlope, "slope"},
                                              {Reducer::kStddev, "stddev"}}};

struct Seen {
  double seconds;  ///< since the first value
  double value;
};

std::vector<Seen> values_of(const std::vector<datasource::Sample>& samples) {
  std::vector<Seen> out;
  out.reserve(samples.size());
  std::optional<WallTime> first;
  for (const datasource::Sample& sample : samples) {
    if (!sample.value) continue;
    if (!first) first = sample.at;
    out.push_back({std::chrono::duration<double>(sample.at - *first).count(), *sample.value});
  }
  return out;
}

double sum_of(const std::vector<Seen>& seen) {
  return std::accumulate(seen.begin(), seen.end(), 0.0,
                         [](double sum, const Seen& s) { return sum + s.value; });
}

std::vector<double> sorted(const std::vector<Seen>& seen) {
  std::vector<double> values;
  values.reserve(seen.size());
  for (const Seen& each : seen) values.push_back(each.value);
  std::sort(values.begin(), values.end());
  return values;
}

double median(const std::vector<double>& values) {
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double percentile(const std::vector<double>& values, double percent) {
  const double rank = percent / 100 * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(std::clamp(rank, 0.0, static_cast<double>(values.size() - 1)));
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (values[above] - values[below]) * (rank - static_cast<double>(below));
}

std::optional<double> slope(const std::vector<Seen>& seen) {
  const auto n = static_cast<double>(seen.size());
  double mean_time = 0;
  for (const Seen& each : seen) mean_time += each.seconds / n;
  const double mean = sum_of(seen) / n;
  double covariance = 0;
  double variance = 0;
  for (const Seen& each : seen) {
    covariance += (each.seconds - mean_time) * (each.value - mean);
    variance += (each.seconds - mean_time) * (each.seconds - mean_time);
  }
  if (variance == 0) return std::nullopt;
  return covariance / variance;
}

std::optional<double> stddev(const std::vector<Seen>& seen) {
  if (seen.size() < 2) return std::nullopt;
  const auto n = static_cast<double>(seen.size());
  const double mean = sum_of(seen) / n;
  double squares = 0;
  for (const Seen& each : seen) squares += (each.value - mean) * (each.value - mean);
  return std::sqrt(squares / (n - 1));
}

std::optional<double> percent_diff(double oldest, double newest) {
  if (oldest == 0) return std::nullopt;
  return (newest - oldest) / std::abs(oldest) * 100;
}

}  // namespace

std::string_view to_string(Reducer reducer) {
  for (const Named& each : kReducers) {
    if (each.reducer == reducer) return each.name;
  }
  return "?";
}

std::optional<Reducer> parse_reducer(std::string_view text) {
  for (const Named& each : kReducers) {
    if (each.name == text) return each.reducer;
  }
  return std::nullopt;
}

std::string_view known_reducers() {
  return "avg, min, max, sum, count, last, first, median, diff, percent_diff, count_non_null, percentile, "
         "slope, stddev";
}

std::optional<double> reduce(Reducer reducer, const std::vector<datasource::Sample>& samples,
                             double percent) {
  if (reducer == Reducer::kCount) {
    if (samples.empty()) return std::nullopt;
    return static_cast<double>(samples.size());
  }
  const std::vector<Seen> seen = values_of(samples);
  if (seen.empty()) return std::nullopt;
  const auto by_value = [](const Seen& a, const Seen& b) { return a.value < b.value; };
  switch (reducer) {
    case Reducer::kAvg:
      return sum_of(seen) / static_cast<double>(seen.size());
    case Reducer::kMin:
      return std::min_element(seen.begin(), seen.end(), by_value)->value;
    case Reducer::kMax:
      return std::max_element(seen.begin(), seen.end(), by_value)->value;
    case Reducer::kSum:
      return sum_of(seen);
    case Reducer::kLast:
      return seen.back().value;
    case Reducer::kFirst:
      return seen.front().value;
    case Reducer::kMedian:
      return median(sorted(seen));
    case Reducer::kDiff:
      return seen.back().value - seen.front().value;
    case Reducer::kPercentDiff:
      return percent_diff(seen.front().value, seen.back().value);
    case Reducer::kCountNonNull:
      return static_cast<double>(seen.size());
    case Reducer::kPercentile:
      return percentile(sorted(seen), percent);
    case Reducer::kSlope:
      return slope(seen);
    case Reducer::kStddev:
      return stddev(seen);
    case Reducer::kCount:
      break;
  }
  return std::nullopt;
}

}  // namespace gpuscale::alert
