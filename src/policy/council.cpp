// SPDX-License-Identifier: Apache-2.0
#include "policy/council.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "policy/target_tracking.h"

namespace gpuscale::policy {
namespace {

/// The longest that any policy looks back is a quarter of an hour.
constexpr std::size_t kKeptTicks = 7'200 / Council::kTickSeconds;

/// Those that need to know the requests, which utilisation does not tell.
constexpr std::array<std::string_view, 4> kNeedRequests{"keda", "kpa", "kpa_600", "lookout_v1"};

/// In a live pool only the nodes' work is known.
PolicyChoice as_live(PolicyChoice choice) {
  if (choice.name == "lookout") choice.name = "lookout_util";
  return choice;
}

}  // namespace

std::unique_ptr<Policy> make_live_policy(const PolicySpec& spec) {
  if (spec.choice.name == "step") return std::make_unique<StepRules>(spec.steps);
  if (spec.choice.name == "target")
    return std::make_unique<TargetTracking>(spec.choice.knob, TrackedValue::kSignal);
  return make_policy(as_live(spec.choice));
}

std::vector<std::string> live_policy_kinds() {
  std::vector<std::string> out;
  for (const PolicyKind& kind : policy_kinds()) {
    if (std::find(kNeedRequests.begin(), kNeedRequests.end(), kind.name) == kNeedRequests.end())
      out.emplace_back(kind.name);
  }
  out.insert(out.end(), {"target", "step"});
  return out;
}

bool goes_by_formula(const PolicySpec& spec) {
  return spec.choice.name == "target" || spec.choice.name == "step";
}

std::vector<std::string> faults_of(const PolicySpec& spec) {
  std::vector<std::string> out;
  if (std::find(kNeedRequests.begin(), kNeedRequests.end(), spec.choice.name) != kNeedRequests.end()) {
    out.push_back(
        "policy " + spec.choice.name +
        " needs the rate of requests, which a pool's GPUs do not tell; take lookout, target_tracking or hpa");
  }
  if (goes_by_formula(spec)) {
    if (spec.formula.empty())
      out.push_back("policy " + spec.choice.name + " needs a value to go by: value: avg(Q, 1m)");
    if (spec.choice.name == "target" && !(spec.choice.knob > 0))
      out.emplace_back("a target must be over 0: what one node is to have of the value");
    if (spec.choice.name == "step") {
      for (std::string& fault : faults_of(spec.steps)) out.push_back(std::move(fault));
    }
  } else if (!spec.formula.empty() || !spec.steps.empty()) {
    out.push_back("policy " + spec.choice.name +
                  " goes by GPU utilisation; queries, value and steps belong to target and step");
  }
  if (spec.boot_seconds && (*spec.boot_seconds < 1 || *spec.boot_seconds > 7'200)) {
    out.emplace_back("boot must be from 1s to 2h");
  }
  return out;
}

Council::Council(std::vector<PolicySpec> specs) {
  for (PolicySpec& spec : specs) {
    auto policy = make_live_policy(spec);
    opinions_.push_back({spec.name, spec.shadow, std::nullopt, "has not looked yet", {}});
    members_.push_back({std::move(spec), std::move(policy)});
  }
}

void Council::remember(const Observation& seen) {
  const auto most = static_cast<double>(seen.ready * kTickSeconds);
  if (seen.utilization) {
    heard_utilization_ = std::clamp(*seen.utilization, 0.0, 1.0);
    heard_work_ = heard_utilization_ * most;
  }
  // Without a measurement the last one stands: it is neither idleness nor load. It stands as work: nodes that
  // become ready meanwhile share it, or each launch would be a reason for the next.
  const double work = std::min(heard_work_, heard_utilization_ * most);
  utilization_.push_back(most > 0 ? work / most : heard_utilization_);
  served_.push_back(work);
  backlog_.push_back(0);
  ++tick_;
}

void Council::forget() {
  if (utilization_.size() < 2 * kKeptTicks) return;
  const std::size_t surplus = utilization_.size() - kKeptTicks;
  for (auto* series : {&utilization_, &served_, &backlog_}) {
    series->erase(series->begin(), series->begin() + static_cast<std::ptrdiff_t>(surplus));
  }
  first_tick_ += static_cast<std::int64_t>(surplus);
}

std::optional<Proposal> Council::tick(const Observation& seen, WallTime at, std::int64_t min_nodes,
                                      std::int64_t max_nodes, std::optional<std::int64_t> boot_seconds) {
  // A pool that has never been heard teaches nothing.
  if (!seen.utilization && utilization_.empty() && seen.signals.empty()) return std::nullopt;
  remember(seen);
  PoolView view{
      .tick_seconds = kTickSeconds,
      .first_tick = first_tick_,
      .tick = tick_,
      .epoch = std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count() - tick_ * kTickSeconds,
      .heard = seen.utilization.has_value(),
      .ready = seen.ready,
      .booting = seen.booting,
      .min_nodes = min_nodes,
      .max_nodes = max_nodes,
      .utilization = utilization_,
      .served = served_,
      .arrived = served_,
      .backlog = backlog_};
  const std::int64_t size = seen.ready + seen.booting;
  std::optional<Proposal> out;
  bool heard = false;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    Member& member = members_[i];
    const std::int64_t period =
        std::max<std::int64_t>(1, (member.policy->period_seconds() + kTickSeconds - 1) / kTickSeconds);
    if (tick_ % period == 0) {
      view.boot_seconds = member.spec.boot_seconds.value_or(boot_seconds.value_or(kDefaultBootSeconds));
      const auto signal = seen.signals.find(member.spec.name);
      view.signal = signal == seen.signals.end() ? std::nullopt : std::optional(signal->second);
      Opinion& opinion = opinions_[i];
      opinion.want = member.policy->decide(view);
      opinion.reason = member.policy->reason();
      opinion.evidence = member.policy->evidence();
      if (!member.spec.shadow) heard = true;
    }
  }
  forget();
  if (!heard) return std::nullopt;
  for (const Opinion& opinion : opinions_) {
    if (opinion.shadow) continue;
    const std::int64_t want = std::clamp(opinion.want.value_or(size), min_nodes, max_nodes);
    if (!out || want > out->want) out = Proposal{want, opinion.policy, opinion.reason};
  }
  if (!out || out->want == size) return std::nullopt;
  if (out->want < size && (!seen.complete || !seen.utilization)) return std::nullopt;
  return out;
}

std::string Council::learned(const std::string& policy) const {
  for (const Member& member : members_) {
    if (member.spec.name == policy) return member.policy->learned();
  }
  return {};
}

Result<void> Council::relearn(const std::string& policy, std::string_view text) {
  for (Member& member : members_) {
    if (member.spec.name == policy) return member.policy->relearn(text);
  }
  return fail(Errc::kNotFound, "no policy \"" + policy + "\"");
}

}  // namespace gpuscale::policy
