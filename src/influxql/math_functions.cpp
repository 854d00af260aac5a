// SPDX-License-Identifier: Apache-2.0
#include "influxql/math_functions.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "influxql/go_power.h"

namespace gpuscale::influxql {

namespace {

struct Function {
  std::string_view name;
  double (*of)(double);
  bool keeps_integers;
};

constexpr auto kFunctions = std::to_array<Function>({
    {"abs", [](double x) { return std::fabs(x); }, true},
    {"acos", [](double x) { return std::acos(x); }, false},
    {"asin", [](double x) { return std::asin(x); }, false},
    {"atan", [](double x) { return std::atan(x); }, false},
    {"ceil", [](double x) { return std::ceil(x); }, true},
    {"cos", [](double x) { return std::cos(x); }, false},
    {"exp", [](double x) { return std::exp(x); }, false},
    {"floor", [](double x) { return std::floor(x); }, true},
    {"ln", [](double x) { return std::log(x); }, false},
    {"log10", [](double x) { return std::log10(x); }, false},
    {"log2", [](double x) { return std::log2(x); }, false},
    {"round", [](double x) { return std::round(x); }, true},
    {"sin", [](double x) { return std::sin(x); }, false},
    {"sqrt", [](double x) { return std::sqrt(x); }, false},
    {"tan", [](double x) { return std::tan(x); }, false},
});

const Function* find(std::string_view name) {
  const auto* found =
      std::find_if(kFunctions.begin(), kFunctions.end(), [&](const Function& f) { return f.name == name; });
  return found == kFunctions.end() ? nullptr : found;
}

bool takes_two(std::string_view name) {
  return name == "atan2" || name == "pow" || name == "log";
}

std::optional<double> number_of(const Value& value) {
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  return std::nullopt;
}

}  // namespace

bool is_math_function(std::string_view name) {
  return takes_two(name) || find(name) != nullptr;
}

std::size_t math_arguments(std::string_view name) {
  return takes_two(name) ? 2 : 1;
}

Value math_function(std::string_view name, std::span<const Value> args) {
  if (args.size() != math_arguments(name)) return {};
  const auto first = number_of(args[0]);
  if (!first) return {};
  if (takes_two(name)) {
    const auto second = number_of(args[1]);
    if (!second) return {};
    if (name == "atan2") return std::atan2(*first, *second);
    if (name == "pow") return go_power(*first, *second);
    return std::log(*first) / std::log(*second);
  }
  const Function* function = find(name);
  if (function == nullptr) return {};
  if (const auto* integer = std::get_if<std::int64_t>(args.data());
      integer != nullptr && function->keeps_integers) {
    if (name != "abs" || *integer >= 0) return *integer;
    return static_cast<std::int64_t>(-static_cast<std::uint64_t>(*integer));
  }
  return function->of(*first);
}

}  // namespace gpuscale::influxql
