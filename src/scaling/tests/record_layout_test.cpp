// SPDX-License-Identifier: Apache-2.0
// Records for replay outlive the program that wrote them, so their layout may not change unnoticed: one of
// each kind, with a value of its own in every field, is pinned by its digest.
#include <gtest/gtest.h>

#include "base/digest.h"
#include "scaling/decision_code.h"

namespace gpuscale::scaling {
namespace {

/// Each value once, so that two fields that change places are noticed.
class Counter {
 public:
  void operator()(auto&... fields) { (fill(fields), ...); }

 private:
  void fill(bool& flag) { flag = true; }
  void fill(int& number) { number = ++last_; }
  void fill(std::int64_t& number) { number = ++last_; }
  void fill(std::uint64_t& number) { number = static_cast<std::uint64_t>(++last_); }
  void fill(double& number) { number = ++last_ + 0.5; }
  void fill(Nanos& time) { time = Nanos{++last_}; }
  void fill(WallTime& time) { time = WallTime{Nanos{++last_}}; }
  void fill(std::string& text) { text = "text " + std::to_string(++last_); }
  template <class T>
  void fill(std::optional<T>& value) {
    fill(value.emplace());
  }
  template <class V, class... Rest>
  void fill(std::map<std::string, V, Rest...>& items) {
    fill(items["key " + std::to_string(++last_)]);
  }
  int last_ = 0;
};

pool::PoolSpec filled_spec(Counter& set) {
  pool::PoolSpec spec;
  set(spec.name, spec.min, spec.max, spec.cooldown_out, spec.cooldown_in, spec.boot_timeout,
      spec.telemetry_timeout, spec.drain_timeout);
  pool::ScaleInSpec& in = spec.scale_in;
  set(in.ceiling, in.window, in.watch, in.sick_after, in.replace_percent, in.broken_percent, in.capacity);
  set(spec.warm.nodes, spec.warm.keep);
  pool::LimitsSpec& limits = spec.limits;
  set(limits.out.nodes, limits.out.per, limits.in.nodes, limits.in.per, limits.stabilise_out,
      limits.stabilise_in, limits.gpus_per_node);
  set(limits.budget.gpu_hours, limits.budget.money, limits.budget.price_per_gpu_hour);
  limits.budget.period = pool::BudgetPeriod::kWeek;
  return spec;
}

ReconcileInput filled_pass() {
  Counter set;
  ReconcileInput in;
  in.spec = filled_spec(set);
  set(in.desired, in.launch_allowed, in.closing, in.watching, in.band, in.held, in.peak_work,
      in.peak_by_class, in.now);
  NodeView view{NodeRecord{pool::Node{.id = pool::NodeId("id"), .pool = pool::PoolName("pool")}}};
  pool::Node& node = view.record.node;
  node.state = pool::NodeState::kDraining;
  set(node.created, node.state_since, node.ready_at, node.endpoint, node.correlation, node.reason,
      node.protected_from_scale_in);
  set(view.record.episode, view.record.seen, view.record.ending, view.record.undrain_due, view.record.silent,
      view.record.adopted);
  view.record.cause = DrainCause::kHeld;
  pool::Workload& work = view.workload.emplace();
  set(work.in_flight, work.draining, work.held_by);
  set(view.in_state, view.call_due, view.workload_unsupported, view.idle_observations, view.idle_for,
      view.failing_for);
  in.nodes.push_back(view);
  pool::Instance shown{.id = pool::NodeId("shown"), .endpoint = {}, .detail = {}};
  shown.state = pool::InstanceState::kRunning;
  set(shown.endpoint, shown.detail, shown.zone);
  in.instances.emplace().push_back(shown);
  NodeTelemetry& said = in.telemetry.emplace()["said"];
  set(said.last_report, said.devices_ok, said.devices_failed, said.devices_measured, said.utilization,
      said.utilization_peak, said.utilization_now, said.in_flight, said.gpu_class, said.zone,
      said.memory_used);
  in.gone.insert("gone");
  return in;
}

RailsView filled_rails(Counter& set) {
  RailsView rails;
  PoolMemory& memory = rails.memory;
  memory.hold.mode = HoldMode::kOnlyOut;
  set(memory.hold.who, memory.hold.until);
  SizeOverride& over = memory.size_override.emplace();
  set(over.size, over.who, over.until);
  SizeChange change;
  set(change.at, change.from, change.to, change.work, change.by_hand);
  memory.changes.push_back(change);
  set(memory.usage.period_start, memory.usage.counted_until, memory.usage.gpu_hours,
      memory.usage.parked_gpu_hours);
  Want want;
  set(want.at, want.size);
  rails.wants.push_back(want);
  set(rails.work, rails.fleet_gpus_left, rails.gpus_running);
  return rails;
}

TriggerInputs filled_trigger() {
  Counter set;
  TriggerInputs in;
  in.trigger.type = Direction::kIn;
  in.call.type = Direction::kIn;
  set(in.trigger.name, in.trigger.pool, in.trigger.step, in.trigger.enabled, in.call.trigger, in.call.step,
      in.call.correlation, in.call.source);
  in.pool.spec = filled_spec(set);
  pool::PoolCounts& counts = in.pool.counts;
  set(in.pool.desired, counts.launching, counts.booting, counts.ready, counts.draining, counts.parked,
      in.pool.last_out, in.pool.last_in);
  in.pool.rails = filled_rails(set);
  set(in.now);
  return in;
}

SizeInputs filled_size() {
  Counter set;
  SizeInputs in;
  set(in.order.who, in.order.size, in.order.by_hand, in.order.hold_for);
  in.spec = filled_spec(set);
  in.rails = filled_rails(set);
  set(in.desired, in.now);
  return in;
}

CouncilTick filled_tick() {
  Counter set;
  CouncilTick tick;
  set(tick.at, tick.seen.ready, tick.seen.booting, tick.seen.utilization, tick.seen.complete,
      tick.seen.signals, tick.min_nodes, tick.max_nodes, tick.boot_seconds, tick.want, tick.digest);
  return tick;
}

CouncilSegment filled_segment() {
  Counter set;
  CouncilSegment segment;
  policy::PolicySpec& spec = segment.specs.emplace_back();
  set(spec.name, spec.pool, spec.choice.name, spec.choice.knob, spec.shadow, spec.boot_seconds);
  policy::StepRule& step = spec.steps.emplace_back();
  set(step.above, step.line, step.nodes, step.for_seconds);
  set(segment.learned);
  segment.warm_up.push_back(filled_tick());
  return segment;
}

/// Of the format that is written now: of another layout a new one, never the same format again.
constexpr std::int64_t kPinnedFormat = 2;
constexpr std::string_view kPinnedLayout = "aadf239592f7a3878c47a6287bb60d7288bab6dae5c7053862299a9b0a1939c6";

TEST(RecordLayout, IsTheOneOfItsFormat) {
  std::string all;
  for (const std::string& record :
       {encode(filled_pass()), encode(filled_trigger()), encode(filled_size()), encode(filled_segment())})
    all += std::to_string(record.size()) + ':' + record;
  const bool same = base::sha256_hex(all) == kPinnedLayout;
  EXPECT_TRUE(same && kRecordFormat == kPinnedFormat)
      << "the layout of records for replay has changed, and records of format " << kPinnedFormat
      << " do not decode any more: raise kRecordFormat (decision_code.h) and pin it here with "
      << base::sha256_hex(all);
}

TEST(RecordLayout, GivesEveryFieldBack) {
  for (const std::string& record : {encode(filled_pass()), encode(filled_trigger()), encode(filled_size())}) {
    const auto back = decode_inputs(record);
    ASSERT_TRUE(back);
    EXPECT_EQ(std::visit([](const auto& in) { return encode(in); }, *back), record);
  }
  const std::string segment = encode(filled_segment());
  const auto back = decode_segment(segment);
  ASSERT_TRUE(back);
  EXPECT_EQ(encode(*back), segment);
}

}  // namespace
}  // namespace gpuscale::scaling
