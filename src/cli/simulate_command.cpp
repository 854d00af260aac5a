// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/duration.h"
#include "cli/command.h"
#include "cli/store_trace.h"
#include "cli/table.h"
#include "policy/catalogue.h"
#include "sim/chart.h"
#include "sim/goal.h"
#include "sim/optimum.h"
#include "sim/pool_model.h"
#include "trace/demand_trace.h"

namespace gpuscale::cli {
namespace {

using nlohmann::json;

struct SimulateFlags {
  std::string trace_file;
  std::string store_range;
  std::string pool;
  RemoteOptions remote;
  bool no_optimum = false;
  std::string policy = "lookout";
  std::vector<std::string> versus;
  std::string tick;
  std::string boot = "180s";
  std::string drain = "30s";
  std::int64_t warm = 0;
  std::string warm_keep = "10m";
  std::string patience = "30s";
  std::string wait = "10s";
  std::string boots = "fixed";
  std::uint64_t seed = 1;
  std::int64_t min = 1;
  std::int64_t max = 1'000'000;
  std::int64_t first = -1;
  double scale = 1;
  std::string fail_if;
  std::string svg;

  const std::string& source() const { return store_range.empty() ? trace_file : store_range; }
};

/// What every policy is measured with; nullopt where it was not asked for or does not exist.
struct Yardsticks {
  double peak_hours = 0;
  std::optional<sim::Optimum> optimum;
};

struct Run {
  std::string name;
  sim::Outcome outcome;
  std::vector<double> nodes;  ///< paid, a tick
};

Result<std::int64_t> seconds_of(const char* flag, const std::string& text) {
  const auto parsed = base::parse_duration(text);
  if (!parsed) return parsed.error().with_context(flag);
  if (*parsed % std::chrono::seconds{1} != Nanos{0} || *parsed < Nanos{0}) {
    return fail(Errc::kInvalidArgument,
                std::string(flag) + ": " + text + " is not a whole number of seconds");
  }
  return *parsed / std::chrono::seconds{1};
}

/// As long as the trace's own steps, and not so long that a boot or the allowed wait is less than a tick.
std::int64_t default_tick(const trace::DemandTrace& trace) {
  constexpr std::int64_t kLongest = 5;
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(trace.last_step_seconds()), 1, kLongest);
}

Result<sim::PoolParameters> parameters_of(const SimulateFlags& flags, const trace::DemandTrace& trace) {
  sim::PoolParameters p;
  p.tick_seconds = default_tick(trace);
  if (!flags.tick.empty()) {
    GS_TRY(p.tick_seconds, seconds_of("--tick", flags.tick));
  }
  GS_TRY(p.boot_seconds, seconds_of("--boot", flags.boot));
  GS_TRY(p.drain_seconds, seconds_of("--drain", flags.drain));
  p.warm_nodes = flags.warm;
  GS_TRY(p.warm_seconds, seconds_of("--warm-keep", flags.warm_keep));
  GS_TRY(p.patience_seconds, seconds_of("--patience", flags.patience));
  GS_TRY(p.slo_wait_seconds, seconds_of("--wait", flags.wait));
  p.boot_model = flags.boots == "random" ? sim::BootModel::kRandom : sim::BootModel::kFixed;
  p.boot_seed = flags.seed;
  p.min_nodes = flags.min;
  p.max_nodes = flags.max;
  if (flags.first >= 0) p.first_nodes = flags.first;
  GS_CHECK(sim::check(p));
  return p;
}

Result<std::vector<policy::PolicyChoice>> choices_of(const SimulateFlags& flags) {
  std::vector<policy::PolicyChoice> out;
  GS_TRY(out.emplace_back(), policy::PolicyChoice::parse(flags.policy));
  for (const std::string& text : flags.versus) {
    GS_TRY(out.emplace_back(), policy::PolicyChoice::parse(text));
  }
  return out;
}

json wait_of(const sim::Outcome& outcome, double q) {
  const auto wait = outcome.wait_quantile(q);
  return wait ? json(*wait) : json(nullptr);
}

json to_json(const Run& run, const Yardsticks& yardsticks) {
  const double peak_hours = yardsticks.peak_hours;
  const sim::Outcome& out = run.outcome;
  const double offered = out.offered > 0 ? out.offered : 1;
  const double hours = static_cast<double>(out.ticks * out.tick_seconds) / 3600;
  return {{"policy", run.name},
          {"node_hours", out.node_hours()},
          {"share_of_static_peak", peak_hours > 0 ? json(out.node_hours() / peak_hours) : json(nullptr)},
          {"ratio_to_optimum", yardsticks.optimum && yardsticks.optimum->node_hours > 0
                                   ? json(out.node_hours() / yardsticks.optimum->node_hours)
                                   : json(nullptr)},
          {"bad", out.bad()},
          {"lost", out.lost / offered},
          {"late", out.late / offered},
          {"wait_p50_seconds", wait_of(out, 0.5)},
          {"wait_p99_seconds", wait_of(out, 0.99)},
          {"actions", out.actions()},
          {"actions_per_hour", static_cast<double>(out.actions()) / hours},
          {"reversals", out.reversals},
          {"launches", out.launches},
          {"returns", out.returns},
          {"parked_node_hours", out.parked_hours()},
          {"peak_nodes", out.peak_nodes},
          {"mean_utilization", out.mean_utilization()}};
}

std::string format(const char* pattern, double value) {
  std::array<char, 40> buffer{};
  const int size = std::snprintf(buffer.data(), buffer.size(), pattern, value);
  return {buffer.data(), static_cast<std::size_t>(size)};
}

void print_table(const std::vector<Run>& runs, const Yardsticks& yardsticks) {
  Table table{{"POLICY", "NODE-HOURS", "OF OPTIMUM", "OF PEAK", "BAD", "LOST", "LATE", "P99 WAIT",
               "ACTIONS/H", "REVERSALS", "PEAK", "UTILIZATION"},
              {}};
  for (const Run& run : runs) {
    const json row = to_json(run, yardsticks);
    const json& wait = row["wait_p99_seconds"];
    table.rows.push_back(
        {run.name, format("%.1f", row["node_hours"]),
         row["ratio_to_optimum"].is_null() ? "-" : format("%.2f", row["ratio_to_optimum"]),
         row["share_of_static_peak"].is_null() ? "-" : format("%.2f", row["share_of_static_peak"]),
         format("%.3f%%", 100 * row["bad"].get<double>()), format("%.3f%%", 100 * row["lost"].get<double>()),
         format("%.3f%%", 100 * row["late"].get<double>()), wait.is_null() ? "lost" : format("%.0f s", wait),
         format("%.1f", row["actions_per_hour"]), std::to_string(run.outcome.reversals),
         std::to_string(run.outcome.peak_nodes),
         format("%.0f%%", 100 * row["mean_utilization"].get<double>())});
  }
  std::printf("%s", table.to_text().c_str());
  for (const Run& run : runs) {
    if (run.outcome.parked_ticks == 0) continue;
    std::printf("%s: %.1f of its node-hours were of parked nodes, which returned %lld times\n",
                run.name.c_str(), run.outcome.parked_hours(), static_cast<long long>(run.outcome.returns));
  }
  if (yardsticks.optimum) {
    std::printf("optimum, knowing the demand in advance: %.1f node-hours%s\n", yardsticks.optimum->node_hours,
                yardsticks.optimum->step_nodes > 1
                    ? (" in steps of " + std::to_string(yardsticks.optimum->step_nodes) + " nodes").c_str()
                    : "");
  }
}

Result<void> write_chart(const SimulateFlags& flags, const std::vector<double>& demand,
                         const std::vector<Run>& runs, std::int64_t tick_seconds) {
  std::vector<sim::ChartLine> lines{{"demand", demand}};
  for (const Run& run : runs) lines.push_back({run.name, run.nodes});
  std::ofstream file(flags.svg, std::ios::binary | std::ios::trunc);
  file << sim::render_svg(flags.source() + ": demand and paid nodes, boot " + flags.boot, lines,
                          tick_seconds);
  file.close();
  if (file.fail()) return fail(Errc::kUnavailable, flags.svg + " cannot be written");
  return {};
}

Run run_one(const std::string& name, const std::vector<double>& demand, const sim::PoolParameters& parameters,
            policy::Policy* policy, bool with_nodes) {
  Run run{name, {}, {}};
  sim::TickSink sink;
  if (with_nodes) {
    sink = [&run](const sim::TickRecord& tick) {
      run.nodes.push_back(static_cast<double>(tick.ready + tick.booting + tick.draining));
    };
  }
  run.outcome = sim::run_pool(demand, parameters, policy, sink);
  return run;
}

void warn_of_gap(const SimulateFlags& flags, const trace::DemandTrace& trace) {
  const auto gap = trace.widest_gap();
  if (!gap) return;
  std::fprintf(
      stderr,
      "gpuscale: %s: no rows between %.0f s and %.0f s, where else they are %g s apart; the demand before is "
      "taken to last\n",
      flags.source().c_str(), gap->from, gap->to, gap->usual);
}

Result<int> simulate(const SimulateFlags& flags, const std::atomic<bool>& stop) {
  if (flags.source().empty()) {
    return fail(Errc::kInvalidArgument, "nothing to simulate; name a file with --trace, or --from-store 7d");
  }
  GS_TRY(const auto choices, choices_of(flags));
  std::optional<sim::FailureCondition> condition;
  if (!flags.fail_if.empty()) {
    GS_TRY(condition, sim::FailureCondition::parse(flags.fail_if));
  }
  GS_TRY(const auto trace, flags.store_range.empty()
                               ? trace::DemandTrace::read(flags.trace_file)
                               : trace_from_store(flags.remote, flags.store_range, flags.pool));
  warn_of_gap(flags, trace);
  GS_TRY(sim::PoolParameters parameters, parameters_of(flags, trace));
  GS_TRY(std::vector<double> demand, trace.per_tick(static_cast<double>(parameters.tick_seconds)));
  for (double& nodes : demand) nodes *= flags.scale;
  if (demand.empty()) return fail(Errc::kInvalidArgument, flags.source() + ": shorter than one tick");
  if (flags.first < 0) parameters.first_nodes = sim::first_nodes_for(demand, parameters);
  std::vector<Run> runs;
  for (const policy::PolicyChoice& choice : choices) {
    if (stop) return fail(Errc::kUnavailable, "stopped");
    const auto policy = policy::make_policy(choice);
    runs.push_back(run_one(choice.to_string(), demand, parameters, policy.get(), !flags.svg.empty()));
  }
  // What hindsight alone could have bought: the yardstick that everybody understands.
  sim::PoolParameters peak = parameters;
  peak.first_nodes = sim::peak_nodes_for(demand, parameters);
  Run constant = run_one("static peak=" + std::to_string(peak.first_nodes), demand, peak, nullptr, false);
  Yardsticks yardsticks{constant.outcome.node_hours(), std::nullopt};
  if (!flags.no_optimum) yardsticks.optimum = sim::optimum_for(demand, parameters);
  if (!flags.svg.empty()) GS_CHECK(write_chart(flags, demand, runs, parameters.tick_seconds));
  runs.push_back(std::move(constant));
  if (flags.remote.json()) {
    json out = {
        {"trace", flags.source()},
        {"tick_seconds", parameters.tick_seconds},
        {"boot_seconds", parameters.boot_seconds},
        {"first_nodes", parameters.first_nodes},
        {"optimum_node_hours", yardsticks.optimum ? json(yardsticks.optimum->node_hours) : json(nullptr)},
        {"optimum_step_nodes", yardsticks.optimum ? json(yardsticks.optimum->step_nodes) : json(nullptr)},
        {"policies", json::array()}};
    for (const Run& run : runs) out["policies"].push_back(to_json(run, yardsticks));
    std::printf("%s\n", out.dump(2).c_str());
  } else {
    print_table(runs, yardsticks);
  }
  if (condition && condition->holds_for(runs.front().outcome)) {
    std::fprintf(stderr, "gpuscale: %s: %s, which --fail-if '%s' forbids\n", runs.front().name.c_str(),
                 condition->explain(runs.front().outcome).c_str(), flags.fail_if.c_str());
    return kExitFailed;
  }
  return kExitDone;
}

std::string policies_footer() {
  std::string out = "Policies (NAME or NAME=NUMBER):\n";
  for (const policy::PolicyKind& kind : policy::policy_kinds()) {
    std::string name = "  " + std::string(kind.name);
    name.resize(std::max<std::size_t>(17, name.size() + 1), ' ');
    out += name + std::string(kind.summary) + " (" + std::string(kind.knob) + ", " +
           format("%g", kind.default_knob) + ")\n";
  }
  return out + "bad = late or lost, as a share of the load; docs/simulation.md has the model.";
}

}  // namespace

