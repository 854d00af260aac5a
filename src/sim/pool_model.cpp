// SPDX-License-Identifier: Apache-2.0
#include "sim/pool_model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>

#include "sim/work_queue.h"

namespace gpuscale::sim {
namespace {

constexpr double kNothing = 1e-9;  // node-seconds that are rounding
constexpr std::int64_t kReversalSeconds = 600;

/// SplitMix64 (Steele, Lea, Flood 2014): the boot times have to be the same everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  /// [0, 1), 53 bits.
  double uniform() {
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    z ^= z >> 31U;
    return static_cast<double>(z >> 11U) * 0x1.0p-53;
  }

 private:
  std::uint64_t state_;
};

/// The nodes of the pool by what they do.
class Fleet {
 public:
  Fleet(const PoolParameters& parameters, Outcome& outcome)
      : parameters_(parameters),
        outcome_(outcome),
        random_(parameters.boot_seed),
        ready_(parameters.first_nodes) {}

  std::int64_t ready() const { return ready_; }
  std::int64_t booting() const { return static_cast<std::int64_t>(boots_.size()); }
  std::int64_t draining() const { return static_cast<std::int64_t>(drains_.size()); }
  std::int64_t parked() const { return static_cast<std::int64_t>(parked_.size()); }

  void begin_tick(std::int64_t tick) {
    const std::size_t before = boots_.size();
    std::erase_if(boots_, [tick](std::int64_t ready_at) { return ready_at <= tick; });
    ready_ += static_cast<std::int64_t>(before - boots_.size());
    while (!drains_.empty() && drains_.front() <= tick) drains_.pop_front();
    const std::int64_t keep = parameters_.warm_seconds / parameters_.tick_seconds;
    while (!parked_.empty() && parked_.front() + keep <= tick) parked_.pop_front();
  }

  void resize(std::int64_t tick, std::int64_t want) {
    want = std::clamp(want, parameters_.min_nodes, parameters_.max_nodes);
    const std::int64_t size = ready_ + booting();
    if (want > size) launch(tick, want - size);
    if (want < size) remove(tick, size - want);
  }

 private:
  std::int64_t boot_ticks() {
    if (parameters_.boot_model == BootModel::kFixed) {
      return parameters_.boot_seconds / parameters_.tick_seconds;
    }
    const double half = 0.5 * static_cast<double>(parameters_.boot_seconds);
    const double seconds = half - half * std::log(1.0 - random_.uniform());
    return std::max<std::int64_t>(
        1, static_cast<std::int64_t>(std::ceil(seconds / static_cast<double>(parameters_.tick_seconds))));
  }
  void launch(std::int64_t tick, std::int64_t count) {
    for (; count > 0 && !parked_.empty(); --count) {
      parked_.pop_back();
      ++ready_;
      ++outcome_.returns;
    }
    for (std::int64_t i = 0; i < count; ++i) boots_.push_back(tick + boot_ticks());
    outcome_.launches += count;
    ++outcome_.actions_out;
    note(tick, true);
  }
  /// The newest launch is called off first: it has served nobody yet, and its bill ends now.
  void remove(std::int64_t tick, std::int64_t count) {
    outcome_.removals += count;
    ++outcome_.actions_in;
    note(tick, false);
    while (count > 0 && !boots_.empty()) {
      boots_.pop_back();
      --count;
    }
    ready_ -= count;
    const std::int64_t ticks = parameters_.drain_seconds / parameters_.tick_seconds;
    if (parameters_.warm_nodes <= 0) {
      if (ticks > 0) drains_.insert(drains_.end(), static_cast<std::size_t>(count), tick + ticks);
      return;
    }
    parked_.insert(parked_.end(), static_cast<std::size_t>(count), tick);
    while (parked() > parameters_.warm_nodes) {
      const std::int64_t end = parked_.front() + ticks;
      parked_.pop_front();
      if (end > tick) drains_.push_back(end);
    }
  }
  void note(std::int64_t tick, bool out) {
    if (last_action_ && last_out_ != out &&
        (tick - *last_action_) * parameters_.tick_seconds <= kReversalSeconds) {
      ++outcome_.reversals;
    }
    last_action_ = tick;
    last_out_ = out;
  }

