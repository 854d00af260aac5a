// SPDX-License-Identifier: Apache-2.0
#include "declare/secrets.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"

namespace gpuscale::declare {
namespace {

using config::Kind;
using nlohmann::json;

constexpr std::array<std::string_view, 5> kSecretOfChannels = {"/bearer", "/basic/password", "/password",
                                                               "/signing_secret", "/routing_key"};
constexpr std::array<std::string_view, 5> kKeyedByTheirUrl = {"dingtalk", "wecom", "feishu", "slack",
                                                              "teams"};
constexpr std::array<std::string_view, 7> kSecretWords = {"auth", "token",  "key",      "secret",
                                                          "pass", "cookie", "signature"};

const json kSet = {{"secret", "set"}};

bool is_kept(const json& value) {
  return value.is_object() && value.size() == 1 && value.value("secret", json()) == "set";
}

std::string text_at(const json& definition, const char* key) {
  const auto found = definition.find(key);
  return found != definition.end() && found->is_string() ? found->get<std::string>() : "";
}

bool url_is_secret(const json& channel) {
  const std::string type = text_at(channel, "type");
  if (std::find(kKeyedByTheirUrl.begin(), kKeyedByTheirUrl.end(), type) != kKeyedByTheirUrl.end())
    return true;
  const std::string url = text_at(channel, "url");
  const std::size_t host = url.find("://");
  const std::string rest = host == std::string::npos ? url : url.substr(host + 3);
  return rest.find('?') != std::string::npos || rest.substr(0, rest.find('/')).find('@') != std::string::npos;
}

bool name_says_secret(const std::string& name) {
  const std::string lower = base::to_lower(name);
  return std::any_of(kSecretWords.begin(), kSecretWords.end(),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

/// JSON pointers of what is secret in it; of those that are set.
std::vector<std::string> secret_places(Kind kind, const json& definition) {
  std::vector<std::string> places;
  if (kind == Kind::kTriggers) places.emplace_back("/secret");
  if (kind == Kind::kPools) places = {"/provider/bearer", "/provider/fallback/bearer"};
  if (kind == Kind::kChannels || kind == Kind::kTriggers) {
    places.insert(places.end(), kSecretOfChannels.begin(), kSecretOfChannels.end());
    if (url_is_secret(definition)) places.emplace_back("/url");
    if (const auto headers = definition.find("headers");
        headers != definition.end() && headers->is_object()) {
      for (const auto& [name, value] : headers->items()) {
        if (name_says_secret(name)) places.push_back((json::json_pointer("/headers") / name).to_string());
      }
    }
  }
  std::erase_if(places, [&](const std::string& place) {
    const json::json_pointer pointer(place);
    return !definition.contains(pointer) || !definition.at(pointer).is_string() ||
           definition.at(pointer).get_ref<const std::string&>().empty();
  });
  return places;
}

/// Calls `visit(place, value)` for each kept secret.
template <typename Visit>
void visit_kept(json& value, const json::json_pointer& place, const Visit& visit) {
  if (is_kept(value)) {
    visit(place, value);
    return;
  }
  if (!value.is_object()) return;
  for (auto& [key, each] : value.items()) visit_kept(each, place / key, visit);
}

std::string dotted(const std::string& place) {
  std::string out = "definition" + place;
  std::replace(out.begin(), out.end(), '/', '.');
  return out;
}

/// Whom it is sent to: the address up to its path.
std::string receiver_of(const json& definition) {
  const auto address = [](const std::string& url) {
    const std::size_t host = url.find("://");
    return host == std::string::npos ? url : url.substr(0, url.find_first_of("/?#", host + 3));
  };
  const json provider = definition.value("provider", json::object());
  const json fallback = provider.is_object() ? provider.value("fallback", json::object()) : json::object();
  return address(text_at(definition, "url")) + " " + address(text_at(definition, "server")) + " " +
         (provider.is_object() ? address(text_at(provider, "url")) : "") +
         (fallback.is_object() && fallback.contains("url") ? " " + address(text_at(fallback, "url")) : "");
}

}  // namespace

Parted part(Kind kind, json definition) {
  Parted out;
  for (const std::string& place : secret_places(kind, definition)) {
    json& value = definition.at(json::json_pointer(place));
    out.secrets.emplace(place, Secret(value.get<std::string>()));
    value = kSet;
  }
  out.shown = std::move(definition);
  return out;
}

Result<json> join(json definition, const Secrets& kept) {
  std::string lacking;
  visit_kept(definition, json::json_pointer(), [&](const json::json_pointer& place, json& value) {
    const auto found = kept.find(place.to_string());
    if (found == kept.end()) {
      if (lacking.empty()) lacking = place.to_string();
      return;
    }
    value = found->second.reveal();
  });
  if (!lacking.empty()) {
    return fail(Errc::kInvalidArgument,
                dotted(lacking) + ": no secret is stored here that could be kept; give it as a text");
  }
  return definition;
}

std::string moved_secret(const json& before, const json& after) {
  json whole = after;
  std::string first;
  visit_kept(whole, json::json_pointer(), [&](const json::json_pointer& place, json& value) {
    const std::string name = place.to_string();
    if (name != "/url" && first.empty()) first = name;
    if (before.contains(place) && before.at(place).is_string()) value = before.at(place);
  });
  if (first.empty()) return "";
  const bool same = receiver_of(before) == receiver_of(whole);
  return same ? "" : dotted(first);
}

}  // namespace gpuscale::declare
