// SPDX-License-Identifier: Apache-2.0
#include "scaling/decision_code.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/digest.h"
#include "scaling/record_archive.h"

namespace gpuscale::pool {

// Beside their types, where the archive finds them. Each serves both ways.
template <class A>
void visit(A& a, typename A::template Ref<Node> n) {
  a(n.id, n.pool, n.state, n.created, n.state_since, n.ready_at, n.endpoint, n.correlation, n.reason,
    n.protected_from_scale_in);
}
template <class A>
void visit(A& a, typename A::template Ref<PoolCounts> c) {
  a(c.launching, c.booting, c.ready, c.draining, c.parked);
}
template <class A>
void visit(A& a, typename A::template Ref<Instance> i) {
  a(i.id, i.state, i.endpoint, i.detail, i.zone);
}
inline Instance blank(Instance*) {
  return {.id = NodeId(""), .endpoint = {}, .detail = {}, .zone = {}};
}
template <class A>
void visit(A& a, typename A::template Ref<Workload> w) {
  a(w.in_flight, w.draining, w.held_by);
}
template <class A>
void visit(A& a, typename A::template Ref<PoolSpec> s) {
  a(s.name, s.min, s.max, s.cooldown_out, s.cooldown_in, s.boot_timeout, s.telemetry_timeout,
    s.drain_timeout);
  a(s.scale_in.ceiling, s.scale_in.window, s.scale_in.watch, s.scale_in.sick_after,
    s.scale_in.replace_percent, s.scale_in.broken_percent, s.scale_in.capacity);
  a(s.warm.nodes, s.warm.keep);
  a(s.limits.out.nodes, s.limits.out.per, s.limits.in.nodes, s.limits.in.per, s.limits.stabilise_out,
    s.limits.stabilise_in, s.limits.gpus_per_node);
  a(s.limits.budget.gpu_hours, s.limits.budget.money, s.limits.budget.price_per_gpu_hour,
    s.limits.budget.period);
}

}  // namespace gpuscale::pool

namespace gpuscale::policy {

template <class A>
void visit(A& a, typename A::template Ref<StepRule> r) {
  a(r.above, r.line, r.nodes, r.for_seconds);
}
template <class A>
void visit(A& a, typename A::template Ref<PolicySpec> s) {
  a(s.name, s.pool, s.choice.name, s.choice.knob, s.shadow, s.boot_seconds, s.steps);
}

}  // namespace gpuscale::policy

