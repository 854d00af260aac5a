// SPDX-License-Identifier: Apache-2.0
/// What every command shares: how it is added to the command line, how it fails, and where options common to
/// several are declared. One file per command; main.cpp lists them. Exit codes: 0 done, 1 failed, 2 usage.
#pragma once
#include <CLI/CLI.hpp>
#include <atomic>
#include <functional>
#include <string>

#include "base/result.h"
#include "log/log.h"

namespace gpuscale::cli {

constexpr int kExitDone = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

/// What main() hands to the command that was chosen.
struct Context {
  /// Becomes true on SIGINT or SIGTERM.
  const std::atomic<bool>& stop;
  /// The path of this very program, for starting local nodes.
  std::string program;
};

/// A parsed command line ends in one of these; its return value is the exit code.
using Action = std::function<int(const Context&)>;

struct LogOptions {
  std::string level = "info";
  std::string format = "text";
  void add_to(CLI::App& command);
  Result<log::Log> make() const;
};

/// "gpuscale: <message>" on stderr; kInvalidArgument counts as usage, everything else as failure.
int report(const Error& error);

void add_stress_command(CLI::App& app, Action& action);
void add_top_command(CLI::App& app, Action& action);
void add_version_command(CLI::App& app, Action& action);
void add_check_command(CLI::App& app, Action& action);
void add_serve_command(CLI::App& app, Action& action);
void add_agent_command(CLI::App& app, Action& action);
void add_backup_command(CLI::App& app, Action& action);
void add_query_command(CLI::App& app, Action& action);
void add_load_command(CLI::App& app, Action& action);
void add_simulate_command(CLI::App& app, Action& action);
void add_up_command(CLI::App& app, Action& action);
void add_policy_command(CLI::App& app, Action& action);
void add_promotion_commands(CLI::App& policy, Action& action);
void add_pool_command(CLI::App& app, Action& action);
void add_node_command(CLI::App& app, Action& action);
void add_rule_command(CLI::App& app, Action& action);
/// The subcommands of `rule` that do more than list.
void add_rule_trials(CLI::App& rule, Action& action);
void add_channel_command(CLI::App& app, Action& action);
void add_trigger_command(CLI::App& app, Action& action);
void add_schedule_command(CLI::App& app, Action& action);
void add_activity_command(CLI::App& app, Action& action);
void add_replay_command(CLI::App& activity, Action& action);

}  // namespace gpuscale::cli
