// SPDX-License-Identifier: Apache-2.0
/// The nouns of telemetry, as line protocol has them: a point is a measurement, a set of tags, some fields
/// and a time. Views borrow their text from the buffer they were parsed from.
#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace gpuscale::metrics {

enum class FieldType : std::uint8_t { kFloat, kInteger, kString, kBoolean };

/// InfluxDB's names: "float", "integer", "string", "boolean".
std::string_view to_string(FieldType type);

struct Tag {
  std::string key;
  std::string value;
  friend auto operator<=>(const Tag&, const Tag&) = default;
};
/// Ascending by key, keys unique, no empty value.
using Tags = std::vector<Tag>;

/// The value of `key`, or "" where there is none (InfluxQL treats the two alike).
std::string_view tag_value(const Tags& tags, std::string_view key);

using FieldValue = std::variant<double, std::int64_t, std::string, bool>;
FieldType type_of(const FieldValue& value);

struct Field {
  std::string key;
  FieldValue value;
};

/// An owning point, for producers (agents). Tags need no order: the writer sorts them.
struct Point {
  std::string measurement;
  Tags tags;
  std::vector<Field> fields;  ///< at least one
  std::optional<std::int64_t> time_ns;
};

struct TagView {
  std::string_view key;
  std::string_view value;
};
/// A string is already unescaped.
using FieldValueView = std::variant<double, std::int64_t, std::string_view, bool>;
struct FieldView {
  std::string_view key;
  FieldValueView value;
};

/// A parsed point. Valid as long as the ParsedLines that holds it.
struct PointView {
  std::string_view measurement;
  std::span<const TagView> tags;  ///< ascending by key, unique
  std::span<const FieldView> fields;
  std::int64_t time_ns;
  /// The tags as text, ",key=value" for each with a backslash before ',', ' ' and '=' and no other backslash;
  /// empty where they were not sent so. Another name for `tags`, which is quick to compare.
  std::string_view tag_text{};
  /// Whether the keys of `fields` are known to be those of the point before, in the same order.
  bool same_keys = false;
};

}  // namespace gpuscale::metrics
