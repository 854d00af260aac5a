// SPDX-License-Identifier: Apache-2.0
#include "metrics/exposition.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace gpuscale::metrics {

namespace {

void append_number(std::string& out, double value) {
  std::array<char, 32> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  if (error == std::errc()) out.append(buffer.data(), end);
}

void append_label_value(std::string& out, std::string_view value) {
  for (const char c : value) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '"':
        out += "\\\"";
        break;
      case '\n':
        out += "\\n";
        break;
      default:
        out += c;
    }
  }
}

}  // namespace

void Exposition::family(std::string_view name, std::string_view type, std::string_view help) {
  text_.append("# HELP ").append(name).append(" ").append(help).append("\n");
  text_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

void Exposition::begin_sample(std::string_view name, const Labels& labels) {
  text_ += name;
  char separator = '{';
  for (const auto& [key, label] : labels) {
    text_ += separator;
    text_.append(key).append("=\"");
    append_label_value(text_, label);
    text_ += '"';
    separator = ',';
  }
  if (!labels.empty()) text_ += '}';
  text_ += ' ';
}

void Exposition::sample(std::string_view name, const Labels& labels, double value) {
  begin_sample(name, labels);
  append_number(text_, value);
  text_ += '\n';
}

void Exposition::fixed_sample(std::string_view name, const Labels& labels, double value, int decimals) {
  begin_sample(name, labels);
  std::array<char, 512> buffer{};  // the longest double has 309 digits before its point
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                          std::chars_format::fixed, std::min(decimals, 9));
  if (error == std::errc()) text_.append(buffer.data(), end);
  text_ += '\n';
}

void Exposition::counter(std::string_view name, std::string_view help, std::uint64_t value) {
  family(name, "counter", help);
  sample(name, {}, static_cast<double>(value));
}

void Exposition::gauge(std::string_view name, std::string_view help, double value) {
  family(name, "gauge", help);
  sample(name, {}, value);
}

}  // namespace gpuscale::metrics
