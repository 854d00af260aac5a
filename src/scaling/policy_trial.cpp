// SPDX-License-Identifier: Apache-2.0
#include "scaling/policy_trial.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace gpuscale::scaling {
namespace {

constexpr std::int64_t kTick = policy::Council::kTickSeconds;
constexpr double kFullPool = 0.999;
constexpr double kUnseenMargin = 1.15;
constexpr std::size_t kLookBackTicks = 7'200 / kTick;

std::int64_t hour_of(WallTime at) {
  return std::chrono::floor<std::chrono::hours>(at.time_since_epoch()).count();
}

std::int64_t whole_ticks(std::int64_t seconds) {
  return (seconds + kTick - 1) / kTick * kTick;
}

sim::PoolParameters parameters_of(const TrialLook& first, std::int64_t boot_seconds) {
  return {.tick_seconds = kTick,
          .boot_seconds = whole_ticks(boot_seconds),
          .min_nodes = first.min_nodes,
          .max_nodes = first.max_nodes,
          .first_nodes = first.ready};
}

}  // namespace

TrialSums& TrialSums::operator+=(const TrialSums& other) {
  looks += other.looks;
  node_seconds += other.node_seconds;
  offered += other.offered;
  bad += other.bad;
  crowded += other.crowded;
  return *this;
}

void TrialHours::add(WallTime at, const TrialSums& sums) {
  hours_[hour_of(at)] += sums;
  if (hours_.size() > kKeptHours) hours_.erase(hours_.begin());
}

TrialSums TrialHours::within(Nanos window, WallTime now) const {
  TrialSums total;
  for (const auto& [hour, sums] : hours_) {
    if (hour >= hour_of(now - window) && hour <= hour_of(now)) total += sums;
  }
  return total;
}

std::string TrialHours::text() const {
  nlohmann::json out = nlohmann::json::array();
  for (const auto& [hour, s] : hours_)
    out.push_back({hour, s.looks, s.node_seconds, s.offered, s.bad, s.crowded});
  return out.dump();
}

Result<TrialHours> TrialHours::parse(const std::string& text) {
  TrialHours out;
  try {
    for (const auto& row : nlohmann::json::parse(text)) {
      if (out.hours_.size() == kKeptHours) break;
      out.hours_[row.at(0).get<std::int64_t>()] = {row.at(1).get<std::int64_t>(), row.at(2).get<double>(),
                                                   row.at(3).get<double>(), row.at(4).get<double>(),
                                                   row.at(5).get<std::int64_t>()};
    }
  } catch (const nlohmann::json::exception& e) {
    return fail(Errc::kCorrupt, std::string("state.db: a policy's trial does not decode: ") + e.what());
  }
  return out;
}

double demand_of(const policy::Observation& seen, double last) {
  if (seen.ready <= 0) return 0;
  if (!seen.utilization) return last;
  const double full = *seen.utilization >= kFullPool ? kUnseenMargin : 1;
  return std::max(0.0, *seen.utilization) * full * static_cast<double>(seen.ready);
}

bool can_be_tried(const policy::PolicySpec& spec) {
  return spec.choice.name != "step";
}

PolicyTrial::PolicyTrial(const policy::PolicySpec& spec, const std::string& learned, const TrialLook& first,
                         TrialHours hours)
    : policy_(policy::make_live_policy(spec)), boot_seconds_(spec.boot_seconds), hours_(std::move(hours)) {
  // What is of another version teaches it nothing; it then begins afresh, as the live one does.
  if (!learned.empty()) (void)policy_->relearn(learned);
  run_ = std::make_unique<sim::PoolRun>(parameters_of(first, boot_seconds_.value_or(first.boot_seconds)),
                                        policy_.get(), kLookBackTicks);
}

PolicyTrial::PolicyTrial(const TrialLook& first, TrialHours hours)
    : run_(std::make_unique<sim::PoolRun>(parameters_of(first, first.boot_seconds), nullptr)),
      hours_(std::move(hours)) {}

TrialSums PolicyTrial::look(const TrialLook& look) {
  run_->set_time(std::chrono::floor<std::chrono::seconds>(look.at.time_since_epoch()).count());
  run_->set_bounds(look.min_nodes, look.max_nodes);
  run_->set_boot_seconds(whole_ticks(boot_seconds_.value_or(look.boot_seconds)));
  run_->set_shared_value(look.value ? std::optional(*look.value * static_cast<double>(look.ready))
                                    : std::nullopt);
  const double bad_before = run_->bad_work();
  const sim::TickRecord tick =
      policy_ ? run_->step(look.demand) : run_->follow(look.demand, look.ready, look.paid);
  const TrialSums sums{
      .looks = 1,
      .node_seconds = static_cast<double>((tick.ready + tick.booting + tick.draining) * kTick),
      .offered = look.demand * static_cast<double>(kTick),
      .bad = run_->bad_work() - bad_before,
      .crowded = tick.utilization >= kCrowded ? 1 : 0};
  hours_.add(look.at, sums);
  return sums;
}

}  // namespace gpuscale::scaling
