// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "cli/command.h"
#include "cli/remote.h"
#include "load/generator.h"

namespace gpuscale::cli {
namespace {

struct LoadFlags {
  RemoteOptions remote;
  load::LoadOptions options;
  load::TraceOptions trace;
  LogOptions log;
  std::string steps;
  std::string trace_file;
  std::string arrivals = "even";
};

Result<load::Profile> profile_of(const LoadFlags& flags) {
  if (flags.steps.empty() == flags.trace_file.empty()) {
    return fail(Errc::kInvalidArgument, "give either --rps, as 20 or 20x30s,90x60s, or --trace FILE");
  }
  return flags.steps.empty() ? load::Profile::read_trace(flags.trace_file, flags.trace)
                             : load::Profile::parse_steps(flags.steps);
}

void print_end(const load::Report& report, bool json) {
  if (json) {
    std::printf("%s\n", load::to_json(report).dump(2).c_str());
    return;
  }
  std::printf(
      "offered %llu, served %llu, lost %llu (%llu to a drain), retried %llu; latency p50 %s, p99 %s, max "
      "%s\n",
      static_cast<unsigned long long>(report.offered), static_cast<unsigned long long>(report.served),
      static_cast<unsigned long long>(report.lost), static_cast<unsigned long long>(report.lost_to_drain),
      static_cast<unsigned long long>(report.retried), load::format_latency(report.latency.p50).c_str(),
      load::format_latency(report.latency.p99).c_str(), load::format_latency(report.latency.max).c_str());
  for (const auto& [reason, count] : report.lost_by_reason) {
    std::printf("  lost by %s: %llu\n", reason.c_str(), static_cast<unsigned long long>(count));
  }
}

Result<int> run(LoadFlags flags, const std::atomic<bool>& stop) {
  GS_TRY(flags.options.profile, profile_of(flags));
  GS_TRY(const log::Log log, flags.log.make());
  flags.options.server = flags.remote.server;
  flags.options.ca_file = flags.remote.ca_file;
  flags.options.authorization = flags.remote.authorization();
  flags.options.arrivals =
      flags.arrivals == "poisson" ? load::ArrivalKind::kPoisson : load::ArrivalKind::kEven;
  GS_TRY(const auto generator, load::LoadGenerator::start(flags.options, log));
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  constexpr std::chrono::milliseconds kStep{100};
  for (int tick = 0; !stop && !generator->finished(); ++tick) {
    // On a terminal the line is written over each second; into a file a line each ten seconds is enough.
    if (tick % (terminal ? 10 : 100) == 0 && tick != 0) {
      std::fprintf(stderr, terminal ? "\r\033[K%s" : "%s\n",
                   load::progress_line(generator->snapshot()).c_str());
      std::fflush(stderr);
    }
    std::this_thread::sleep_for(kStep);
  }
  generator->stop();
  if (terminal) std::fputs("\r\033[K", stderr);
  const load::Report report = generator->snapshot();
  print_end(report, flags.remote.json());
  if (!report.failure.empty()) return fail(Errc::kUnavailable, report.failure);
  return kExitDone;
}

}  // namespace

void add_load_command(CLI::App& app, Action& action) {
  auto* command =
      app.add_subcommand("load", "Send inference requests to the ready nodes of a pool, open loop");
  auto flags = std::make_shared<LoadFlags>();
  flags->options.pool = "gpu";
  flags->remote.add_to(*command);
  command->add_option("--pool", flags->options.pool)->capture_default_str();
  command->add_option("--rps", flags->steps,
                      "requests a second: 20, or steps 20x30s,90x60s, or a ramp 20..90x30s");
  command->add_option("--trace", flags->trace_file, "CSV t_seconds,demand; demand 1.0 = one node fully busy");
  command->add_option("--speed", flags->trace.speed, "the trace's time passes so many times as fast")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--scale", flags->trace.scale, "multiplies the trace's demand")
      ->check(CLI::PositiveNumber);
  command->add_option("--node-rps", flags->trace.capacity_rps, "requests a second that one node serves")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--arrivals", flags->arrivals, "even or poisson")
      ->check(CLI::IsMember({"even", "poisson"}))
      ->capture_default_str();
  command->add_option("--seed", flags->options.seed, "of poisson arrivals")->capture_default_str();
  command->add_option("--endpoint", flags->options.endpoints, "send to these instead of the pool's nodes");
  flags->log.level = "warn";
  flags->log.add_to(*command);
  command->callback([&action, flags] {
    action = [flags](const Context& context) {
      const auto done = run(*flags, context.stop);
      return done ? *done : report(done.error());
    };
  });
}

}  // namespace gpuscale::cli
