// SPDX-License-Identifier: Apache-2.0
#include "pool/providers/docker/engine_answers.h"

#include <array>

namespace gpuscale::pool::docker {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLongestMessage = 1'024;

const Json& member(const Json& object, const std::string& key) {
  static const Json kNothing;
  if (!object.is_object()) return kNothing;
  const auto found = object.find(key);
  return found == object.end() ? kNothing : *found;
}

std::string text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : "";
}

/// "could not select device driver" and its like: the engine is well, but what was asked for is not there.
bool says_no_capacity(const std::string& message) {
  constexpr std::array<std::string_view, 5> kSigns{"device driver", "insufficient", "no space left",
                                                   "cannot allocate memory", "unknown device"};
  for (const std::string_view sign : kSigns) {
    if (message.find(sign) != std::string::npos) return true;
  }
  return false;
}

/// The address of the container in the first network that has one.
std::string address_of(const Json& networks) {
  if (!networks.is_object()) return "";
  for (const auto& [name, network] : networks.items()) {
    if (std::string address = text(member(network, "IPAddress")); !address.empty()) return address;
  }
  return "";
}

std::string url_of(const std::string& host, const std::string& port) {
  return host.empty() || port.empty() ? "" : "http://" + host + ":" + port;
}

std::string listed_endpoint(const Json& entry, int port) {
  if (port == 0) return "";
  if (const Json& ports = member(entry, "Ports"); ports.is_array()) {
    for (const Json& each : ports) {
      const Json& inside = member(each, "PrivatePort");
      const Json& outside = member(each, "PublicPort");
      if (inside.is_number_integer() && inside == port && outside.is_number_integer())
        return url_of("127.0.0.1", std::to_string(outside.get<int>()));
    }
  }
  return url_of(address_of(member(member(entry, "NetworkSettings"), "Networks")), std::to_string(port));
}

}  // namespace

Result<void> outcome_of(int status, std::string_view body) {
  if ((status >= 200 && status < 300) || status == 304) return {};
  const std::string said =
      text(member(Json::parse(body, nullptr, false), "message")).substr(0, kLongestMessage);
  const std::string message = "docker engine answers " + std::to_string(status) + ": " + said;
  if (status == 404) return fail(Errc::kNotFound, message);
  if (status == 409) return fail(Errc::kConflict, message);
  if (status == 401 || status == 403) return fail(Errc::kForbidden, message);
  if (status == 429 || says_no_capacity(said)) return fail(Errc::kExhausted, message);
  return fail(Errc::kUnavailable, message);
}

Result<std::vector<Container>> containers_of(std::string_view body, int port) {
  const Json list = Json::parse(body, nullptr, false);
  if (!list.is_array()) return fail(Errc::kUnavailable, "docker engine: /containers/json is no list");
  std::vector<Container> out;
  for (const Json& entry : list) {
    const std::string id = text(member(entry, "Id"));
    const std::string node = text(member(member(entry, "Labels"), kNodeLabel));
    const std::string state = text(member(entry, "State"));
    if (id.empty() || node.empty() || state.empty()) {
      return fail(Errc::kUnavailable, "docker engine: a container of ours lacks its Id, State or label " +
                                          std::string(kNodeLabel));
    }
    Container container{id, NodeId(node), ContainerState::kRunning, {}};
    if (state == "created") container.state = ContainerState::kCreated;
    // "removing" goes by itself; to be told again would only be refused.
    if (state == "exited" || state == "dead") container.state = ContainerState::kEnded;
    if (container.state == ContainerState::kRunning) container.endpoint = listed_endpoint(entry, port);
    out.push_back(std::move(container));
  }
  return out;
}

Result<std::string> inspected_endpoint(std::string_view body, int port) {
  const Json entry = Json::parse(body, nullptr, false);
  if (member(member(entry, "State"), "Running") != true)
    return fail(Errc::kUnavailable, "docker engine: the container does not run");
  const Json& settings = member(entry, "NetworkSettings");
  const Json& bound = member(member(settings, "Ports"), std::to_string(port) + "/tcp");
  std::string url;
  if (bound.is_array() && !bound.empty()) url = url_of("127.0.0.1", text(member(bound[0], "HostPort")));
  if (url.empty()) url = url_of(address_of(member(settings, "Networks")), std::to_string(port));
  if (url.empty()) return fail(Errc::kUnavailable, "docker engine: the container has no address yet");
  return url;
}

}  // namespace gpuscale::pool::docker
