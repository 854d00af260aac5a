// SPDX-License-Identifier: Apache-2.0
/// The agent: samples the node's devices each interval, ships line protocol in gzip batches, and keeps a
/// bounded buffer while the server is away. With `serve` it also answers inference requests on the virtual
/// device, so that a local node is a whole node: it takes work, measures it, and can be drained.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "log/log.h"

namespace gpuscale::agent {

struct AgentOptions {
  std::string server = "http://127.0.0.1:8486";
  std::string database = "gpuscale";
  Secret token;  ///< scope `write`; empty = none sent
  std::string ca_file;
  std::string cluster = "default";
  std::string pool = "default";
  std::string node;             ///< default: the host name
  std::string zone;             ///< "" = not told
  std::string source = "auto";  ///< auto | nvml | amdgpu | virtual | replay:FILE
  /// Starts the sampler process (path of the program, kSamplerWord); what must follow is appended: source,
  /// log level, log format. Empty: the driver is read by this process, as tests do.
  std::vector<std::string> sampler_command;
  std::string log_level = "info";  ///< of the sampler process
  std::string log_format = "text";
  std::string hostname_label = "Hostname";  ///< under which dcgm-exporter's metrics carry the node's name
  std::chrono::milliseconds interval{1'000};
  std::string spool_folder;                 ///< lines wait here instead of in memory, and survive a restart
  std::uint64_t spool_bytes = 256U << 20U;  ///< the oldest are dropped and counted beyond it
  std::string record_file;                  ///< the devices' lines are appended to it
  std::vector<std::string> inference;       ///< "vllm=URL", see inference_scraper.h
  std::vector<std::string> inference_maps;  ///< "FIELD=METRIC"
  std::string kubelet_socket;               ///< "": pods are not asked for
  std::size_t buffer_lines = 100'000;       ///< oldest are dropped and counted beyond it
  double replay_speed = 1.0;
  bool serve = false;  ///< answer POST /infer on the virtual device
  std::string listen =
      "127.0.0.1:0";  ///< of the agent's own port: /infer /drain /undrain /status /metrics /healthz
  bool any_port_where_taken = false;               ///< another port rather than no agent
  std::chrono::microseconds service_time{20'000};  ///< of one inference request on the virtual device
  std::size_t max_queue = 10'000;                  ///< requests waiting on it; over it: 503
  std::string endpoint_file;  ///< written atomically once listening: the endpoint URL and a newline
  /// The node's own program, run by the agent (served_command.h); empty = none. The agent ends when it does.
  std::vector<std::string> command;
  std::string ready = "tcp";      ///< how it is asked whether it answers: "tcp", or a path
  std::string service_file;       ///< written atomically once it has answered: its URL and a newline
  std::vector<std::string> gpus;  ///< the devices of this node (chosen_devices.h); empty = all
};

/// Runs until `stop` becomes true (then finishes what is in flight and ships what is buffered, up to
/// `grace`). Errors: what prevents the start, by name (bad source, port in use).
Result<void> run_agent(const AgentOptions& options, const std::atomic<bool>& stop, const Clock& clock,
                       log::Log log, std::chrono::milliseconds grace = std::chrono::seconds{5});

}  // namespace gpuscale::agent
