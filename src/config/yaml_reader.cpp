// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_reader.h"

#include <algorithm>
#include <charconv>
#include <sstream>

#include "base/duration.h"
#include "base/name_list.h"
#include "base/nearest_name.h"

namespace gpuscale::config {
namespace {

std::string suggestion_for(const std::string& key, std::vector<std::string> known) {
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  const std::string meant = base::did_you_mean(key, known);
  return meant.empty() ? "; known keys: " + base::joined(known) : meant;
}

}  // namespace

void Faults::add(const YAML::Mark& mark, std::string text) {
  faults_.push_back({std::max(mark.line, 0) + 1, std::max(mark.column, 0) + 1, std::move(text)});
}

std::string Faults::to_text(const std::string& file) const {
  auto sorted = faults_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Fault& a, const Fault& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  std::string out;
  for (const Fault& fault : sorted) {
    if (!out.empty()) out += '\n';
    out += file + ":" + std::to_string(fault.line) + ":" + std::to_string(fault.column) + ": " + fault.text;
  }
  return out;
}

std::string Faults::to_text() const {
  std::string out;
  for (const Fault& fault : faults_) out += (out.empty() ? "" : "\n") + fault.text;
  return out;
}

YamlReader::YamlReader(const YAML::Node& node, std::string what, Faults& faults,
                       const Environment& environment)
    : node_(node), what_(std::move(what)), faults_(faults), environment_(environment) {
  if (node_.IsDefined() && !node_.IsNull() && !node_.IsMap()) {
    faults_.add(node_.Mark(), what_ + " must be a mapping of keys to values");
  }
}

bool YamlReader::has(const std::string& key) const {
  return node_.IsMap() && node_[key].IsDefined() && !node_[key].IsNull();
}

YAML::Mark YamlReader::mark(const std::string& key) const {
  return has(key) ? node_[key].Mark() : node_.Mark();
}

void YamlReader::fault(const std::string& key, std::string text) {
  faults_.add(mark(key), what_ + "." + key + ": " + std::move(text));
}

void YamlReader::fault(std::string text) {
  faults_.add(node_.Mark(), what_ + ": " + std::move(text));
}

std::optional<std::string> YamlReader::expand(const YAML::Node& node) {
  const std::string& raw = node.Scalar();
  std::string out;
  for (std::size_t pos = 0; pos < raw.size();) {
    if (raw.compare(pos, 3, "$${") == 0) {
      out += "${";
      pos += 3;
      continue;
    }
    if (raw.compare(pos, 2, "${") != 0) {
      out += raw[pos++];
      continue;
    }
    const auto end = raw.find('}', pos);
    if (end == std::string::npos) {
      faults_.add(node.Mark(),
                  "\"" + raw.substr(pos) + "\" has no closing }; write $${ where you mean the signs");
      return std::nullopt;
    }
    const std::string name = raw.substr(pos + 2, end - pos - 2);
    const auto value = environment_(name);
    if (!value) {
      faults_.add(node.Mark(), "environment variable " + name + " is not set; export it before the start");
      return std::nullopt;
    }
    out += *value;
    pos = end + 1;
  }
  return out;
}

std::optional<std::string> YamlReader::scalar(const std::string& key) {
  asked_.push_back(key);
  if (!has(key)) return std::nullopt;
  const YAML::Node value = node_[key];
  if (!value.IsScalar()) {
    fault(key, "must be a single value, not a list or a mapping");
    return std::nullopt;
  }
  return expand(value);
}

std::string YamlReader::text(const std::string& key, std::string fallback) {
  return scalar(key).value_or(std::move(fallback));
}

std::string YamlReader::required_text(const std::string& key) {
  const auto value = scalar(key);
  // A value that could not be read has its fault already.
  if (!has(key) || (value && value->empty())) fault(key, "is missing; it must be set");
  return value.value_or("");
}

Secret YamlReader::secret(const std::string& key) {
  return Secret{text(key)};
}

int YamlReader::integer(const std::string& key, int fallback, int least, int most) {
  const auto value = scalar(key);
  if (!value) return fallback;
  int number = 0;
  const auto [end, ec] = std::from_chars(value->data(), value->data() + value->size(), number);
  if (ec != std::errc{} || end != value->data() + value->size() || number < least || number > most) {
    fault(key, "\"" + *value + "\" must be a whole number from " + std::to_string(least) + " to " +
                   std::to_string(most));
    return fallback;
  }
  return number;
}

double YamlReader::number(const std::string& key, double fallback, double least, double most) {
  const auto value = scalar(key);
  if (!value) return fallback;
  double number = 0;
  const auto [end, ec] = std::from_chars(value->data(), value->data() + value->size(), number);
  if (ec != std::errc{} || end != value->data() + value->size() || !(number >= least && number <= most)) {
    std::ostringstream range;
    range << least << " to " << most;
    fault(key, "\"" + *value + "\" must be a number from " + range.str());
    return fallback;
  }
  return number;
}

bool YamlReader::boolean(const std::string& key, bool fallback) {
  return choice(key, {"false", "true"}, fallback ? 1 : 0) == 1;
}

Nanos YamlReader::duration(const std::string& key, Nanos fallback) {
  const auto value = scalar(key);
  if (!value) return fallback;
  const auto parsed = base::parse_duration(*value);
  if (!parsed) {
    fault(key, parsed.error().message());
    return fallback;
  }
  return *parsed;
}

std::size_t YamlReader::choice(const std::string& key, const std::vector<std::string>& allowed,
                               std::size_t fallback) {
  const auto value = scalar(key);
  if (!value) return fallback;
  const auto found = std::find(allowed.begin(), allowed.end(), *value);
  if (found == allowed.end()) {
    fault(key, "\"" + *value + "\" is none of " + base::joined(allowed));
    return fallback;
  }
  return static_cast<std::size_t>(found - allowed.begin());
}

std::vector<std::string> YamlReader::texts(const std::string& key) {
  asked_.push_back(key);
  if (!has(key)) return {};
  std::vector<std::string> out;
  const YAML::Node value = node_[key];
  if (!value.IsSequence()) {
    fault(key, "must be a list, as [a, b]");
    return {};
  }
  for (const YAML::Node& item : value) {
    if (!item.IsScalar()) {
      faults_.add(item.Mark(), what_ + "." + key + ": each entry must be a single value");
      continue;
    }
    if (auto expanded = expand(item)) out.push_back(std::move(*expanded));
  }
  return out;
}

std::map<std::string, std::string, std::less<>> YamlReader::text_map(const std::string& key) {
  std::map<std::string, std::string, std::less<>> out;
  YamlReader inner = mapping(key);
  for (auto& [name, value] : inner.remaining_texts()) out.emplace(name, value);
  return out;
}

std::map<std::string, std::string> YamlReader::remaining_texts() {
  std::map<std::string, std::string> out;
  for (const std::string& key : remaining_keys()) {
    if (auto value = scalar(key)) out.emplace(key, std::move(*value));
  }
  return out;
}

std::map<std::string, std::string> YamlReader::remaining_options() {
  std::map<std::string, std::string> out;
  for (const std::string& key : remaining_keys()) {
    if (node_[key].IsSequence()) {
      std::string lines;
      for (const std::string& item : texts(key)) lines += item + "\n";
      out.emplace(key, std::move(lines));
    } else if (auto value = scalar(key)) {
      out.emplace(key, std::move(*value));
    }
  }
  return out;
}

std::vector<std::string> YamlReader::remaining_keys() const {
  std::vector<std::string> keys;
  if (!node_.IsMap()) return keys;
  for (const auto& entry : node_) {
    const std::string key = entry.first.Scalar();
    if (std::find(asked_.begin(), asked_.end(), key) == asked_.end()) keys.push_back(key);
  }
  return keys;
}

YamlReader YamlReader::mapping(const std::string& key) {
  asked_.push_back(key);
  return {has(key) ? node_[key] : YAML::Node(YAML::NodeType::Undefined), what_ + "." + key, faults_,
          environment_};
}

std::vector<YamlReader> YamlReader::list(const std::string& key) {
  asked_.push_back(key);
  if (!has(key)) return {};
  std::vector<YamlReader> out;
  const YAML::Node value = node_[key];
  if (!value.IsSequence()) {
    fault(key, "must be a list, each entry starting with \"- \"");
    return {};
  }
  std::size_t position = 0;
  const std::string place = what_ == kWholeFile ? key : what_ + "." + key;
  for (const YAML::Node& item : value) {
    out.push_back({item, place + "[" + std::to_string(position++) + "]", faults_, environment_});
  }
  return out;
}

void YamlReader::finish() {
  if (!node_.IsMap()) return;
  std::set<std::string> seen;
  for (const auto& entry : node_) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "?";
    if (!seen.insert(key).second) {
      faults_.add(entry.first.Mark(), "key \"" + key + "\" stands twice in " + what_ + "; keep one");
    }
    if (std::find(asked_.begin(), asked_.end(), key) == asked_.end()) {
      faults_.add(entry.first.Mark(),
                  "unknown key \"" + key + "\" in " + what_ + suggestion_for(key, asked_));
    }
  }
}

}  // namespace gpuscale::config
