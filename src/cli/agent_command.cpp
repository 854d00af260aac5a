// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>

#include "agent/agent.h"
#include "agent/pod_watch.h"
#include "agent/sampler_child.h"
#include "base/duration.h"
#include "base/system_clock.h"
#include "cli/command.h"

namespace gpuscale::cli {
namespace {

struct AgentFlags {
  agent::AgentOptions options;
  std::string token;
  std::string interval = "1s";
  std::string listen;
  std::string service_time = "20ms";
  std::string grace = "5s";
  LogOptions log;
};

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

Result<void> run(AgentFlags flags, const Context& context) {
  GS_TRY(const Nanos interval, base::parse_duration(flags.interval));
  GS_TRY(const Nanos service_time, base::parse_duration(flags.service_time));
  if (interval < std::chrono::milliseconds{100} || interval > std::chrono::hours{1}) {
    return fail(Errc::kInvalidArgument, "--interval " + flags.interval + " must be from 100ms to 1h");
  }
  if (service_time < std::chrono::microseconds{100} || service_time > std::chrono::minutes{10}) {
    return fail(Errc::kInvalidArgument,
                "--service-time " + flags.service_time + " must be from 100us to 10m");
  }
  if (const std::string& server = flags.options.server;
      !server.starts_with("http://") && !server.starts_with("https://"))
    return fail(Errc::kInvalidArgument, "--server " + server + " must begin with http:// or https://");
  if (!flags.listen.empty()) {
    flags.options.listen = flags.listen;
  } else if (flags.options.endpoint_file.empty()) {
    flags.options.listen = "127.0.0.1:9400";  // dcgm-exporter's port, where scrapers look
    flags.options.any_port_where_taken = true;
  }
  flags.options.interval = std::chrono::duration_cast<std::chrono::milliseconds>(interval);
  flags.options.service_time = std::chrono::duration_cast<std::chrono::microseconds>(service_time);
  GS_TRY(const Nanos grace, base::parse_duration(flags.grace));
  if (grace < Nanos{0} || grace > std::chrono::hours{1})
    return fail(Errc::kInvalidArgument, "--grace " + flags.grace + " must be from 0s to 1h");
  flags.options.token = Secret{flags.token};
  if (flags.options.node.empty()) flags.options.node = host_name();
  GS_TRY(const log::Log log, flags.log.make());
  flags.options.sampler_command = {context.program, agent::kSamplerWord};
  flags.options.log_level = flags.log.level;
  flags.options.log_format = flags.log.format;
  return agent::run_agent(flags.options, context.stop, base::SystemClock{}, log,
                          std::chrono::duration_cast<std::chrono::milliseconds>(grace));
}

}  // namespace

void add_agent_command(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("agent", "Measure this node's GPUs and send them to the server");
  auto flags = std::make_shared<AgentFlags>();
  agent::AgentOptions& options = flags->options;
  command->add_option("--server", options.server, "the server's address")
      ->envname("GPUSCALE_SERVER")
      ->capture_default_str();
  command->add_option("--token", flags->token, "token with scope write; better in the environment")
      ->envname("GPUSCALE_TOKEN");
  command->add_option("--ca", options.ca_file,
                      "PEM file of the authority that signed the server's certificate");
  command->add_option("--database", options.database)->capture_default_str();
  command->add_option("--cluster", options.cluster)->capture_default_str();
  command->add_option("--pool", options.pool)->capture_default_str();
  command->add_option("--node", options.node, "this node's id; default: the host name");
  command
      ->add_option("--zone", options.zone,
                   "what fails as one with this node, a zone or a rack: a scale-in empties none while others "
                   "have nodes")
      ->envname("GPUSCALE_ZONE");
  command->add_option("--source", options.source, "auto, nvml, amdgpu, virtual or replay:FILE")
      ->capture_default_str();
  command->add_option("--speed", options.replay_speed, "of a replay")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--interval", flags->interval, "between two samples")->capture_default_str();
  command->add_option("--buffer", options.buffer_lines, "lines kept while the server is away")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  command->add_option("--spool", options.spool_folder,
                      "folder in which lines wait for the server and survive a restart; default: in memory");
  command->add_option("--spool-size", options.spool_bytes, "bytes; the oldest lines are dropped beyond it")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Range(std::uint64_t{4} << 20U, std::uint64_t{1} << 40U))
      ->capture_default_str();
  command->add_option("--record", options.record_file,
                      "append what the devices measure, for --source replay:FILE");
  command
      ->add_option(
          "--inference", options.inference,
          "SERVER=URL of an inference server's metrics (repeatable); SERVER: vllm, sglang, tgi, triton, "
          "tensorrt-llm or custom")
      ->allow_extra_args(false)
      ->envname("GPUSCALE_INFERENCE");
  command
      ->add_option("--inference-map", options.inference_maps,
                   "FIELD=METRIC or FIELD=METRIC{LABEL=\"VALUE\"}: one more value to read there (repeatable)")
      ->allow_extra_args(false);
  command
      ->add_option("--kubelet-socket", options.kubelet_socket,
                   "where kubelet says which pods hold which devices, if it is there; \"\" = do not look")
      ->default_val(agent::kKubeletSocket);
  command->add_flag("--serve", options.serve, "answer inference requests on the virtual device");
  command->add_option(
      "--listen", flags->listen,
      "address of the agent's own endpoint; default: 127.0.0.1:9400, or any port where that is taken or "
      "--endpoint-file is to tell it");
  command->add_option("--service-time", flags->service_time, "of one request on the virtual device")
      ->capture_default_str();
  command->add_option("--max-queue", options.max_queue, "requests waiting on the virtual device")
      ->capture_default_str();
  command
      ->add_option("--hostname-label", options.hostname_label,
                   "label of the node's name in dcgm-exporter's metrics: Hostname, or hostname as later ones")
      ->capture_default_str();
  command->add_option("--endpoint-file", options.endpoint_file,
                      "written with the endpoint's address once listening");
  command
      ->add_option("--gpus", options.gpus, "the devices of this node by index or UUID, as 0,1; default: all")
      ->delimiter(',')
      ->allow_extra_args(false);  // else it would take the "--" before COMMAND for its own end
  command
      ->add_option("--ready", options.ready,
                   "how COMMAND is asked whether it answers: tcp, or a path that answers with 2xx")
      ->capture_default_str();
  command->add_option("--service-file", options.service_file,
                      "written with COMMAND's address once it has answered");
  command->add_option("--grace", flags->grace, "given to requests in flight or COMMAND at the end")
      ->capture_default_str();
  command->add_option(
      "COMMAND", options.command,
      "after --: the node's own program, an inference server; the agent runs it on --gpus and "
      "ends with it; {port}, {node}, {pool} and {gpus} are replaced");
  flags->log.add_to(*command);
  command->callback([&action, flags] {
    action = [flags](const Context& context) {
      const auto done = run(*flags, context);
      return done ? kExitDone : report(done.error());
    };
  });
}

}  // namespace gpuscale::cli
