// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "base/rfc3339.h"
#include "cli/live_view.h"

namespace gpuscale::cli {
namespace {

using nlohmann::json;

const json& at(const json& object, const char* key) {
  static const json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

std::string text(const json& object, const char* key) {
  const json& value = at(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::optional<double> number(const json& object, const char* key) {
  const json& value = at(object, key);
  if (!value.is_number()) return std::nullopt;
  return value.get<double>();
}

/// The array under `key`; iterating over a null yields nothing.
const json& list(const json& body, const char* key) {
  static const json kNone = json::array();
  const json& value = at(body, key);
  return value.is_array() ? value : kNone;
}

void fill_pool(ViewModel& view, const json& status, const std::string& pool) {
  for (const json& item : list(status, "pools")) {
    if (!pool.empty() && text(item, "name") != pool) continue;
    view.pool = text(item, "name");
    view.desired = number(item, "desired");
    view.min = number(item, "min");
    view.max = number(item, "max");
    view.ready = number(at(item, "counts"), "ready");
    view.phase = text(item, "phase");
    view.phase_reason = text(item, "phase_reason");
    return;
  }
}

void fill_average(ViewModel& view) {
  double sum = 0;
  int count = 0;
  for (const NodeView& node : view.nodes) {
    if (node.state != "ready" || !node.utilization) continue;
    sum += *node.utilization;
    ++count;
  }
  if (count > 0) view.average = sum / count;
}

/// What stands behind the last '>' of a condition.
std::optional<double> right_of(std::string_view condition) {
  const std::size_t sign = condition.rfind('>');
  if (sign == std::string_view::npos) return std::nullopt;
  const std::size_t first = condition.find_first_not_of("= \t", sign + 1);
  if (first == std::string_view::npos) return std::nullopt;
  double value = 0;
  const auto [end, code] =
      std::from_chars(condition.data() + first, condition.data() + condition.size(), value);
  if (code != std::errc{}) return std::nullopt;
  return value;
}

}  // namespace

std::optional<double> threshold_of(const json& rules) {
  for (const json& rule : list(rules, "rules")) {
    if (const auto value = right_of(text(rule, "condition"))) return value;
  }
  return std::nullopt;
}

std::optional<double> average_of(const json& rules) {
  for (const json& rule : list(rules, "rules")) {
    if (!right_of(text(rule, "condition"))) continue;
    const json& values = list(rule, "values");
    return values.empty() ? std::nullopt : number(values.front(), "value");
  }
  return std::nullopt;
}

ViewModel view_model(const json& status, const json& nodes, const json& rules, const json& activity,
                     const std::string& pool, WallTime now) {
  ViewModel view;
  view.now = now;
  view.cluster = text(status, "cluster");
  view.pool = pool;
  fill_pool(view, status, pool);
  for (const json& node : list(nodes, "nodes")) {
    if (!view.pool.empty() && text(node, "pool") != view.pool && !text(node, "pool").empty()) continue;
    view.nodes.push_back({text(node, "id"), text(node, "state"), number(node, "utilization"),
                          number(node, "in_flight"), number(node, "age_seconds"), text(node, "reason")});
  }
  fill_average(view);
  // What the rule compares, where it has an answer: the nodes' figures are means over a longer window.
  if (const auto average = average_of(rules)) view.average = average;
  view.threshold = threshold_of(rules);
  for (const json& rule : list(rules, "rules")) {
    view.rules.push_back({text(rule, "name"), text(rule, "state"), text(rule, "explanation")});
  }
  for (const json& entry : list(activity, "activity")) {
    const auto time = base::parse_rfc3339(text(entry, "at"));
    view.activity.push_back(
        {time ? std::optional(*time) : std::nullopt, text(entry, "kind"), text(entry, "summary")});
  }
  return view;
}

}  // namespace gpuscale::cli
