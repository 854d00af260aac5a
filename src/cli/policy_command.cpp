// SPDX-License-Identifier: Apache-2.0
/// gpuscale policy list | tune | promote | rollback | get | apply | delete
#include <array>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/duration.h"
#include "cli/command.h"
#include "cli/declared_commands.h"
#include "cli/remote.h"
#include "cli/store_trace.h"
#include "cli/table.h"
#include "sim/tune.h"

namespace gpuscale::cli {
namespace {

using nlohmann::json;

struct TuneFlags {
  RemoteOptions remote;
  std::string trace_file;
  std::string store_range;
  std::string pool;
  std::string policy = "lookout";
  std::string boot = "180s";
  double most_bad_percent = 0.1;
};

std::string decimal(const char* pattern, double value) {
  std::array<char, 40> buffer{};
  const int size = std::snprintf(buffer.data(), buffer.size(), pattern, value);
  return {buffer.data(), static_cast<std::size_t>(size)};
}

void print_tuning(const sim::Tuning& tuning, double most_bad) {
  Table table{{"LEFT OUT", "CHOSEN WITHOUT IT", "BAD ON IT", "NODE-HOURS ON IT"}, {}};
  for (std::size_t i = 0; i < tuning.left_out.size(); ++i) {
    const sim::LeftOut& part = tuning.left_out[i];
    table.rows.push_back({"part " + std::to_string(i + 1), decimal("%g", part.knob),
                          decimal("%.3f%%", 100 * part.bad), decimal("%.1f", part.node_hours)});
  }
  std::printf("%s\n", table.to_text().c_str());
  std::printf("proposal: %s, %.1f node-hours, bad %.3f%% of the load%s\n",
              tuning.proposal.to_string().c_str(), tuning.node_hours, 100 * tuning.bad,
              tuning.reaches_goal ? "" : "; no setting reaches the goal, this one misses it least");
  std::printf("sure: %.0f%% of the parts kept to %g%% with what was chosen without them\n",
              100 * tuning.sureness(most_bad), 100 * most_bad);
}

json to_json(const sim::Tuning& tuning, double most_bad) {
  json out = {{"proposal", tuning.proposal.to_string()},
              {"node_hours", tuning.node_hours},
              {"bad", tuning.bad},
              {"reaches_goal", tuning.reaches_goal},
              {"sureness", tuning.sureness(most_bad)},
              {"left_out", json::array()}};
  for (const sim::LeftOut& part : tuning.left_out) {
    out["left_out"].push_back({{"setting", part.knob}, {"bad", part.bad}, {"node_hours", part.node_hours}});
  }
  return out;
}

Result<int> tune(const TuneFlags& flags) {
  if (flags.trace_file.empty() && flags.store_range.empty()) {
    return fail(Errc::kInvalidArgument, "no history; name a file with --trace, or --from-store 7d");
  }
  const auto boot = base::parse_duration(flags.boot);
  if (!boot) return boot.error().with_context("--boot");
  GS_TRY(const auto trace, flags.store_range.empty()
                               ? trace::DemandTrace::read(flags.trace_file)
                               : trace_from_store(flags.remote, flags.store_range, flags.pool));
  sim::PoolParameters parameters;
  parameters.boot_seconds = *boot / std::chrono::seconds{1};
  GS_CHECK(sim::check(parameters));
  GS_TRY(const auto demand, trace.per_tick(static_cast<double>(parameters.tick_seconds)));
  const double most_bad = flags.most_bad_percent / 100;
  GS_TRY(const auto tuning, sim::tune(demand, parameters, flags.policy, {.most_bad = most_bad}));
  if (flags.remote.json()) {
    std::printf("%s\n", to_json(tuning, most_bad).dump(2).c_str());
  } else {
    print_tuning(tuning, most_bad);
  }
  return kExitDone;
}

/// Every policy with its trial's day, and after them each pool as it was.
json rows_of(const json& answer) {
  const auto with_day = [](json row, const json& trial) {
    if (trial.is_object()) row.update(trial.at("day"));
    return row;
  };
  json rows = json::array();
  for (const json& policy : answer.value("policies", json::array()))
    rows.push_back(with_day(policy, policy.value("trial", json())));
  for (const json& pool : answer.value("pools", json::array())) {
    if (pool["as_it_was"].is_object())
      rows.push_back(with_day({{"name", "(as it was)"}, {"pool", pool["pool"]}}, pool["as_it_was"]));
  }
  return rows;
}

int list(const RemoteOptions& options) {
  const auto answer = Remote(options).get("/api/v1/policies");
  if (!answer) return report(answer.error());
  if (options.json()) {
    std::printf("%s\n", answer->dump(2).c_str());
    return kExitDone;
  }
  std::fputs(table_of(rows_of(*answer), {{"NAME", "name"},
                                         {"POOL", "pool"},
                                         {"POLICY", "policy"},
                                         {"SHADOW", "shadow"},
                                         {"WANTS", "want"},
                                         {"BOOT S", "boot_seconds"},
                                         {"NODE-H DAY", "node_hours"},
                                         {"COST DAY", "money"},
                                         {"BAD % DAY", "bad_percent"},
                                         {"WHY", "reason"}})
                 .to_text()
                 .c_str(),
             stdout);
  for (const json& pool : answer->value("pools", json::array())) {
    const json& promotion = pool["promotion"];
    if (promotion.is_null()) continue;
    const std::string reason = promotion.value("reason", "");
    std::printf("pool %s: %s promoted by %s, %s%s%s\n", cell_of(pool["pool"]).c_str(),
                cell_of(promotion["policy"]).c_str(), cell_of(promotion["who"]).c_str(),
                cell_of(promotion["state"]).c_str(), reason.empty() ? "" : ": ", reason.c_str());
  }
  return kExitDone;
}

}  // namespace

void add_policy_command(CLI::App& app, Action& action) {
  auto* policy =
      app.add_subcommand("policy", "Show policies and what each would cost; find a setting; promote; edit")
          ->require_subcommand(1);
  add_promotion_commands(*policy, action);
  add_declared_verbs(*policy, action, config::Kind::kPolicies);
  auto* list_command = policy->add_subcommand(
      "list", "List them: what each wants and why, and what it would have cost and lost in the last day");
  auto options = std::make_shared<RemoteOptions>();
  options->add_to(*list_command);
  list_command->callback(
      [&action, options] { action = [options](const Context&) { return list(*options); }; });

  auto* tune_command = policy->add_subcommand("tune", "Propose a setting from the pool's own history");
  auto flags = std::make_shared<TuneFlags>();
  auto* file = tune_command->add_option("--trace", flags->trace_file, "CSV t_seconds,demand");
  auto* range =
      tune_command->add_option("--from-store", flags->store_range, "the server's store: 7d, 36h, ...")
          ->excludes(file);
  tune_command->add_option("--pool", flags->pool, "with --from-store: this pool only")->needs(range);
  tune_command->add_option("--policy", flags->policy, "whose setting")->capture_default_str();
  tune_command->add_option("--boot", flags->boot, "from launch to ready")->capture_default_str();
  tune_command
      ->add_option("--most-bad", flags->most_bad_percent, "percent of the load that may be late or lost")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  flags->remote.add_to(*tune_command);
  tune_command->callback([&action, flags] {
    action = [flags](const Context&) {
      const auto done = tune(*flags);
      return done ? *done : report(done.error());
    };
  });
}

}  // namespace gpuscale::cli
