// SPDX-License-Identifier: Apache-2.0
#include "metrics/exposition_parser.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

namespace gpuscale::metrics {
namespace {

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':';
}

void skip_blanks(std::string_view& rest) {
  while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) rest.remove_prefix(1);
}

std::string_view take_name(std::string_view& rest) {
  std::size_t size = 0;
  while (size < rest.size() && is_name_char(rest[size])) ++size;
  const std::string_view name = rest.substr(0, size);
  rest.remove_prefix(size);
  return name;
}

bool take_char(std::string_view& rest, char c) {
  if (rest.empty() || rest.front() != c) return false;
  rest.remove_prefix(1);
  return true;
}

/// The text up to the closing quote, unescaped.
std::optional<std::string> take_quoted(std::string_view& rest) {
  if (!take_char(rest, '"')) return std::nullopt;
  std::string value;
  while (!rest.empty()) {
    const char c = rest.front();
    rest.remove_prefix(1);
    if (c == '"') return value;
    if (c != '\\') {
      value += c;
      continue;
    }
    if (rest.empty()) return std::nullopt;
    const char escaped = rest.front();
    rest.remove_prefix(1);
    value += escaped == 'n' ? '\n' : escaped;
  }
  return std::nullopt;
}

bool take_labels(std::string_view& rest, ExpositionSample& sample, std::size_t max_labels) {
  if (!take_char(rest, '{')) return true;
  while (true) {
    skip_blanks(rest);
    if (take_char(rest, '}')) return true;
    const std::string_view key = take_name(rest);
    skip_blanks(rest);
    if (key.empty() || !take_char(rest, '=')) return false;
    skip_blanks(rest);
    auto value = take_quoted(rest);
    if (!value || sample.labels.size() == max_labels) return false;
    sample.labels.emplace_back(key, *std::move(value));
    skip_blanks(rest);
    if (take_char(rest, ',')) continue;
    return take_char(rest, '}');
  }
}

/// Go's ParseFloat as far as Prometheus writes: decimal, with NaN, Inf, +Inf, -Inf.
std::optional<double> number_of(std::string_view text) {
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Inf" || text == "+Inf") return std::numeric_limits<double>::infinity();
  if (text == "-Inf") return -std::numeric_limits<double>::infinity();
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool parse_line(std::string_view rest, ExpositionSample& sample, const ExpositionLimits& limits) {
  sample.labels.clear();
  sample.name = take_name(rest);
  if (sample.name.empty()) return false;
  skip_blanks(rest);
  if (!take_labels(rest, sample, limits.max_labels)) return false;
  skip_blanks(rest);
  const std::size_t end = std::min(rest.find_first_of(" \t"), rest.size());
  const auto value = number_of(rest.substr(0, end));
  if (!value) return false;
  sample.value = *value;
  return true;  // a time of the sample's own may follow: ours is the moment of the scrape
}

}  // namespace

std::string_view ExpositionSample::label(std::string_view key) const {
  for (const auto& [known, held] : labels) {
    if (known == key) return held;
  }
  return "";
}

ExpositionOutcome parse_exposition(std::string_view text,
                                   const std::function<void(const ExpositionSample&)>& take,
                                   const ExpositionLimits& limits) {
  ExpositionOutcome outcome;
  ExpositionSample sample;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    skip_blanks(line);
    if (line.empty() || line.front() == '#') continue;
    if (line.size() > limits.max_line_bytes || !parse_line(line, sample, limits)) {
      ++outcome.bad_lines;
      continue;
    }
    if (outcome.samples == limits.max_samples) {
      outcome.cut_off = true;
      return outcome;
    }
    ++outcome.samples;
    take(sample);
  }
  return outcome;
}

}  // namespace gpuscale::metrics
