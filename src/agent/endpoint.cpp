// SPDX-License-Identifier: Apache-2.0
#include "agent/endpoint.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/devices_json.h"
#include "gpu/signals.h"
#include "metrics/exposition.h"
#include "metrics/telemetry.h"

namespace gpuscale::agent {
namespace {

using metrics::Exposition;
using nlohmann::json;

http::Response answer(const json& body) {
  return http::Response::json(200, body.dump() + "\n");
}

/// null = unknown.
json in_flight_of(const AgentState& state, const InferenceService* service) {
  if (service != nullptr) return service->in_flight();
  if (state.served) return state.in_flight ? json(*state.in_flight) : json();
  return 0;
}

http::Response status_answer(const AgentState& state, const InferenceService* service) {
  return answer({{"node", state.identity.node},
                 {"pool", state.identity.pool},
                 {"cluster", state.identity.cluster},
                 {"source", state.source},
                 {"in_flight", in_flight_of(state, service)},
                 {"draining", service != nullptr ? service->draining() : state.draining},
                 {"service", state.served ? json(state.served->url) : json()},
                 {"service_ready", state.served && !state.served->mute},
                 {"devices_ok", state.sight.ok()},
                 {"devices_failed", state.sight.failed()},
                 {"source_state", to_string(state.sight.state)},
                 {"source_reason", state.sight.error},
                 {"sampler_pid", state.sight.child},
                 {"sampler_restarts", state.sight.restarts},
                 {"sample_age_seconds",
                  state.sample_age ? json(std::chrono::duration<double>(*state.sample_age).count()) : json()},
                 {"buffered", state.buffered},
                 {"dropped", state.dropped},
                 {"version", GPUSCALE_VERSION}});
}

bool is_fresh(const AgentState& state) {
  return state.sample_age && *state.sample_age <= state.stale_after;
}

Exposition::Labels device_labels(const AgentState& state, const gpu::Reading& reading) {
  Exposition::Labels labels{{metrics::kTagCluster, state.identity.cluster},
                            {metrics::kTagPool, state.identity.pool},
                            {metrics::kTagNode, state.identity.node},
                            {metrics::kTagGpu, std::to_string(reading.device.index)},
                            {metrics::kTagUuid, reading.device.uuid},
                            {metrics::kTagModel, reading.device.model}};
  if (reading.device.mig) labels.emplace_back(metrics::kTagMig, reading.device.mig->profile);
  return labels;
}

template <typename T>
void show(Exposition& out, const AgentState& state, const std::vector<std::string>& labels,
          const gpu::Signal<T>& signal) {
  const std::string name = "gpuscale_gpu_" + std::string(signal.name);
  bool begun = false;
  for (std::size_t i = 0; i < state.sight.readings.size(); ++i) {
    const gpu::Reading& reading = state.sight.readings[i];
    const auto& value = reading.*signal.value;
    if (reading.state != gpu::DeviceState::kOk || !value) continue;
    if (!begun) out.family(name, signal.kind == gpu::Kind::kCounter ? "counter" : "gauge", signal.help);
    begun = true;
    out.sample_rendered(name, labels[i], static_cast<double>(*value));
  }
}

Exposition::Labels pod_labels(const AgentState& state, const PodUse& use) {
  const gpu::Reading& reading = state.sight.readings[use.reading];
  return {{metrics::kTagNode, state.identity.node},
          {metrics::kTagGpu, std::to_string(reading.device.index)},
          {metrics::kTagUuid, reading.device.uuid},
          {metrics::kTagNamespace, use.pod_namespace},
          {metrics::kTagPod, use.pod},
          {metrics::kTagContainer, use.container}};
}

/// A family with a sample for each of the items that has a value; without any there is no family.
template <typename Items, typename LabelsOf, typename ValueOf>
void show_each(Exposition& out, std::string_view name, std::string_view type, std::string_view help,
               const Items& items, LabelsOf labels_of, ValueOf value_of) {
  bool begun = false;
  for (const auto& item : items) {
    const std::optional<double> value = value_of(item);
    if (!value) continue;
    if (!std::exchange(begun, true)) out.family(name, type, help);
    out.sample(name, labels_of(item), *value);
  }
}

/// Each pod's own part of a device, which a number for the whole device does not tell where it is shared.
void show_pods(Exposition& out, const AgentState& state) {
  using Value = std::optional<double>;
  const auto show_value = [&](std::string_view name, std::string_view help, auto value_of) {
    show_each(
        out, name, "gauge", help, state.pod_uses, [&](const PodUse& use) { return pod_labels(state, use); },
        value_of);
  };
  show_value("gpuscale_gpu_pod_processes", "Processes of the pod on the device",
             [](const PodUse& use) { return Value(static_cast<double>(use.processes)); });
  show_value("gpuscale_gpu_pod_memory_used_bytes", "Device memory of the pod's processes",
             [](const PodUse& use) {
               return use.memory_used_bytes ? Value(static_cast<double>(*use.memory_used_bytes)) : Value();
             });
  show_value("gpuscale_gpu_pod_utilization_gpu", "Percent of the device by the pod's processes",
             [](const PodUse& use) { return use.utilization_gpu; });
}

void show_health(Exposition& out, const AgentState& state) {
  using Value = std::optional<double>;
  const auto labels_of_device = [&](const gpu::Reading& reading) { return device_labels(state, reading); };
  show_each(out, "gpuscale_gpu_up", "gauge", "1 where the device measures now", state.sight.readings,
            labels_of_device, [&](const gpu::Reading& reading) {
              return Value(is_fresh(state) && reading.state == gpu::DeviceState::kOk ? 1 : 0);
            });
  out.family("gpuscale_agent_source_state", "gauge", "1 for the state in which the source of readings is");
  out.sample("gpuscale_agent_source_state",
             {{"source", state.source}, {"state", std::string(to_string(state.sight.state))}}, 1);
  if (state.sample_age) {
    out.gauge("gpuscale_agent_sample_age_seconds", "Age of the newest readings",
              std::chrono::duration<double>(*state.sample_age).count());
  }
  if (state.pods && state.pods->is_kubernetes) {
    out.gauge("gpuscale_agent_kubelet_up", "1 where kubelet says which pods hold which devices",
              state.pods->error.empty() ? 1 : 0);
  }
  show_each(
      out, "gpuscale_agent_inference_up", "gauge", "1 where the inference server's metrics are read",
      state.inference,
      [](const TargetSight& target) {
        return Exposition::Labels{{"server", target.server}, {"url", target.url}};
      },
      [](const TargetSight& target) { return Value(target.up ? 1 : 0); });
  show_each(out, "gpuscale_gpu_doubtful", "gauge",
            "1 where a value misleads; GET /devices says which and why", state.sight.readings,
            labels_of_device, [&](const gpu::Reading& reading) {
              return reading.doubt.empty() || !is_fresh(state) ? Value() : Value(1);
            });
  show_each(
      out, "gpuscale_gpu_kernel_xids_total", "counter", "Xids in the kernel's log, by code",
      state.kernel_xids,
      [](const auto& xid) {
        return Exposition::Labels{{"pci_bus_id", xid.first.first}, {"xid", std::to_string(xid.first.second)}};
      },
      [](const auto& xid) { return Value(static_cast<double>(xid.second)); });
  out.counter("gpuscale_agent_sampler_restarts_total", "Sampler processes that ended", state.sight.restarts);
}

/// A caller that means another node (its address was that one's before) is refused.
http::Handler drain_handler(InferenceService* service, std::function<AgentState()> state,
                            std::function<void(bool)> drain, bool on) {
  return [service, state = std::move(state), drain = std::move(drain), on](const http::Request& request) {
    const std::string node = state().identity.node;
    if (const std::string meant = request.query.get_or("node", node); meant != node) {
      return http::Response::json(409,
                                  json{{"error", "this is node " + node + ", not " + meant}}.dump() + "\n");
    }
    if (service == nullptr && drain) {
      drain(on);
      return answer({{"draining", on}});
    }
    if (service == nullptr) {
      return http::Response::json(
          501, "{\"error\":\"this node serves no requests, so there is nothing to drain\"}\n");
    }
    service->drain(on);
    return answer({{"draining", on}});
  };
}

/// Answers as InfluxDB does, so that any client of its line protocol can push here.
http::Handler push_handler(PushLines push) {
  return [push = std::move(push)](const http::Request& request) {
    const PushAnswer outcome =
        push(request.body, metrics::parse_precision(request.query.get("precision").value_or("")));
    http::Response response;
    response.status = 204;
    if (outcome.errors.empty()) return response;
    constexpr std::size_t kMostTold = 10;
    std::string told = outcome.taken > 0 ? "partial write: " : "";
    for (std::size_t i = 0; i < std::min(outcome.errors.size(), kMostTold); ++i) {
      told += (i > 0 ? "\n" : "") + outcome.errors[i];
    }
    return http::Response::json(
        400, json{{"error", told + " dropped=" + std::to_string(outcome.errors.size())}}.dump(
                 -1, ' ', false, json::error_handler_t::replace) +
                 "\n");
  };
}

}  // namespace

std::string agent_metrics(const AgentState& state, const InferenceService* service) {
  Exposition out;
  if (is_fresh(state)) {
    append_dcgm_metrics(out, state.sight.readings, state.dcgm, state.pod_uses);
    std::vector<std::string> labels;
    for (const gpu::Reading& reading : state.sight.readings) {
      labels.push_back(Exposition::render_labels(device_labels(state, reading)));
    }
    for (const auto& signal : gpu::real_signals()) show(out, state, labels, signal);
    for (const auto& signal : gpu::whole_signals()) show(out, state, labels, signal);
    show_pods(out, state);
  }
  show_health(out, state);
  out.gauge("gpuscale_agent_devices_ok", "Devices that measure", static_cast<double>(state.sight.ok()));
  out.gauge("gpuscale_agent_devices_failed", "Devices in trouble", static_cast<double>(state.sight.failed()));
  out.gauge("gpuscale_agent_lines_buffered", "Lines that wait for the server",
            static_cast<double>(state.buffered));
  out.counter("gpuscale_agent_lines_dropped_total", "Lines lost to a full buffer or refused", state.dropped);
  out.counter("gpuscale_agent_lines_sent_total", "Lines that the server stored", state.delivered);
  out.counter("gpuscale_agent_ship_failures_total", "Batches that did not arrive and were tried again",
              state.ship_failures);
  if (service != nullptr) {
    out.gauge("gpuscale_agent_in_flight", "Requests accepted and not answered",
              static_cast<double>(service->in_flight()));
    out.gauge("gpuscale_agent_draining", "1 while new requests are turned away", service->draining() ? 1 : 0);
  }
  return out.text();
}

http::Router make_agent_router(InferenceService* service, std::function<AgentState()> state, PushLines push,
                               std::function<void(bool)> drain) {
  http::Router router;
  router.add(http::Method::kPost, "/infer", [service](const http::Request&) {
    if (service != nullptr) return service->infer();
    return http::Response::json(
        501,
        "{\"error\":\"this node serves no requests: start the agent with --serve and a "
        "virtual device\"}\n");
  });
  router.add(http::Method::kPost, "/drain", drain_handler(service, state, drain, true));
  router.add(http::Method::kPost, "/undrain", drain_handler(service, state, drain, false));
  router.add(http::Method::kGet, "/status",
             [service, state](const http::Request&) { return status_answer(state(), service); });
  router.add(http::Method::kGet, "/metrics", [service, state](const http::Request&) {
    http::Response response = http::Response::text(200, agent_metrics(state(), service));
    response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    return response;
  });
  router.add(http::Method::kGet, "/devices",
             [state](const http::Request&) { return answer(devices_json(state())); });
  router.add(http::Method::kPost, "/write", push_handler(std::move(push)));
  router.add(http::Method::kGet, "/healthz",
             [](const http::Request&) { return http::Response::text(200, "ok\n"); });
  return router;
}

Result<std::pair<std::string, std::uint16_t>> parse_listen(const std::string& listen) {
  const std::size_t colon = listen.rfind(':');
  std::uint16_t port = 0;
  if (colon != std::string::npos && colon > 0) {
    const char* end = listen.data() + listen.size();
    const auto [stop, error] = std::from_chars(listen.data() + colon + 1, end, port);
    if (error == std::errc{} && stop == end) {
      std::string host = listen.substr(0, colon);
      if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
      return std::pair(std::move(host), port);
    }
  }
  return fail(Errc::kInvalidArgument, "--listen \"" + listen + "\" is not HOST:PORT, as 127.0.0.1:8487 is");
}

Result<void> write_endpoint_file(const std::string& path, const std::string& url) {
  const std::string half = path + ".new";
  {
    std::ofstream file(half, std::ios::trunc);
    file << url << '\n';
    file.flush();
    if (!file) return fail(Errc::kUnavailable, "cannot write " + half + ": " + std::strerror(errno));
  }
  if (std::rename(half.c_str(), path.c_str()) != 0) {
    return fail(Errc::kUnavailable, "cannot write " + path + ": " + std::strerror(errno));
  }
  return {};
}

}  // namespace gpuscale::agent
