// SPDX-License-Identifier: Apache-2.0
#include "config/definitions.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "config/yaml_document.h"

namespace gpuscale::config {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 6> kLists = {"pools",    "triggers", "policies",
                                                    "channels", "rules",    "schedules"};
constexpr std::array<std::string_view, 6> kWords = {"pool",    "trigger", "policy",
                                                    "channel", "rule",    "schedule"};
constexpr std::size_t kMostNodesOfAFile = 1'000'000;

template <typename Number>
std::optional<Number> whole_number(const std::string& text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

json scalar_json(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  const bool quoted = node.Tag() == "!";
  if (quoted) return text;
  if (text == "true" || text == "false") return text == "true";
  if (const auto number = whole_number<std::int64_t>(text)) return *number;
  if (const auto number = whole_number<double>(text); number && std::isfinite(*number)) return *number;
  return text;
}

/// `budget` bounds what aliases of aliases may grow to.
Result<json> json_of(const YAML::Node& node, std::size_t& budget) {
  if (budget-- == 0) return fail(Errc::kExhausted, "the file holds more than 1000000 values");
  if (!node.IsDefined() || node.IsNull()) return json(nullptr);
  if (node.IsScalar()) return scalar_json(node);
  if (node.IsSequence()) {
    json out = json::array();
    for (const YAML::Node& item : node) {
      GS_TRY(json each, json_of(item, budget));
      out.push_back(std::move(each));
    }
    return out;
  }
  json out = json::object();
  for (const auto& entry : node) {
    if (!entry.first.IsScalar()) continue;
    GS_TRY(json each, json_of(entry.second, budget));
    out[entry.first.Scalar()] = std::move(each);
  }
  return out;
}

/// Whether a plain scalar of this text would be read as something else than the text.
bool needs_quotes(const std::string& text) {
  const bool is_blank = text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
  return is_blank || !scalar_json(YAML::Node(text)).is_string();
}

void emit(YAML::Emitter& out, const json& value) {
  if (value.is_object()) {
    out << YAML::BeginMap;
    // As people write them: by its name an entry is found.
    if (const auto name = value.find("name"); name != value.end()) {
      out << YAML::Key << "name" << YAML::Value;
      emit(out, *name);
    }
    for (const auto& [key, each] : value.items()) {
      if (key == "name") continue;
      out << YAML::Key << key << YAML::Value;
      emit(out, each);
    }
    out << YAML::EndMap;
  } else if (value.is_array()) {
    out << YAML::BeginSeq;
    for (const json& each : value) emit(out, each);
    out << YAML::EndSeq;
  } else if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (needs_quotes(text)) out << YAML::DoubleQuoted;
    out << text;
  } else {
    out << value.dump();
  }
}

}  // namespace

std::string yaml_of(const json& value) {
  YAML::Emitter out;
  emit(out, value);
  return std::string(out.c_str(), out.size()) + "\n";
}

std::string_view to_string(Kind kind) {
  return kLists.at(static_cast<std::size_t>(kind));
}

std::string_view word_of(Kind kind) {
  return kWords.at(static_cast<std::size_t>(kind));
}

std::optional<Kind> parse_kind(std::string_view text) {
  const auto found = std::find(kLists.begin(), kLists.end(), text);
  if (found == kLists.end()) return std::nullopt;
  return static_cast<Kind>(found - kLists.begin());
}

Result<DefinitionsByName> definitions_in(std::string_view yaml) {
  DefinitionsByName out;
  std::size_t budget = kMostNodesOfAFile;
  try {
    const YAML::Node root = load_document(yaml);
    if (!root.IsMap()) return out;
    for (const Kind kind : kKinds) {
      const YAML::Node list = root[std::string(to_string(kind))];
      if (!list.IsDefined() || !list.IsSequence()) continue;
      for (const YAML::Node& item : list) {
        const std::string place =
            std::string(word_of(kind)) + " in line " + std::to_string(item.Mark().line + 1);
        if (!item.IsMap() || !item["name"].IsDefined() || !item["name"].IsScalar())
          return fail(Errc::kInvalidArgument, "the " + place + " has no name; it must be set");
        const std::string& name = item["name"].Scalar();
        GS_TRY(json body, json_of(item, budget));
        if (!out.emplace(std::pair(kind, name), std::move(body)).second)
          return fail(Errc::kInvalidArgument,
                      "the " + place + ": \"" + name + "\" is used twice; names must differ");
      }
    }
  } catch (const YAML::Exception& e) {
    return fail(Errc::kInvalidArgument, std::string("not valid YAML: ") + e.what());
  }
  return out;
}

Result<std::string> without(std::string_view yaml, Kind kind) {
  try {
    YAML::Node root = load_document(yaml);
    if (root.IsMap()) root.remove(std::string(to_string(kind)));
    return YAML::Dump(root) + "\n";
  } catch (const YAML::Exception& e) {
    return fail(Errc::kInvalidArgument, std::string("not valid YAML: ") + e.what());
  }
}

}  // namespace gpuscale::config
