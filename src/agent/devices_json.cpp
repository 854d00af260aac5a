// SPDX-License-Identifier: Apache-2.0
#include "agent/devices_json.h"

#include "agent/process_owner.h"
#include "gpu/signals.h"

namespace gpuscale::agent {
namespace {

using Json = nlohmann::json;

template <typename T>
void put_values(Json& values, const gpu::Reading& reading, std::span<const gpu::Signal<T>> signals) {
  for (const gpu::Signal<T>& signal : signals) {
    if (const auto& value = reading.*signal.value) values[std::string(signal.name)] = *value;
  }
}

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

/// "pod:team-a/llama-0" where the pod's name is known, else as the process' owner says.
std::string owner_text(std::int64_t pid, const PodSight* pods) {
  const ProcessOwner owner = owner_of(pid);
  if (owner.kind == "pod" && pods != nullptr) {
    const auto name = pods->names_by_uid.find(owner.name);
    if (name != pods->names_by_uid.end()) return "pod:" + name->second.pod_namespace + "/" + name->second.pod;
  }
  return owner.text();
}

Json pods_json(const AgentState& state, std::size_t reading) {
  Json pods = Json::array();
  for (const PodUse& use : state.pod_uses) {
    if (use.reading != reading) continue;
    pods.push_back({{"namespace", use.pod_namespace},
                    {"pod", use.pod},
                    {"container", use.container},
                    {"given", use.given},
                    {"processes", use.processes},
                    {"memory_used_bytes", or_null(use.memory_used_bytes)},
                    {"utilization_gpu", or_null(use.utilization_gpu)}});
  }
  return pods;
}

Json device_json(const AgentState& state, std::size_t index, bool fresh) {
  const gpu::Reading& reading = state.sight.readings[index];
  Json values = Json::object();
  if (fresh && reading.state == gpu::DeviceState::kOk) {
    put_values(values, reading, gpu::real_signals());
    put_values(values, reading, gpu::whole_signals());
  }
  Json processes = Json::array();
  for (const gpu::ProcessUse& use : reading.processes) {
    processes.push_back({{"pid", use.pid},
                         {"memory_bytes", or_null(use.memory_bytes)},
                         {"utilization_gpu", or_null(use.utilization_gpu)},
                         {"owner", owner_text(use.pid, state.pods.get())}});
  }
  Json xids = Json::array();
  for (const gpu::XidCount& xid : reading.xids) {
    xids.push_back({{"code", xid.code}, {"count", xid.count}, {"last_ns", base::to_unix_nanos(xid.last_at)}});
  }
  return {{"gpu", reading.device.index},
          {"uuid", reading.device.uuid},
          {"model", reading.device.model},
          {"mig", reading.device.mig ? reading.device.mig->profile : ""},
          {"state", fresh ? gpu::to_string(reading.state) : "stale"},
          {"detail", reading.detail},
          {"doubt", reading.doubt},
          {"values", values},
          {"processes", processes},
          {"pods", pods_json(state, index)},
          {"xids", xids}};
}

}  // namespace

Json devices_json(const AgentState& state) {
  const bool fresh = state.sample_age && *state.sample_age <= state.stale_after;
  Json devices = Json::array();
  for (std::size_t i = 0; i < state.sight.readings.size(); ++i)
    devices.push_back(device_json(state, i, fresh));
  const auto seconds = [](Nanos span) { return std::chrono::duration<double>(span).count(); };
  return {{"node", state.identity.node},
          {"source", state.source},
          {"state", to_string(state.sight.state)},
          {"reason", state.sight.error},
          {"sample_age_seconds", state.sample_age ? Json(seconds(*state.sample_age)) : Json()},
          {"devices", devices}};
}

}  // namespace gpuscale::agent
