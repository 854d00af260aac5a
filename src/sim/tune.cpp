// SPDX-License-Identifier: Apache-2.0
#include "sim/tune.h"

#include <algorithm>
#include <array>

#include "sim/pool_run.h"

namespace gpuscale::sim {
namespace {

constexpr std::int64_t kLeastPartSeconds = 3'600;
/// Lookout's setting lies next to 1, where its ladder has to be finest.
constexpr std::array<double, 10> kShares{0.98,   0.99,   0.995,  0.998,   0.999,
                                         0.9995, 0.9998, 0.9999, 0.99995, 0.99999};
constexpr std::array<double, 10> kTargets{0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.9};

/// What one setting did on one part.
struct Trial {
  double bad_work = 0;
  double offered = 0;
  double node_hours = 0;
};

struct Total {
  double bad = 0;
  double node_hours = 0;
};

Total total_of(const std::vector<Trial>& trials, std::size_t without) {
  Trial sum;
  for (std::size_t part = 0; part < trials.size(); ++part) {
    if (part == without) continue;
    sum.bad_work += trials[part].bad_work;
    sum.offered += trials[part].offered;
    sum.node_hours += trials[part].node_hours;
  }
  return {sum.offered > 0 ? sum.bad_work / sum.offered : 0, sum.node_hours};
}

/// The cheapest that keeps to the goal; where none does, the one with the least bad load.
std::size_t best_of(const std::vector<std::vector<Trial>>& by_knob, std::size_t without, double most_bad) {
  std::size_t best = 0;
  Total least = total_of(by_knob[0], without);
  for (std::size_t knob = 1; knob < by_knob.size(); ++knob) {
    const Total now = total_of(by_knob[knob], without);
    const bool good = now.bad <= most_bad;
    const bool least_good = least.bad <= most_bad;
    const bool better = good != least_good ? good
                        : good             ? now.node_hours < least.node_hours
                                           : now.bad < least.bad;
    if (!better) continue;
    best = knob;
    least = now;
  }
  return best;
}

/// One setting from the first tick to the last, told apart by parts of `size` ticks; what is left over at the
/// end belongs to none. Work that goes bad counts where it goes bad.
std::vector<Trial> live_through(std::span<const double> demand, const PoolParameters& parameters,
                                const policy::PolicyChoice& setting, std::size_t parts) {
  const std::size_t size = demand.size() / parts;
  const auto policy = policy::make_policy(setting);
  PoolRun run(parameters, policy.get());
  run.expect(demand.size());
  std::vector<Trial> trials(parts);
  for (std::size_t tick = 0; tick < parts * size; ++tick) {
    Trial& trial = trials[tick / size];
    const double bad_before = run.bad_work();
    const TickRecord seen = run.step(demand[tick]);
    const auto seconds = static_cast<double>(parameters.tick_seconds);
    trial.bad_work += run.bad_work() - bad_before;
    trial.offered += demand[tick] * seconds;
    trial.node_hours += static_cast<double>(seen.ready + seen.booting + seen.draining) * seconds / 3'600;
  }
  return trials;
}

}  // namespace

double Tuning::sureness(double most_bad) const {
  if (left_out.empty()) return 0;
  const auto kept = std::count_if(left_out.begin(), left_out.end(),
                                  [most_bad](const LeftOut& part) { return part.bad <= most_bad; });
  return static_cast<double>(kept) / static_cast<double>(left_out.size());
}

Result<Tuning> tune(std::span<const double> demand, const PoolParameters& parameters, const std::string& name,
                    const TuneOptions& options) {
  const policy::PolicyKind* kind = policy::find_policy_kind(name);
  if (kind == nullptr) return policy::PolicyChoice::parse(name).error();
  const bool share = kind->knob == "share of errors covered";
  if (!share && kind->most_knob != 1) {
    return fail(Errc::kInvalidArgument,
                name + " has no setting to be tuned; take lookout, target_tracking or another with a target");
  }
  const std::size_t size = demand.size() / options.parts;
  if (static_cast<std::int64_t>(size) * parameters.tick_seconds < kLeastPartSeconds) {
    return fail(Errc::kInvalidArgument, "the history is too short: " + std::to_string(options.parts) +
                                            " parts of at least an hour are needed to try a setting on what "
                                            "it has not seen");
  }
  const std::span<const double> ladder =
      share ? std::span<const double>(kShares) : std::span<const double>(kTargets);
  PoolParameters begin = parameters;
  begin.first_nodes = first_nodes_for(demand, parameters);
  std::vector<std::vector<Trial>> by_knob;
  for (const double knob : ladder)
    by_knob.push_back(live_through(demand, begin, {name, knob}, options.parts));
  Tuning out;
  const std::size_t chosen = best_of(by_knob, options.parts, options.most_bad);
  const Total all = total_of(by_knob[chosen], options.parts);
  out.proposal = {name, ladder[chosen]};
  out.bad = all.bad;
  out.node_hours = all.node_hours;
  out.reaches_goal = all.bad <= options.most_bad;
  for (std::size_t part = 0; part < options.parts; ++part) {
    const std::size_t knob = best_of(by_knob, part, options.most_bad);
    const Trial& unseen = by_knob[knob][part];
    out.left_out.push_back(
        {ladder[knob], unseen.offered > 0 ? unseen.bad_work / unseen.offered : 0, unseen.node_hours});
  }
  return out;
}

}  // namespace gpuscale::sim
