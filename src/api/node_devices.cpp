// SPDX-License-Identifier: Apache-2.0
#include "api/node_devices.h"

#include "api/answers.h"

namespace gpuscale::api {

namespace {

using nlohmann::json;

constexpr std::size_t kMostWordBytes = 300;

json text_at(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return "";
  return found->get_ref<const std::string&>().substr(0, kMostWordBytes);
}

json number_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? *found : json();
}

const json& list_at(const json& object, const char* key) {
  static const json kNone = json::array();
  const auto found = object.find(key);
  return found != object.end() && found->is_array() ? *found : kNone;
}

http::Response devices_answer(const std::string& id, const Result<http::ClientResponse>& said) {
  const auto fault = [&](const std::string& what) {
    return error_answer(fail(Errc::kUnavailable, "node " + id + " " + what));
  };
  if (!said) return fault("does not say who uses its devices: " + said.error().message());
  if (said->status != 200) return fault("answers /devices with HTTP " + std::to_string(said->status));
  const auto devices = node_devices(said->body);
  return devices ? json_answer(200, *devices) : fault(devices.error().message());
}

http::Response ask_for_devices(Services& services, const http::Request& request) {
  const std::string& id = request.path_params.at("id");
  for (const auto& status : services.controller.nodes("")) {
    if (status.node.id.value() != id) continue;
    if (!services.ask_node || status.node.endpoint.empty()) {
      return error_answer(
          fail(Errc::kUnavailable, "the agent of node " + id + " has no port of its own that is known here"));
    }
    http::Response response;
    // A node that hangs keeps no thread waiting.
    response.later = [&services, id, url = status.node.endpoint + "/devices"](
                         const std::shared_ptr<http::Responder>& responder) {
      services.ask_node(url, [id, responder](const Result<http::ClientResponse>& said) {
        responder->respond(devices_answer(id, said));
      });
    };
    return response;
  }
  return error_answer(fail(Errc::kNotFound, "no node \"" + id + "\""));
}

}  // namespace

Result<json> node_devices(std::string_view answer) {
  const json said = json::parse(answer, nullptr, false);
  if (!said.is_object() || !said.contains("devices"))
    return fail(Errc::kUnavailable, "has another program at its port: no agent answers there");
  json processes = json::array();
  std::size_t omitted = 0;
  for (const json& device : list_at(said, "devices")) {
    if (!device.is_object()) continue;
    for (const json& process : list_at(device, "processes")) {
      if (!process.is_object()) continue;
      if (processes.size() >= kMostProcesses) {
        ++omitted;
        continue;
      }
      processes.push_back({{"gpu", number_at(device, "gpu")},
                           {"uuid", text_at(device, "uuid")},
                           {"pid", number_at(process, "pid")},
                           {"owner", text_at(process, "owner")},
                           {"memory_bytes", number_at(process, "memory_bytes")},
                           {"utilization_gpu", number_at(process, "utilization_gpu")}});
    }
  }
  return json{
      {"node", text_at(said, "node")}, {"processes", std::move(processes)}, {"processes_omitted", omitted}};
}

void register_node_devices(Routes& routes) {
  Services& services = routes.services();
  routes.add(
      {.method = http::Method::kGet,
       .pattern = "/api/v1/nodes/{id}/devices",
       .scope = Scope::kRead,
       .summary = "Which process holds memory of which device, as the node's agent says at this moment"},
      [&services](const http::Request& request, const Principal&) {
        return ask_for_devices(services, request);
      });
}

}  // namespace gpuscale::api