namespace gpuscale::scaling {

template <class A>
void visit(A& a, typename A::template Ref<NodeRecord> r) {
  a(r.node, r.episode, r.cause, r.seen, r.ending, r.undrain_due, r.silent, r.adopted);
}
template <class A>
void visit(A& a, typename A::template Ref<NodeView> v) {
  a(v.record, v.in_state, v.call_due, v.workload, v.workload_unsupported, v.idle_observations, v.idle_for,
    v.failing_for);
}
inline NodeView blank(NodeView*) {
  return NodeView{NodeRecord{pool::Node{.id = pool::NodeId(""), .pool = pool::PoolName("")}}};
}
template <class A>
void visit(A& a, typename A::template Ref<NodeTelemetry> t) {
  a(t.last_report, t.devices_ok, t.devices_failed, t.devices_measured, t.utilization, t.utilization_peak,
    t.utilization_now, t.in_flight, t.gpu_class, t.zone, t.memory_used);
}
template <class A>
void visit(A& a, typename A::template Ref<ReconcileInput> in) {
  a(in.spec, in.desired, in.nodes, in.instances, in.telemetry, in.gone, in.launch_allowed, in.closing,
    in.watching, in.band, in.held, in.peak_work, in.peak_by_class, in.now);
}
template <class A>
void visit(A& a, typename A::template Ref<Hold> h) {
  a(h.mode, h.who, h.until);
}
template <class A>
void visit(A& a, typename A::template Ref<SizeOverride> o) {
  a(o.size, o.who, o.until);
}
template <class A>
void visit(A& a, typename A::template Ref<SizeChange> c) {
  a(c.at, c.from, c.to, c.work, c.by_hand);
}
template <class A>
void visit(A& a, typename A::template Ref<Want> w) {
  a(w.at, w.size);
}
template <class A>
void visit(A& a, typename A::template Ref<RailsView> r) {
  a(r.memory.hold, r.memory.size_override, r.memory.changes);
  a(r.memory.usage.period_start, r.memory.usage.counted_until, r.memory.usage.gpu_hours,
    r.memory.usage.parked_gpu_hours);
  a(r.wants, r.work, r.fleet_gpus_left, r.gpus_running);
}
template <class A>
void visit(A& a, typename A::template Ref<TriggerInputs> in) {
  a(in.trigger.name, in.trigger.pool, in.trigger.type, in.trigger.step, in.trigger.enabled);
  a(in.call.trigger, in.call.type, in.call.step, in.call.correlation, in.call.source);
  a(in.pool.spec, in.pool.desired, in.pool.counts, in.pool.last_out, in.pool.last_in, in.pool.rails);
  a(in.now);
}
template <class A>
void visit(A& a, typename A::template Ref<SizeInputs> in) {
  a(in.order.who, in.order.size, in.order.by_hand, in.order.hold_for, in.spec, in.rails, in.desired, in.now);
}
template <class A>
void visit(A& a, typename A::template Ref<CouncilTick> t) {
  a(t.at, t.seen.ready, t.seen.booting, t.seen.utilization, t.seen.complete, t.seen.signals, t.min_nodes,
    t.max_nodes, t.boot_seconds, t.want, t.digest);
}
template <class A>
void visit(A& a, typename A::template Ref<CouncilSegment> s) {
  a(s.specs, s.learned, s.warm_up);
}

namespace {

template <class T>
std::string bytes_of(const T& value) {
  RecordWriter out;
  out(value);
  return out.take();
}

template <class T>
Result<T> value_in(std::string_view bytes) {
  RecordReader in(bytes);
  T value{};
  in(value);
  if (!in.at_end()) return fail(Errc::kCorrupt, "a recorded decision does not decode");
  return value;
}

/// With the mark of its type before it.
template <class T>
std::string tagged(char tag, const T& value, std::size_t expected = 0) {
  RecordWriter out;
  out.expect(expected);
  out.mark(tag);
  out(value);
  return out.take();
}

/// What a node takes in a pass, with its instance and its telemetry.
constexpr std::size_t kNodeBytes = 512;

constexpr char kPass = 0;
constexpr char kTrigger = 1;
constexpr char kSize = 2;

template <class T>
Result<DecisionInputs> inputs_in(std::string_view bytes) {
  GS_TRY(T value, value_in<T>(bytes));
  return DecisionInputs(std::move(value));
}

std::uint64_t digest_of(const std::string& text) {
  return std::stoull(base::sha256_hex(text).substr(0, 16), nullptr, 16);
}

}  // namespace

std::string_view name_of(const DecisionInputs& inputs) {
  constexpr std::string_view kNames[] = {"pass", "trigger", "size"};
  return kNames[inputs.index()];
}

WallTime time_of(const DecisionInputs& inputs) {
  return std::visit([](const auto& in) { return in.now; }, inputs);
}

std::string text_of(const Plan& plan) {
  nlohmann::json out;
  out["actions"] = nlohmann::json::array();
  for (const Action& action : plan.actions) {
    nlohmann::json json{{"step", to_string(action.kind)}, {"node", action.node},
                        {"reason", action.reason},        {"cause", to_string(action.cause)},
                        {"endpoint", action.endpoint},    {"details", action.details}};
    if (action.desired) json["desired"] = *action.desired;
    if (action.work) json["work"] = *action.work;
    if (action.ranking != nullptr) json["ranking"] = *action.ranking;
    out["actions"].push_back(std::move(json));
  }
  out["proof"] = to_json(plan.proof);
  out["removals_stopped"] = plan.removals_stopped;
  out["scale_in_blocked"] = plan.scale_in_blocked;
  out["launch_blocked"] = plan.launch_blocked;
  // Of every node's place a digest: in a large pool the lines would outweigh all else.
  std::string places;
  for (const LedgerLine& line : plan.ledger) {
    places += line.node + ' ' + std::to_string(line.victim.rank) + ' ';
    places += to_string(line.victim.standing);
    places += to_string(line.victim.health);
    places += line.parked ? " parked " : " ";
    places += line.drain + '\n';
  }
  out["victims"] = base::sha256_hex(places);
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string text_of(const TriggerOutcome& outcome) {
  nlohmann::json out{{"status", to_string(outcome.verdict)},
                     {"pool", outcome.pool},
                     {"trigger", outcome.trigger},
                     {"type", to_string(outcome.type)},
                     {"step", outcome.step},
                     {"from", outcome.from},
                     {"to", outcome.to},
                     {"clipped_by", outcome.clipped_by},
                     {"reason", outcome.reason}};
  if (outcome.retry_after) out["retry_after_ns"] = outcome.retry_after->count();
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string decide_again(DecisionInputs inputs) {
  struct {
    std::string operator()(ReconcileInput& in) const { return text_of(reconcile(in)); }
    std::string operator()(const TriggerInputs& in) const {
      return text_of(decide_trigger(in.trigger, in.call, in.pool, in.now));
    }
    std::string operator()(const SizeInputs& in) const {
      return text_of(decide_size(in.order, in.spec, in.rails, in.desired, in.now));
    }
  } decide;
  return std::visit(decide, inputs);
}

std::string encode(const ReconcileInput& input) {
  return tagged(kPass, input, (input.nodes.size() + 1) * kNodeBytes);
}
std::string encode(const TriggerInputs& input) {
  return tagged(kTrigger, input);
}
std::string encode(const SizeInputs& input) {
  return tagged(kSize, input);
}

Result<DecisionInputs> decode_inputs(std::string_view bytes) {
  const char tag = bytes.empty() ? '\xff' : bytes.front();
  if (tag == kPass) return inputs_in<ReconcileInput>(bytes.substr(1));
  if (tag == kTrigger) return inputs_in<TriggerInputs>(bytes.substr(1));
  if (tag == kSize) return inputs_in<SizeInputs>(bytes.substr(1));
  return fail(Errc::kCorrupt, "a recorded decision is of an unknown kind");
}

std::string encode(const CouncilTick& tick) {
  return bytes_of(tick);
}
Result<CouncilTick> decode_tick(std::string_view bytes) {
  return value_in<CouncilTick>(bytes);
}
std::string encode(const CouncilSegment& segment) {
  return bytes_of(segment);
}
Result<CouncilSegment> decode_segment(std::string_view bytes) {
  return value_in<CouncilSegment>(bytes);
}

policy::Council open_council(const CouncilSegment& segment, std::vector<std::string>* unusable) {
  policy::Council council(segment.specs);
  for (CouncilTick tick : segment.warm_up) look(council, tick);
  for (const auto& [policy, text] : segment.learned) {
    const auto done = council.relearn(policy, text);
    if (!done && unusable != nullptr) unusable->push_back(policy + ": " + done.error().message());
  }
  return council;
}

std::optional<policy::Proposal> look(policy::Council& council, CouncilTick& tick) {
  auto proposal = council.tick(tick.seen, tick.at, tick.min_nodes, tick.max_nodes, tick.boot_seconds);
  std::string text;
  for (const policy::Opinion& opinion : council.opinions()) {
    text += opinion.policy + ' ' + (opinion.want ? std::to_string(*opinion.want) : "-") + ' ';
    text += opinion.reason + '\n';
  }
  if (proposal) text += std::to_string(proposal->want) + ' ' + proposal->decided_by + ' ' + proposal->reason;
  tick.want = proposal ? std::optional(proposal->want) : std::nullopt;
  tick.digest = digest_of(text);
  return proposal;
}

}  // namespace gpuscale::scaling
