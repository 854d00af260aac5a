// SPDX-License-Identifier: Apache-2.0
#include "pool/providers/verbs/verbs.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

namespace gpuscale::pool::verbs {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kQuoted = 200;
constexpr std::size_t kLongestText = 1'024;

/// The beginning of a text, printable, for a message.
std::string quote(std::string_view text) {
  std::string out(text.substr(0, kQuoted));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '.';
  }
  return "\"" + out + (text.size() > kQuoted ? "...\"" : "\"");
}

std::string text_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return "";
  return found->get<std::string>().substr(0, kLongestText);
}

/// An id becomes a tag, a folder and a part of URLs.
bool is_plain_id(const std::string& id) {
  return !id.empty() && id.size() <= 128 && id.front() != '.' &&
         std::all_of(id.begin(), id.end(), [](unsigned char c) {
           return (std::isalnum(c) != 0) || c == '-' || c == '_' || c == '.';
         });
}

Result<Json> object_of(std::string_view text) {
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return fail(Errc::kUnavailable, "the answer is no JSON object: " + quote(text));
  const auto error = json.find("error");
  if (error == json.end() || error->is_null()) return json;
  if (error->is_string()) return fail(Errc::kUnavailable, error->get<std::string>().substr(0, kLongestText));
  if (!error->is_object()) return fail(Errc::kUnavailable, "the answer's error is no object");
  const std::string kind = text_in(*error, "kind");
  return fail(kind_of(kind), (kind.empty() ? "" : kind + ": ") + text_in(*error, "message"));
}

Result<Instance> instance_of(const Json& entry, std::size_t index) {
  const std::string place = "instances[" + std::to_string(index) + "]";
  if (!entry.is_object()) return fail(Errc::kUnavailable, place + " is no object");
  const std::string id = text_in(entry, "id");
  if (!is_plain_id(id)) {
    return fail(Errc::kUnavailable,
                place + ": id " + quote(id) + " must be 1 to 128 letters, digits, '-', '_' or '.'");
  }
  Instance out{NodeId(id), InstanceState::kStarting, text_in(entry, "endpoint"), text_in(entry, "detail"),
               text_in(entry, "zone")};
  const std::string state = text_in(entry, "state");
  if (state == "running") {
    out.state = InstanceState::kRunning;
  } else if (state == "stopping") {
    out.state = InstanceState::kStopping;
  } else if (state != "starting") {
    return fail(Errc::kUnavailable,
                place + ": state " + quote(state) + " is none of starting, running, stopping");
  }
  return out;
}

}  // namespace

std::string_view to_string(Verb verb) {
  constexpr std::array<std::string_view, 6> kNames{"launch",  "list",     "drain",
                                                   "undrain", "workload", "terminate"};
  return kNames[static_cast<std::size_t>(verb)];
}

std::string request_text(Verb verb, const std::optional<NodeId>& node, const Context& context) {
  Json json{{"verb", to_string(verb)},
            {"pool", context.pool},
            {"cluster", context.cluster},
            {"server_url", context.server_url}};
  if (node) json["node"] = node->value();
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Errc kind_of(std::string_view kind) {
  if (kind == "no_capacity" || kind == "quota" || kind == "throttled") return Errc::kExhausted;
  if (kind == "not_found") return Errc::kNotFound;
  if (kind == "conflict") return Errc::kConflict;
  if (kind == "auth") return Errc::kForbidden;
  if (kind == "unsupported") return Errc::kUnsupported;
  if (kind == "timeout") return Errc::kTimeout;
  return Errc::kUnavailable;
}

Result<void> check_answer(std::string_view text) {
  GS_CHECK(object_of(text));
  return {};
}

Result<std::vector<Instance>> instances_of(std::string_view text) {
  GS_TRY(const Json json, object_of(text));
  const auto list = json.find("instances");
  if (list == json.end() || !list->is_array())
    return fail(Errc::kUnavailable, "the answer has no list \"instances\"");
  if (list->size() > kMaxInstances)
    return fail(Errc::kUnavailable, "the answer lists over " + std::to_string(kMaxInstances) + " instances");
  std::vector<Instance> out;
  std::set<std::string> ids;
  for (std::size_t i = 0; i < list->size(); ++i) {
    GS_TRY(auto instance, instance_of((*list)[i], i));
    if (!ids.insert(instance.id.value()).second)
      return fail(Errc::kUnavailable, "the answer lists " + instance.id.value() + " twice");
    out.push_back(std::move(instance));
  }
  return out;
}

Result<Workload> workload_of(std::string_view text, const NodeId& node) {
  GS_TRY(const Json json, object_of(text));
  if (const std::string who = text_in(json, "node"); !who.empty() && who != node.value())
    return fail(Errc::kUnavailable, "asked for " + node.value() + ", " + quote(who) + " answers");
  const auto in_flight = json.find("in_flight");
  const auto draining = json.find("draining");
  if (in_flight == json.end() || !in_flight->is_number_integer() || in_flight->get<double>() < 0 ||
      draining == json.end() || !draining->is_boolean()) {
    return fail(Errc::kUnavailable, "the answer lacks in_flight (0 or more) or draining (true or false)");
  }
  return Workload{in_flight->get<std::int64_t>(), draining->get<bool>()};
}

}  // namespace gpuscale::pool::verbs
