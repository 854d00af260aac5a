// SPDX-License-Identifier: Apache-2.0
#include "agent/endpoint.h"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "metrics/exposition.h"
#include "metrics/telemetry.h"

namespace gpuscale::agent {
namespace {

using metrics::Exposition;
using nlohmann::json;

http::Response answer(const json& body) {
  return http::Response::json(200, body.dump() + "\n");
}

http::Response status_answer(const AgentState& state, const InferenceService* service) {
  return answer({{"node", state.identity.node},
                 {"pool", state.identity.pool},
                 {"cluster", state.identity.cluster},
                 {"source", state.source},
                 {"in_flight", service != nullptr ? service->in_flight() : 0},
                 {"draining", service != nullptr && service->draining()},
                 {"devices_ok", state.sight.ok()},
                 {"devices_failed", state.sight.failed()},
                 {"buffered", state.buffered},
                 {"dropped", state.dropped},
                 {"version", GPUSCALE_VERSION}});
}

template <typename T>
struct Shown {
  std::string_view name;
  std::optional<T> gpu::Reading::* value;
};

template <typename T>
void show(Exposition& out, const AgentState& state, const Shown<T>& shown, std::string_view help) {
  const std::string name = "gpuscale_gpu_" + std::string(shown.name);
  bool begun = false;
  for (const gpu::Reading& reading : state.sight.readings) {
    const auto& value = reading.*shown.value;
    if (reading.state != gpu::DeviceState::kOk || !value) continue;
    if (!begun) out.family(name, "gauge", help);
    begun = true;
    out.sample(name,
               {{metrics::kTagCluster, state.identity.cluster},
                {metrics::kTagPool, state.identity.pool},
                {metrics::kTagNode, state.identity.node},
                {metrics::kTagGpu, std::to_string(reading.device.index)},
                {metrics::kTagUuid, reading.device.uuid},
                {metrics::kTagModel, reading.device.model}},
               static_cast<double>(*value));
  }
}

http::Handler drain_handler(InferenceService* service, bool on) {
  return [service, on](const http::Request&) {
    if (service == nullptr) {
      return http::Response::json(
          501, "{\"error\":\"this node serves no requests, so there is nothing to drain\"}\n");
    }
    service->drain(on);
    return answer({{"draining", on}});
  };
}

}  // namespace

std::string agent_metrics(const AgentState& state, const InferenceService* service) {
  using gpu::Reading;
  Exposition out;
  show<double>(out, state, {metrics::kUtilizationGpu, &Reading::utilization_gpu},
               "Percent of time busy since the last reading");
  show<double>(out, state, {metrics::kUtilizationGpuMax, &Reading::utilization_gpu_max},
               "Highest percent within the interval");
  show<double>(out, state, {metrics::kUtilizationMemory, &Reading::utilization_memory},
               "Percent of time the memory was in use");
  show<std::int64_t>(out, state, {metrics::kMemoryUsedBytes, &Reading::memory_used_bytes},
                     "Device memory in use");
  show<std::int64_t>(out, state, {metrics::kMemoryTotalBytes, &Reading::memory_total_bytes}, "Device memory");
  show<double>(out, state, {metrics::kPowerWatts, &Reading::power_watts}, "Power drawn");
  show<double>(out, state, {metrics::kPowerLimitWatts, &Reading::power_limit_watts}, "Power limit in force");
  show<double>(out, state, {metrics::kTemperatureCelsius, &Reading::temperature_celsius},
               "Temperature of the die");
  show<double>(out, state, {metrics::kSmClockMhz, &Reading::sm_clock_mhz}, "Clock of the multiprocessors");
  show<double>(out, state, {metrics::kMemoryClockMhz, &Reading::memory_clock_mhz}, "Clock of the memory");
  show<double>(out, state, {metrics::kQueueDepth, &Reading::queue_depth}, "Requests waiting or being served");
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

http::Router make_agent_router(InferenceService* service, std::function<AgentState()> state) {
  http::Router router;
  router.add(http::Method::kPost, "/infer", [service](const http::Request&) {
    if (service != nullptr) return service->infer();
    return http::Response::json(
        501,
        "{\"error\":\"this node serves no requests: start the agent with --serve and a "
        "virtual device\"}\n");
  });
  router.add(http::Method::kPost, "/drain", drain_handler(service, true));
  router.add(http::Method::kPost, "/undrain", drain_handler(service, false));
  router.add(http::Method::kGet, "/status",
             [service, state](const http::Request&) { return status_answer(state(), service); });
  router.add(http::Method::kGet, "/metrics", [service, state](const http::Request&) {
    http::Response response = http::Response::text(200, agent_metrics(state(), service));
    response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    return response;
  });
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
