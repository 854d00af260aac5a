// SPDX-License-Identifier: Apache-2.0
/// The agent's own port: /infer, /drain, /undrain, /status, /devices, /metrics, /write, /healthz.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "agent/dcgm_metrics.h"
#include "agent/inference.h"
#include "agent/inference_scraper.h"
#include "agent/kernel_log.h"
#include "agent/pod_use.h"
#include "agent/pushed_lines.h"
#include "agent/sampler.h"
#include "agent/served_command.h"
#include "base/result.h"
#include "http/router.h"
#include "http/server.h"
#include "log/log.h"

namespace gpuscale::agent {

/// What the port tells beside the service.
struct AgentState {
  NodeIdentity identity;
  std::string source;
  Sight sight;
  std::optional<Nanos> sample_age;  ///< of the readings in `sight`; empty before the first
  Nanos stale_after{0};             ///< readings older than this are not shown
  DcgmNaming dcgm;
  std::vector<TargetSight> inference;
  std::optional<ServedSight> served;      ///< of the node's own program
  std::optional<std::int64_t> in_flight;  ///< of that program; absent = unknown
  bool draining = false;                  ///< likewise
  KernelLog::Counts kernel_xids;
  std::vector<PodUse> pod_uses;          ///< of the readings in `sight`
  std::shared_ptr<const PodSight> pods;  ///< null where pods are not asked for
  std::uint64_t buffered = 0;
  std::uint64_t dropped = 0;
  std::uint64_t delivered = 0;
  std::uint64_t ship_failures = 0;
};

/// What became of pushed lines.
struct PushAnswer {
  std::size_t taken = 0;
  std::vector<std::string> errors;
};
using PushLines = std::function<PushAnswer(std::string_view body, metrics::Precision precision)>;

/// `service` is null where no virtual device serves: /infer is 501 then. `drain` is what /drain and /undrain
/// do without one; null = 501 too. All outlive the router.
http::Router make_agent_router(InferenceService* service, std::function<AgentState()> state, PushLines push,
                               std::function<void(bool)> drain = {});

/// Prometheus text of the newest readings and of the agent itself. Pure.
std::string agent_metrics(const AgentState& state, const InferenceService* service);

/// "HOST:PORT" into host and port. Errors: kInvalidArgument naming the text.
Result<std::pair<std::string, std::uint16_t>> parse_listen(const std::string& listen);

/// Written whole or not at all: whoever reads it finds no half address.
Result<void> write_endpoint_file(const std::string& path, const std::string& url);

}  // namespace gpuscale::agent
