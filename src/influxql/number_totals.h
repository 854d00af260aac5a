// SPDX-License-Identifier: Apache-2.0
/// Private to the room: what the numbers of one bucket come to. Pure.
#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

namespace gpuscale::influxql {

enum class Fold { kCount, kSum, kMean, kMin, kMax, kFirst, kLast, kSpread };

/// T is double or std::int64_t. Ties are broken as InfluxDB does (see StreamingAggregate).
template <typename T>
struct NumberTotal {
  std::int64_t count = 0;
  T value{};  ///< sum, or the chosen one; the least for spread
  T most{};   ///< spread only
  std::int64_t time = 0;

  /// Adds samples, times ascending.
  void add(Fold fold, std::span<const std::int64_t> times, std::span<const T> values) {
    if (values.empty()) return;
    switch (fold) {
      case Fold::kCount:
        break;
      case Fold::kSum:
      case Fold::kMean: {
        // In a register: a member might lie among the values, as far as the compiler knows.
        T sum = value;
        for (const T v : values) sum = plus(sum, v);
        value = sum;
        break;
      }
      case Fold::kMin:
        choose(times, values, [this](std::int64_t t, T v) { return v < value || (v == value && t < time); });
        break;
      case Fold::kMax:
        choose(times, values, [this](std::int64_t t, T v) { return v > value || (v == value && t < time); });
        break;
      case Fold::kFirst:
        choose(times.first(1), values.first(1),
               [this](std::int64_t t, T v) { return t != time ? t < time : value < v; });
        break;
      case Fold::kLast:
        choose(times.last(1), values.last(1),
               [this](std::int64_t t, T v) { return t != time ? t > time : value < v; });
        break;
      case Fold::kSpread:
        if (count == 0) value = most = values.front();
        for (const T v : values) {
          if (v < value) value = v;
          if (v > most) most = v;
        }
        break;
    }
    count += static_cast<std::int64_t>(values.size());
  }

  /// Adds what other samples came to.
  void merge(Fold fold, const NumberTotal& other) {
    if (other.count == 0) return;
    const bool first = count == 0;
    count += other.count;
    switch (fold) {
      case Fold::kCount:
        break;
      case Fold::kSum:
      case Fold::kMean:
        value = plus(value, other.value);
        break;
      case Fold::kMin:
        if (first || other.value < value || (other.value == value && other.time < time)) take(other);
        break;
      case Fold::kMax:
        if (first || other.value > value || (other.value == value && other.time < time)) take(other);
        break;
      case Fold::kFirst:
        if (first || (other.time != time ? other.time < time : value < other.value)) take(other);
        break;
      case Fold::kLast:
        if (first || (other.time != time ? other.time > time : value < other.value)) take(other);
        break;
      case Fold::kSpread:
        value = first ? other.value : std::min(value, other.value);
        most = first ? other.most : std::max(most, other.most);
        break;
    }
  }

  /// Adds what `samples` samples came to.
  void add_sum(T sum, std::int64_t samples) {
    value = plus(value, sum);
    count += samples;
  }

 private:
  void take(const NumberTotal& chosen) {
    value = chosen.value;
    time = chosen.time;
  }
  /// Whole numbers wrap around.
  static T plus(T a, T b) {
    if constexpr (sizeof(T) == sizeof(std::uint64_t) && T(1) / T(2) == T(0)) {
      return static_cast<T>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
    } else {
      return a + b;
    }
  }
  template <typename Better>
  void choose(std::span<const std::int64_t> times, std::span<const T> values, const Better& better) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if ((count > 0 || i > 0) && !better(times[i], values[i])) continue;
      value = values[i];
      time = times[i];
    }
  }
};

}  // namespace gpuscale::influxql
