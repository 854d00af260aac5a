// SPDX-License-Identifier: Apache-2.0
#include "agent/pushed_lines.h"

#include <algorithm>
#include <utility>

#include "metrics/telemetry.h"

namespace gpuscale::agent {
namespace {

metrics::Point owned(const metrics::PointView& view) {
  metrics::Point point;
  point.measurement = std::string(view.measurement);
  for (const metrics::TagView& tag : view.tags)
    point.tags.push_back({std::string(tag.key), std::string(tag.value)});
  for (const metrics::FieldView& field : view.fields) {
    metrics::FieldValue value = std::visit(
        [](const auto& held) -> metrics::FieldValue {
          if constexpr (std::is_same_v<std::decay_t<decltype(held)>, std::string_view>) {
            return std::string(held);
          } else {
            return held;
          }
        },
        field.value);
    point.fields.push_back({std::string(field.key), std::move(value)});
  }
  point.time_ns = view.time_ns;
  return point;
}

void add_missing(metrics::Point& point, std::string_view key, const std::string& value) {
  const bool there = std::any_of(point.tags.begin(), point.tags.end(),
                                 [key](const metrics::Tag& tag) { return tag.key == key; });
  if (!there) point.tags.push_back({std::string(key), value});
}

}  // namespace

PushedLines take_pushed(const NodeIdentity& identity, std::string_view body, metrics::Precision precision,
                        WallTime now) {
  metrics::ParsedLines parsed = metrics::parse_lines(body, precision, base::to_unix_nanos(now));
  PushedLines out;
  out.errors = std::move(parsed.errors);
  for (const metrics::PointView& view : parsed.points) {
    if (view.measurement == metrics::kGpu || view.measurement == metrics::kNode) {
      out.errors.push_back("measurement \"" + std::string(view.measurement) +
                           "\" is the agent's own; choose another name");
      continue;
    }
    metrics::Point point = owned(view);
    add_missing(point, metrics::kTagCluster, identity.cluster);
    add_missing(point, metrics::kTagPool, identity.pool);
    add_missing(point, metrics::kTagNode, identity.node);
    std::string line;
    if (metrics::append_line(line, point)) out.lines.push_back(std::move(line));
  }
  return out;
}

}  // namespace gpuscale::agent
