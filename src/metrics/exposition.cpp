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

std::string Exposition::render_labels(const Labels& labels) {
  std::string out;
  char separator = '{';
  for (const auto& [key, label] : labels) {
    out += separator;
    out.append(key).append("=\"");
    append_label_value(out, label);
    out += '"';
    separator = ',';
  }
  if (!labels.empty()) out += '}';
  return out;
}

void Exposition::sample(std::string_view name, const Labels& labels, double value) {
  sample_rendered(name, render_labels(labels), value);
}

void Exposition::sample_rendered(std::string_view name, std::string_view rendered_labels, double value) {
  text_.append(name).append(rendered_labels).append(" ");
  append_number(text_, value);
  text_ += '\n';
}

void Exposition::fixed_sample(std::string_view name, std::string_view rendered_labels, double value,
                              int decimals) {
  text_.append(name).append(rendered_labels).append(" ");
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
