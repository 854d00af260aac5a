// SPDX-License-Identifier: Apache-2.0
/// Private to the room: reads one YAML mapping key by key, remembers which keys were asked for, and collects
/// faults with their places instead of stopping at the first.
#pragma once
#include <yaml-cpp/yaml.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "base/time.h"
#include "config/config.h"

namespace gpuscale::config {

/// What the outermost mapping is called; the lists in it are called by their keys alone.
inline constexpr std::string_view kWholeFile = "the file";

class Faults {
 public:
  void add(const YAML::Mark& mark, std::string text);
  bool empty() const { return faults_.empty(); }
  /// "FILE:LINE:COLUMN: text", one a line, in the order of their places.
  std::string to_text(const std::string& file) const;
  /// The texts alone, one a line, in the order of their discovery.
  std::string to_text() const;

 private:
  std::vector<Fault> faults_;
};

class YamlReader {
 public:
  /// `what` names the mapping in faults: "pools[0]".
  YamlReader(const YAML::Node& node, std::string what, Faults& faults, const Environment& environment);

  std::string text(const std::string& key, std::string fallback = {});
  std::string required_text(const std::string& key);
  Secret secret(const std::string& key);
  int integer(const std::string& key, int fallback, int least, int most);
  double number(const std::string& key, double fallback, double least, double most);
  bool boolean(const std::string& key, bool fallback);
  Nanos duration(const std::string& key, Nanos fallback);
  /// One of `allowed`, by position; `fallback` where the key is missing or wrong.
  std::size_t choice(const std::string& key, const std::vector<std::string>& allowed, std::size_t fallback);
  std::vector<std::string> texts(const std::string& key);
  std::map<std::string, std::string, std::less<>> text_map(const std::string& key);
  std::vector<std::string> remaining_keys() const;  ///< that were not asked for
  /// The keys that were not asked for, as text; they count as asked for from now on.
  std::map<std::string, std::string> remaining_texts();
  /// Likewise; a list becomes its items, each closed by a newline (pool/words.h).
  std::map<std::string, std::string> remaining_options();

  bool has(const std::string& key) const;
  /// The mapping below `key`, empty where it is missing.
  YamlReader mapping(const std::string& key);
  /// The mappings of the list below `key`, with their own names.
  std::vector<YamlReader> list(const std::string& key);

  void fault(const std::string& key, std::string text);  ///< at the key's value, or at the mapping
  void fault(std::string text);
  YAML::Mark mark(const std::string& key) const;

  /// Reports every key that nobody asked for, with the nearest known one.
  void finish();

 private:
  std::optional<std::string> scalar(const std::string& key);
  std::optional<std::string> expand(const YAML::Node& node);

  YAML::Node node_;
  std::string what_;
  Faults& faults_;
  const Environment& environment_;
  std::vector<std::string> asked_;
};

}  // namespace gpuscale::config
