// SPDX-License-Identifier: Apache-2.0
#include "sim/pool_run.h"

#include <algorithm>

namespace gpuscale::sim {
namespace {

constexpr double kRounding = 1e-9;  // node-seconds

}  // namespace

PoolRun::PoolRun(const PoolParameters& parameters, policy::Policy* policy, std::size_t keep_ticks)
    : parameters_(parameters), policy_(policy), keep_ticks_(keep_ticks), fleet_(parameters_, out_) {
  const std::int64_t tick = parameters.tick_seconds;
  if (policy != nullptr) period_ = std::max<std::int64_t>(1, (policy->period_seconds() + tick - 1) / tick);
  out_.tick_seconds = tick;
  out_.served_after[0] = 0;
}

void PoolRun::expect(std::size_t ticks) {
  for (auto* series : {&utilization_, &served_, &arrived_, &backlog_}) series->reserve(ticks);
}

void PoolRun::set_bounds(std::int64_t min_nodes, std::int64_t max_nodes) {
  parameters_.min_nodes = min_nodes;
  parameters_.max_nodes = max_nodes;
}

void PoolRun::ask() {
  std::optional<double> share;
  if (shared_value_ && fleet_.ready() > 0) share = *shared_value_ / static_cast<double>(fleet_.ready());
  const policy::PoolView view{.tick_seconds = parameters_.tick_seconds,
                              .first_tick = first_tick_,
                              .tick = tick_,
                              .epoch = epoch_,
                              .ready = fleet_.ready(),
                              .booting = fleet_.booting(),
                              .min_nodes = parameters_.min_nodes,
                              .max_nodes = parameters_.max_nodes,
                              .boot_seconds = parameters_.boot_seconds,
                              .service_seconds = parameters_.service_seconds,
                              .utilization = utilization_,
                              .served = served_,
                              .arrived = arrived_,
                              .backlog = backlog_,
                              .signal = share};
  if (const auto want = policy_->decide(view)) fleet_.resize(tick_, *want);
}

TickRecord PoolRun::step(double demand) {
  fleet_.begin_tick(tick_);
  if (policy_ != nullptr && tick_ > 0 && tick_ % period_ == 0) ask();
  out_.parked_ticks += fleet_.parked();
  return serve(demand, fleet_.ready(), fleet_.booting(), fleet_.draining() + fleet_.parked());
}

TickRecord PoolRun::follow(double demand, std::int64_t ready, std::int64_t paid) {
  return serve(demand, ready, 0, std::max<std::int64_t>(0, paid - ready));
}

TickRecord PoolRun::serve(double demand, std::int64_t ready, std::int64_t booting, std::int64_t idle) {
  const auto seconds = static_cast<double>(parameters_.tick_seconds);
  const std::int64_t slo = parameters_.slo_wait_seconds / parameters_.tick_seconds;
  const double arrived = demand * seconds;
  const double capacity = static_cast<double>(ready) * seconds;
  out_.offered += arrived;
  double served = 0;
  if (queue_.empty()) {
    served = std::min(arrived, capacity);
    out_.served_after.begin()->second += served;
    if (arrived > capacity) queue_.add(tick_, arrived - capacity);
  } else {
    const std::int64_t patience = parameters_.patience_seconds / parameters_.tick_seconds;
    queue_.drop_before(tick_ - patience, [&](double amount) { out_.lost += amount; });
    if (arrived > 0) queue_.add(tick_, arrived);
    served = capacity - queue_.serve(capacity, [&](std::int64_t since, double amount) {
      out_.served_after[tick_ - since] += amount;
      if (tick_ - since > slo) out_.late += amount;
    });
  }
  out_.served += served;
  const double backlog = queue_.backlog();
  const double utilization =
      capacity > 0 ? served / capacity : (backlog > kRounding || arrived > 0 ? 1.0 : 0.0);
  if (policy_ != nullptr) {
    utilization_.push_back(utilization);
    served_.push_back(served);
    arrived_.push_back(arrived);
    backlog_.push_back(backlog);
    if (keep_ticks_ > 0 && utilization_.size() >= 2 * keep_ticks_) forget();
  }
  if (utilization > 0.45) ++out_.ticks_over_45;
  const std::int64_t paid = ready + booting + idle;
  out_.paid_ticks += paid;
  out_.peak_nodes = std::max(out_.peak_nodes, paid);
  out_.ticks = ++tick_;
  return {demand, ready, booting, idle, utilization, backlog};
}

void PoolRun::forget() {
  const std::size_t surplus = utilization_.size() - keep_ticks_;
  for (auto* series : {&utilization_, &served_, &arrived_, &backlog_}) {
    series->erase(series->begin(), series->begin() + static_cast<std::ptrdiff_t>(surplus));
  }
  first_tick_ += static_cast<std::int64_t>(surplus);
}

Outcome PoolRun::outcome() const {
  Outcome out = out_;
  const std::int64_t slo = parameters_.slo_wait_seconds / parameters_.tick_seconds;
  for (const WorkQueue::Piece& piece : queue_.pieces()) {
    const std::int64_t waited = tick_ - piece.arrived;
    out.served_after[waited] += piece.amount;
    if (waited > slo) out.late += piece.amount;
  }
  return out;
}

}  // namespace gpuscale::sim