void add_simulate_command(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("simulate", "Try scaling policies on a demand trace, side by side");
  auto flags = std::make_shared<SimulateFlags>();
  auto* file = command->add_option("--trace", flags->trace_file,
                                   "CSV t_seconds,demand; demand 1.0 = one node fully busy");
  auto* range =
      command
          ->add_option("--from-store", flags->store_range,
                       "instead of a file: the load that the server's store has of the last 7d, 36h, ...")
          ->excludes(file);
  command->add_option("--pool", flags->pool, "with --from-store: this pool only")->needs(range);
  flags->remote.add_to(*command);
  command->add_option("--policy", flags->policy, "the one that --fail-if judges")->capture_default_str();
  command->add_option("--vs", flags->versus, "others beside it: hpa,keda=0.6,recipe")->delimiter(',');
  command->add_option("--boot", flags->boot, "from launch to ready")->capture_default_str();
  command->add_option("--boots", flags->boots, "fixed, or random: half of --boot and an exponential rest")
      ->check(CLI::IsMember({"fixed", "random"}))
      ->capture_default_str();
  command->add_option("--seed", flags->seed, "of random boots")->capture_default_str();
  command->add_option("--drain", flags->drain, "a released node is paid for so long")->capture_default_str();
  command->add_option("--warm", flags->warm, "of the released nodes so many stay parked and return at once")
      ->capture_default_str();
  command->add_option("--warm-keep", flags->warm_keep, "from their release; they are paid for")
      ->capture_default_str();
  command->add_option("--patience", flags->patience, "work that waited longer is lost")
      ->capture_default_str();
  command->add_option("--wait", flags->wait, "work that waited longer is late")->capture_default_str();
  command->add_option("--tick", flags->tick, "the step of the simulation (the trace's own, at most 5s)");
  command->add_option("--min", flags->min, "nodes")->capture_default_str();
  command->add_option("--max", flags->max, "nodes")->capture_default_str();
  command->add_option("--first", flags->first, "nodes at the start (the fewest that begin well)");
  command->add_option("--scale", flags->scale, "multiplies the trace's demand")->check(CLI::PositiveNumber);
  command->add_option("--fail-if", flags->fail_if, "exit code 1 where this holds, as in 'bad > 0.1%'");
  command->add_option("--svg", flags->svg, "draws demand and paid nodes into this file");
  command->add_flag("--no-optimum", flags->no_optimum, "saves the seconds that the yardstick takes");
  command->footer(policies_footer());
  command->callback([&action, flags] {
    action = [flags](const Context& context) {
      const auto done = simulate(*flags, context.stop);
      return done ? *done : report(done.error());
    };
  });
}

}  // namespace gpuscale::cli
