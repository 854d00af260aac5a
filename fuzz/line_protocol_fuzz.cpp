// SPDX-License-Identifier: Apache-2.0
/// Any bytes as a line-protocol body: must neither crash nor leave a view outside body and storages. What was
/// accepted must be readable again once written.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "metrics/line_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gpuscale::metrics;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const ParsedLines parsed = parse_lines(body, Precision::kNanos, 0);
  std::size_t sum = 0;
  for (const PointView& point : parsed.points) {
    if (point.measurement.empty() || point.fields.empty()) std::abort();
    for (const TagView& tag : point.tags) sum += tag.key.size() + tag.value.size();
    for (const FieldView& field : point.fields) sum += field.key.size();
    sum += series_key(point.measurement, point.tags).size();
  }
  // In parts, as long bodies are read: the same points, errors and memory.
  LineReader reader(body, Precision::kNanos, 0);
  ParsedLines part;
  std::size_t points = 0;
  while (reader.read(2, part)) {
    points += part.points.size();
    for (const PointView& point : part.points) sum += series_key(point.measurement, point.tags).size();
  }
  if (points != parsed.points.size() || part.errors != parsed.errors) std::abort();
  return sum == SIZE_MAX ? 1 : 0;
}