  const PoolParameters& parameters_;
  Outcome& outcome_;
  Random random_;
  std::int64_t ready_;
  std::vector<std::int64_t> boots_;  ///< the ticks at which they are ready, in order of launch
  std::deque<std::int64_t> drains_;  ///< the ticks at which they end
  std::deque<std::int64_t> parked_;  ///< the ticks of their release
  std::optional<std::int64_t> last_action_;
  bool last_out_ = false;
};

struct History {
  explicit History(std::size_t ticks) {
    for (auto* series : {&utilization, &served, &arrived, &backlog}) series->reserve(ticks);
  }
  std::vector<double> utilization;
  std::vector<double> served;
  std::vector<double> arrived;
  std::vector<double> backlog;
};

}  // namespace

Result<void> check(const PoolParameters& p) {
  const auto refuse = [](const std::string& what) { return fail(Errc::kInvalidArgument, what); };
  if (p.tick_seconds < 1) return refuse("the tick must be at least 1 s");
  const std::int64_t warm_seconds = p.warm_nodes > 0 ? p.warm_seconds : 0;
  const std::array<std::pair<const char*, std::int64_t>, 5> times{{{"boot time", p.boot_seconds},
                                                                   {"time of parked nodes", warm_seconds},
                                                                   {"drain time", p.drain_seconds},
                                                                   {"patience", p.patience_seconds},
                                                                   {"allowed wait", p.slo_wait_seconds}}};
  for (const auto& [name, seconds] : times) {
    if (seconds < 0) return refuse(std::string("the ") + name + " must not be negative");
    if (seconds % p.tick_seconds != 0) {
      return refuse(std::string("the ") + name + " of " + std::to_string(seconds) +
                    " s must be whole ticks of " + std::to_string(p.tick_seconds) + " s");
    }
  }
  if (p.warm_nodes < 0 || p.warm_nodes > 1'000'000) return refuse("warm must be from 0 to 1000000 nodes");
  if (p.min_nodes < 0 || p.min_nodes > p.max_nodes) return refuse("min must be from 0 to max");
  if (p.max_nodes > 1'000'000) return refuse("max must be at most 1000000");
  if (p.first_nodes < 0 || p.first_nodes > 1'000'000)
    return refuse("the first size must be from 0 to 1000000");
  if (!(p.service_seconds > 0)) return refuse("the service time must be above 0");
  return {};
}

double Outcome::node_hours() const {
  return static_cast<double>(paid_ticks) * static_cast<double>(tick_seconds) / 3600;
}
double Outcome::parked_hours() const {
  return static_cast<double>(parked_ticks) * static_cast<double>(tick_seconds) / 3600;
}
double Outcome::bad() const {
  return offered > 0 ? (lost + late) / offered : 0;
}
double Outcome::mean_utilization() const {
  return paid_ticks > 0 ? served / static_cast<double>(paid_ticks * tick_seconds) : 0;
}
std::optional<std::int64_t> Outcome::wait_quantile(double q) const {
  double passed = 0;
  for (const auto& [waited, work] : served_after) {
    passed += work;
    if (passed >= q * offered - kNothing) return waited * tick_seconds;
  }
  return std::nullopt;
}

