// SPDX-License-Identifier: Apache-2.0
#include "alert/reducer.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace gpuscale::alert {
namespace {

struct Named {
  Reducer reducer;
  std::string_view name;
};
constexpr std::array<Named, 8> kReducers = {{{Reducer::kAvg, "avg"},
                                             {Reducer::kMin, "min"},
                                             {Reducer::kMax, "max"},
                                             {Reducer::kSum, "sum"},
                                             {Reducer::kCount, "count"},
                                             {Reducer::kLast, "last"},
                                             {Reducer::kFirst, "first"},
                                             {Reducer::kMedian, "median"}}};

double median(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
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
  return "avg, min, max, sum, count, last, first, median";
}

std::optional<double> reduce(Reducer reducer, const std::vector<datasource::Sample>& samples) {
  if (reducer == Reducer::kCount) {
    if (samples.empty()) return std::nullopt;
    return static_cast<double>(samples.size());
  }
  std::vector<double> values;
  values.reserve(samples.size());
  for (const datasource::Sample& sample : samples) {
    if (sample.value) values.push_back(*sample.value);
  }
  if (values.empty()) return std::nullopt;
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  switch (reducer) {
    case Reducer::kAvg:
      return sum / static_cast<double>(values.size());
    case Reducer::kMin:
      return *std::min_element(values.begin(), values.end());
    case Reducer::kMax:
      return *std::max_element(values.begin(), values.end());
    case Reducer::kSum:
      return sum;
    case Reducer::kLast:
      return values.back();
    case Reducer::kFirst:
      return values.front();
    case Reducer::kMedian:
      return median(values);
    case Reducer::kCount:
      break;
  }
  return std::nullopt;
}

}  // namespace gpuscale::alert
