// SPDX-License-Identifier: Apache-2.0
#include "api/dashboard_shape.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "api/text.h"
#include "base/duration.h"

namespace gpuscale::api {

namespace {

using nlohmann::json;

constexpr std::size_t kMostNameBytes = 200;
/// So many are named; whoever has more has made one mistake many times.
constexpr std::size_t kMostFaults = 20;

class Faults {
 public:
  void add(const std::string& place, const std::string& what) {
    if (++count_ > kMostFaults) return;
    text_ += (text_.empty() ? "" : "\n") + std::string("definition") + (place.empty() ? "" : ".") + place +
             ": " + what;
  }
  Result<void> result() && {
    if (count_ == 0) return {};
    return fail(Errc::kInvalidArgument, std::move(text_));
  }

 private:
  std::string text_;
  std::size_t count_ = 0;
};

void check_keys(const json& object, const std::string& place, const std::vector<std::string>& known,
                Faults& faults) {
  for (const auto& [key, value] : object.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    faults.add(place, "unknown key \"" + key.substr(0, kMostNameBytes) + "\"; known: " + joined(known));
  }
}

bool is_word(const std::string& text) {
  const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return !text.empty() && text.size() <= kMostNameBytes && std::all_of(text.begin(), text.end(), fits);
}

void check_variables(const json& variables, Faults& faults) {
  if (!variables.is_array() || variables.size() > kMostVariables)
    return faults.add("variables", "a list of at most 10 names of tags, as [\"pool\", \"node\"]");
  for (const json& each : variables) {
    if (!each.is_string() || !is_word(each.get<std::string>()))
      faults.add("variables", each.dump(-1, ' ', false, json::error_handler_t::replace).substr(0, 100) +
                                  " is no name of a tag (letters, digits, _)");
  }
}

void check_text(const json& panel, const char* key, std::size_t most, const std::string& place,
                Faults& faults) {
  const auto found = panel.find(key);
  if (found == panel.end() || !found->is_string() || found->get_ref<const std::string&>().empty())
    return faults.add(place + "." + key, "a text is needed");
  if (found->get_ref<const std::string&>().size() > most)
    faults.add(place + "." + key, "at most " + std::to_string(most) + " bytes");
}

void check_panel(const json& panel, const std::string& place, Faults& faults) {
  if (!panel.is_object()) return faults.add(place, "a panel is {title, query, max, wide}");
  check_keys(panel, place, {"title", "query", "max", "wide"}, faults);
  check_text(panel, "title", kMostTitleBytes, place, faults);
  check_text(panel, "query", kMostQueryBytes, place, faults);
  const auto query = panel.find("query");
  if (query != panel.end() && query->is_string() &&
      query->get_ref<const std::string&>().find("$timeFilter") == std::string::npos) {
    faults.add(place + ".query", "write WHERE $timeFilter, or it reads all that is stored");
  }
  const auto max = panel.find("max");
  if (max != panel.end() && !max->is_number()) faults.add(place + ".max", "a number");
  const auto wide = panel.find("wide");
  if (wide != panel.end() && !wide->is_boolean()) faults.add(place + ".wide", "true or false");
}

}  // namespace

Result<void> check_dashboard(const json& definition) {
  Faults faults;
  if (!definition.is_object()) {
    faults.add("", "a dashboard is {variables, panels, refresh}");
    return std::move(faults).result();
  }
  check_keys(definition, "", {"variables", "panels", "refresh"}, faults);
  if (definition.contains("variables")) check_variables(definition["variables"], faults);
  const auto panels = definition.find("panels");
  if (panels == definition.end() || !panels->is_array() || panels->size() > kMostPanels) {
    faults.add("panels", "a list of at most 40");
  } else {
    for (std::size_t i = 0; i < panels->size(); ++i)
      check_panel((*panels)[i], "panels[" + std::to_string(i) + "]", faults);
  }
  if (const auto refresh = definition.find("refresh"); refresh != definition.end()) {
    if (!refresh->is_string() || !base::parse_duration(refresh->get<std::string>()))
      faults.add("refresh", "how often it looks again, as \"10s\"");
  }
  return std::move(faults).result();
}

Result<void> check_dashboard_name(const std::string& name) {
  const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  if (name.empty() || name.size() > kMostNameBytes || std::any_of(name.begin(), name.end(), control))
    return fail(Errc::kInvalidArgument, "name: 1 to 200 bytes without control characters");
  return {};
}

}  // namespace gpuscale::api
