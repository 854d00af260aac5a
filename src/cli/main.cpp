// SPDX-License-Identifier: Apache-2.0
/// gpuscale: one binary, one command each. See command.h; the composition root of the server is server_app.h.
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <climits>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>

#include "agent/sampler_child.h"
#include "cli/command.h"
#include "cli/unknown_command.h"

namespace {

// A signal handler reaches nothing but globals; this one is touched by it and by Context alone.
std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void request_stop(int) {
  stop_requested.store(true);
}

void watch_signals() {
  struct sigaction action{};
  action.sa_handler = request_stop;
  sigemptyset(&action.sa_mask);
  // A second Ctrl-C ends the program the hard way.
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

std::string own_path(const char* argv0) {
  std::array<char, PATH_MAX> buffer{};
  const ssize_t size = ::readlink("/proc/self/exe", buffer.data(), buffer.size());
  return size > 0 ? std::string(buffer.data(), static_cast<std::size_t>(size)) : std::string(argv0);
}

int run(int argc, char** argv) {
  using namespace gpuscale::cli;
  CLI::App app("gpuscale scales GPU clusters on the GPUs' own metrics.", "gpuscale");
  app.require_subcommand(1);
  app.set_version_flag("--version", GPUSCALE_VERSION);
  app.footer(
      "Examples:\n"
      "  gpuscale up                                   watch a pool grow and shrink, no GPU needed\n"
      "  gpuscale serve --config gpuscale.yaml         run the server\n"
      "  gpuscale agent --server http://HOST:8486      run the agent of a GPU node\n"
      "  gpuscale query 'SELECT mean(utilization_gpu) FROM gpu WHERE time > now() - 5m GROUP BY time(30s), "
      "node'\n"
      "  gpuscale simulate --trace demand.csv --vs hpa,keda   try policies out before they act\n"
      "Exit codes: 0 done, 1 failed, 2 usage.");
  Action action;
  add_up_command(app, action);
  add_serve_command(app, action);
  add_agent_command(app, action);
  add_check_command(app, action);
  add_query_command(app, action);
  add_load_command(app, action);
  add_simulate_command(app, action);
  add_policy_command(app, action);
  add_pool_command(app, action);
  add_node_command(app, action);
  add_rule_command(app, action);
  add_channel_command(app, action);
  add_trigger_command(app, action);
  add_schedule_command(app, action);
  add_activity_command(app, action);
  add_stress_command(app, action);
  add_top_command(app, action);
  add_version_command(app, action);
  add_backup_command(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::RequiredError& e) {
    const std::string unknown = unknown_command(app);
    if (unknown.empty()) return app.exit(e) == 0 ? kExitDone : kExitUsage;
    std::fprintf(stderr, "gpuscale: %s\nRun with --help for more information.\n", unknown.c_str());
    return kExitUsage;
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kExitDone : kExitUsage;
  }
  watch_signals();
  return action(Context{stop_requested, own_path(argv[0])});
}

}  // namespace

int main(int argc, char** argv) {
  try {
    // Before anything of the command line is built: the sampler process is to be small.
    if (argc > 1 && std::string_view(argv[1]) == gpuscale::agent::kSamplerWord) {
      return gpuscale::agent::sampler_main(argc - 2, argv + 2);
    }
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "gpuscale: unexpected: %s\n", e.what());
    return gpuscale::cli::kExitFailed;
  }
}
