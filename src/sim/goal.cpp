// SPDX-License-Identifier: Apache-2.0
#include "sim/goal.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

namespace gpuscale::sim {
namespace {

constexpr std::array<std::pair<std::string_view, Measure>, 6> kMeasures{
    {{"bad", Measure::kBad},
     {"lost", Measure::kLost},
     {"late", Measure::kLate},
     {"node_hours", Measure::kNodeHours},
     {"actions_per_hour", Measure::kActionsPerHour},
     {"p99_wait", Measure::kP99Wait}}};

Error no_condition(std::string_view text) {
  return fail(Errc::kInvalidArgument,
              "\"" + std::string(text) +
                  "\" is no condition; write as in \"bad > 0.1%\": bad, lost, late, node_hours, "
                  "actions_per_hour or p99_wait (seconds), then > >= < or <=, then a number");
}

std::string_view strip(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::string_view name_of(Measure measure) {
  for (const auto& [name, known] : kMeasures) {
    if (known == measure) return name;
  }
  return "";
}

}  // namespace

Result<FailureCondition> FailureCondition::parse(std::string_view text) {
  const std::size_t at = text.find_first_of("<>");
  if (at == std::string_view::npos) return no_condition(text);
  FailureCondition out;
  const std::string_view name = strip(text.substr(0, at));
  bool known = false;
  for (const auto& [word, measure] : kMeasures) {
    if (word != name) continue;
    out.measure_ = measure;
    known = true;
  }
  out.greater_ = text[at] == '>';
  std::string_view rest = text.substr(at + 1);
  out.or_equal_ = rest.starts_with('=');
  if (out.or_equal_) rest.remove_prefix(1);
  rest = strip(rest);
  out.percent_ = rest.ends_with('%');
  if (out.percent_) rest = strip(rest.substr(0, rest.size() - 1));
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), out.bound_);
  const bool share =
      out.measure_ == Measure::kBad || out.measure_ == Measure::kLost || out.measure_ == Measure::kLate;
  if (!known || error != std::errc() || end != rest.data() + rest.size() || !std::isfinite(out.bound_) ||
      (out.percent_ && !share)) {
    return no_condition(text);
  }
  if (out.percent_) out.bound_ /= 100;
  return out;
}

double FailureCondition::value_of(const Outcome& outcome) const {
  const double offered = outcome.offered > 0 ? outcome.offered : 1;
  const double hours = static_cast<double>(outcome.ticks * outcome.tick_seconds) / 3600;
  switch (measure_) {
    case Measure::kBad:
      return outcome.bad();
    case Measure::kLost:
      return outcome.lost / offered;
    case Measure::kLate:
      return outcome.late / offered;
    case Measure::kNodeHours:
      return outcome.node_hours();
    case Measure::kActionsPerHour:
      return hours > 0 ? static_cast<double>(outcome.actions()) / hours : 0;
    case Measure::kP99Wait:
      break;
  }
  const auto wait = outcome.wait_quantile(0.99);
  return wait ? static_cast<double>(*wait) : std::numeric_limits<double>::infinity();
}

bool FailureCondition::holds_for(const Outcome& outcome) const {
  const double value = value_of(outcome);
  if (or_equal_ && value == bound_) return true;
  return greater_ ? value > bound_ : value < bound_;
}

std::string FailureCondition::explain(const Outcome& outcome) const {
  std::array<char, 40> buffer{};
  const double value = value_of(outcome) * (percent_ ? 100 : 1);
  const int size = std::snprintf(buffer.data(), buffer.size(), "%.6g%s", value, percent_ ? "%" : "");
  return std::string(name_of(measure_)) + " is " + std::string(buffer.data(), static_cast<std::size_t>(size));
}

}  // namespace gpuscale::sim