Outcome run_pool(std::span<const double> demand, const PoolParameters& parameters, policy::Policy* policy,
                 const TickSink& each_tick) {
  const std::int64_t tick_seconds = parameters.tick_seconds;
  const auto seconds = static_cast<double>(tick_seconds);
  const std::int64_t patience = parameters.patience_seconds / tick_seconds;
  const std::int64_t slo = parameters.slo_wait_seconds / tick_seconds;
  const std::int64_t period =
      policy == nullptr
          ? 0
          : std::max<std::int64_t>(1, (policy->period_seconds() + tick_seconds - 1) / tick_seconds);
  Outcome out;
  out.ticks = static_cast<std::int64_t>(demand.size());
  out.tick_seconds = tick_seconds;
  Fleet fleet(parameters, out);
  WorkQueue queue;
  History history(demand.size());
  double& served_at_once = out.served_after[0];
  for (std::int64_t tick = 0; tick < out.ticks; ++tick) {
    fleet.begin_tick(tick);
    if (policy != nullptr && tick > 0 && tick % period == 0) {
      const policy::PoolView view{.tick_seconds = tick_seconds,
                                  .tick = tick,
                                  .ready = fleet.ready(),
                                  .booting = fleet.booting(),
                                  .min_nodes = parameters.min_nodes,
                                  .max_nodes = parameters.max_nodes,
                                  .boot_seconds = parameters.boot_seconds,
                                  .service_seconds = parameters.service_seconds,
                                  .utilization = history.utilization,
                                  .served = history.served,
                                  .arrived = history.arrived,
                                  .backlog = history.backlog};
      if (const auto want = policy->decide(view)) fleet.resize(tick, *want);
    }
    const double arrived = demand[static_cast<std::size_t>(tick)] * seconds;
    const double capacity = static_cast<double>(fleet.ready()) * seconds;
    out.offered += arrived;
    double served = 0;
    if (queue.empty()) {
      served = std::min(arrived, capacity);
      served_at_once += served;
      if (arrived > capacity) queue.add(tick, arrived - capacity);
    } else {
      queue.drop_before(tick - patience, [&](double amount) { out.lost += amount; });
      if (arrived > 0) queue.add(tick, arrived);
      served = capacity - queue.serve(capacity, [&](std::int64_t since, double amount) {
        out.served_after[tick - since] += amount;
        if (tick - since > slo) out.late += amount;
      });
    }
    out.served += served;
    const double backlog = queue.backlog();
    const double utilization =
        capacity > 0 ? served / capacity : (backlog > kNothing || arrived > 0 ? 1.0 : 0.0);
    history.utilization.push_back(utilization);
    history.served.push_back(served);
    history.arrived.push_back(arrived);
    history.backlog.push_back(backlog);
    if (utilization > 0.45) ++out.ticks_over_45;
    const std::int64_t paid = fleet.ready() + fleet.booting() + fleet.draining() + fleet.parked();
    out.parked_ticks += fleet.parked();
    out.paid_ticks += paid;
    out.peak_nodes = std::max(out.peak_nodes, paid);
    if (each_tick) {
      each_tick({demand[static_cast<std::size_t>(tick)], fleet.ready(), fleet.booting(),
                 fleet.draining() + fleet.parked(), utilization, backlog});
    }
  }
  for (const WorkQueue::Piece& piece : queue.pieces()) {
    const std::int64_t waited = out.ticks - piece.arrived;
    out.served_after[waited] += piece.amount;
    if (waited > slo) out.late += piece.amount;
  }
  return out;
}

namespace {

std::int64_t smallest_good_pool(std::span<const double> demand, PoolParameters parameters) {
  const auto good = [&](std::int64_t nodes) {
    parameters.first_nodes = nodes;
    const Outcome outcome = run_pool(demand, parameters, nullptr);
    return outcome.lost + outcome.late <= kNothing;
  };
  // More nodes never serve later, so the smallest good pool can be searched by halves.
  std::int64_t low = std::max<std::int64_t>(1, parameters.min_nodes);
  std::int64_t high = low;
  while (!good(high) && high < parameters.max_nodes) high = std::min(parameters.max_nodes, high * 2);
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (good(middle)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

}  // namespace

std::int64_t first_nodes_for(std::span<const double> demand, PoolParameters parameters) {
  constexpr std::int64_t kMargin = 120;
  const auto ticks = static_cast<std::size_t>((parameters.boot_seconds + kMargin) / parameters.tick_seconds);
  return smallest_good_pool(demand.first(std::min(ticks, demand.size())), parameters);
}

std::int64_t peak_nodes_for(std::span<const double> demand, PoolParameters parameters) {
  return smallest_good_pool(demand, parameters);
}

}  // namespace gpuscale::sim
