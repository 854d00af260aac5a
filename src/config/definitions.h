// SPDX-License-Identifier: Apache-2.0
/// Entries of the file's lists as JSON, so that the API takes and shows the very objects that the file holds:
/// the same readers read both.
#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"

namespace gpuscale::config {

/// In the order in which they refer to each other: a kind refers to kinds before it, but for triggers among
/// themselves.
enum class Kind { kPools, kTriggers, kPolicies, kChannels, kRules, kSchedules };
inline constexpr Kind kKinds[] = {Kind::kPools,    Kind::kTriggers, Kind::kPolicies,
                                  Kind::kChannels, Kind::kRules,    Kind::kSchedules};
/// "pools", "triggers", ...: the list's key in the file.
std::string_view to_string(Kind kind);
/// "pool", "trigger", ...
std::string_view word_of(Kind kind);
std::optional<Kind> parse_kind(std::string_view text);

/// One entry beside those of the file. `body` is an object with `name`.
struct Definition {
  Kind kind = Kind::kRules;
  std::string name;
  nlohmann::json body;
};

struct Reading {
  Config config;  ///< the file's entries, then the definitions, in their order
  /// One a definition: its faults, "definition.condition: line 1, column 7: ...", one a line; "" = good.
  /// Where one has faults, `config` is not to be used.
  std::vector<std::string> faults;
};

/// Reads the file and the definitions as one, also what refers to what. `${NAME}` in a definition is known
/// for GPUSCALE_URL alone: whoever may call the API is not to read the server's environment. Errors: as
/// parse(), for faults of the file.
Result<Reading> parse_with(std::string_view yaml, const std::string& file_name,
                           const Environment& environment, const std::vector<Definition>& definitions);

/// The file's own entries as written (`${NAME}` stays), by kind and name. Errors: kInvalidArgument (no YAML,
/// an entry without a name, two of one name), kExhausted (more than 1,000,000 values).
using DefinitionsByName = std::map<std::pair<Kind, std::string>, nlohmann::json>;
Result<DefinitionsByName> definitions_in(std::string_view yaml);

/// The file without its list of this kind; its comments go. Errors: kInvalidArgument (no YAML).
Result<std::string> without(std::string_view yaml, Kind kind);

/// As YAML that definitions_in() reads as the same values; ends with a line break.
std::string yaml_of(const nlohmann::json& value);

}  // namespace gpuscale::config
