// SPDX-License-Identifier: Apache-2.0
#include "metrics/point.h"

#include <algorithm>

namespace gpuscale::metrics {

std::string_view to_string(FieldType type) {
  switch (type) {
    case FieldType::kFloat:
      return "float";
    case FieldType::kInteger:
      return "integer";
    case FieldType::kString:
      return "string";
    case FieldType::kBoolean:
      return "boolean";
  }
  return "unknown";
}

std::string_view tag_value(const Tags& tags, std::string_view key) {
  const auto it = std::lower_bound(tags.begin(), tags.end(), key,
                                   [](const Tag& tag, std::string_view k) { return tag.key < k; });
  return it != tags.end() && it->key == key ? std::string_view(it->value) : std::string_view();
}

FieldType type_of(const FieldValue& value) {
  return static_cast<FieldType>(value.index());
}

}  // namespace gpuscale::metrics
