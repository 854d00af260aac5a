// SPDX-License-Identifier: Apache-2.0
/// A controller of one pool `gpu` (2 of 2..6) and two triggers, gpu-out and gpu-in, whose secret is "s3cret".
/// It notes what it is asked and answers as told.
#pragma once
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "scaling/controller.h"

namespace gpuscale::api::testing {

class FakeController : public scaling::Controller {
 public:
  std::vector<scaling::TriggerCall> calls;
  std::vector<std::string> acts;  ///< "release gpu-1 by admin 127.0.0.1"
  std::optional<scaling::TriggerOutcome> next_outcome;
  std::optional<Error> next_error;
  std::vector<scaling::NodeStatus> node_list;
  scaling::PoolStatus pool;
  scaling::TriggerSpec out_spec;  ///< the limits of gpu-out
  std::vector<scaling::TriggerSpec> more_triggers;

  FakeController() {
    pool.spec.name = "gpu";
    pool.spec.min = 2;
    pool.spec.max = 6;
    pool.desired = 2;
    pool.counts.ready = 2;
  }

  Result<std::vector<std::pair<std::string, Secret>>> configure(std::vector<pool::PoolSpec>,
                                                                std::vector<scaling::TriggerSpec>) override {
    return std::vector<std::pair<std::string, Secret>>{};
  }
  std::vector<scaling::PoolStatus> pools() const override { return {pool}; }
  std::vector<scaling::NodeStatus> nodes(const std::string& name) const override {
    std::vector<scaling::NodeStatus> list;
    for (const auto& node : node_list) {
      if (name.empty() || node.node.pool.value() == name) list.push_back(node);
    }
    return list;
  }
  std::vector<scaling::TriggerSpec> triggers() const override {
    std::vector<scaling::TriggerSpec> list(2);
    list[0] = out_spec;
    list[0].name = "gpu-out";
    list[0].pool = "gpu";
    list[1].name = "gpu-in";
    list[1].pool = "gpu";
    list[1].type = scaling::Direction::kIn;
    list.insert(list.end(), more_triggers.begin(), more_triggers.end());
    return list;
  }
  Result<void> authenticate(const std::string& trigger, const std::string& secret) const override {
    if (!known(trigger)) return fail(Errc::kNotFound, "no trigger \"" + trigger + "\"");
    if (secret != "s3cret") return fail(Errc::kUnauthenticated, "wrong secret");
    return {};
  }
  Result<std::string> secret_digest(const std::string& trigger) const override {
    if (!known(trigger)) return fail(Errc::kNotFound, "no trigger \"" + trigger + "\"");
    return base::sha256_hex("s3cret");
  }
  Result<Secret> rotate_secret(const std::string& trigger, const std::string& who) override {
    if (!known(trigger)) return fail(Errc::kNotFound, "no trigger \"" + trigger + "\"");
    acts.push_back("rotate " + trigger + " by " + who);
    return Secret("n3w");
  }
  Result<void> enable_trigger(const std::string& trigger, bool on, const std::string& who) override {
    if (!known(trigger)) return fail(Errc::kNotFound, "no trigger \"" + trigger + "\"");
    acts.push_back((on ? "enable " : "disable ") + trigger + " by " + who);
    return {};
  }
  Result<scaling::TriggerOutcome> pull(const scaling::TriggerCall& call) override {
    calls.push_back(call);
    if (next_error) return *next_error;
    if (next_outcome) return *next_outcome;
    scaling::TriggerOutcome outcome;
    outcome.verdict = scaling::Verdict::kAccepted;
    outcome.trigger = call.trigger;
    outcome.pool = "gpu";
    outcome.step = call.step.value_or(1);
    outcome.from = pool.desired;
    outcome.to = pool.desired + outcome.step;
    outcome.reason = "grown";
    outcome.correlation = "c-1";
    return outcome;
  }
  Result<std::vector<scaling::Errand>> errands(const std::string& trigger, std::size_t) const override {
    if (trigger != "redeploy") return std::vector<scaling::Errand>{};
    return std::vector<scaling::Errand>{{.id = 7,
                                         .trigger = trigger,
                                         .state = scaling::ErrandState::kDone,
                                         .correlation = "c-7",
                                         .source = "http 127.0.0.1",
                                         .asked = WallTime{std::chrono::seconds{1}},
                                         .started = WallTime{std::chrono::seconds{2}},
                                         .ended = WallTime{std::chrono::seconds{3}},
                                         .result = "exit code 0"}};
  }
  using scaling::Controller::set_desired;
  Result<void> set_hold(const std::string& name, scaling::Hold hold) override {
    if (name != "gpu") return fail(Errc::kNotFound, "no pool \"" + name + "\"; known: gpu");
    acts.push_back(std::string(to_string(hold.mode)) + " by " + hold.who);
    pool.hold = hold;
    return {};
  }
  Result<scaling::TriggerOutcome> propose_size(const std::string& name, int desired,
                                               const std::string& who) override {
    return set_desired(name, desired, who, std::nullopt);
  }
  Result<scaling::TriggerOutcome> set_desired(const std::string& name, int desired, const std::string& who,
                                              std::optional<Nanos>) override {
    if (name != "gpu") return fail(Errc::kNotFound, "no pool \"" + name + "\"; known: gpu");
    acts.push_back("desired " + std::to_string(desired) + " by " + who);
    scaling::TriggerOutcome outcome;
    outcome.verdict = scaling::Verdict::kAccepted;
    outcome.pool = name;
    outcome.from = pool.desired;
    outcome.to = pool.desired = std::clamp(desired, pool.spec.min, pool.spec.max);
    return outcome;
  }
  Result<void> release_node(const std::string& node, const std::string& who) override {
    return act("release", node, who);
  }
  Result<void> hold_node(const std::string& node, const std::string& who) override {
    acts.push_back("drain " + node + " by " + who);
    return {};
  }
  Result<void> undrain_node(const std::string& node, const std::string& who) override {
    acts.push_back("undrain " + node + " by " + who);
    return {};
  }
  Result<void> protect_node(const std::string& node, bool on, const std::string& who) override {
    return act(on ? "protect" : "unprotect", node, who);
  }
  void tick(WallTime) override {}
  void start() override {}
  void stop() override {}
  Result<void> shut_down_nodes(std::chrono::milliseconds) override { return {}; }

 private:
  static bool known(const std::string& trigger) { return trigger == "gpu-out" || trigger == "gpu-in"; }
  Result<void> act(const std::string& verb, const std::string& node, const std::string& who) {
    const auto is = [&node](const scaling::NodeStatus& status) { return status.node.id.value() == node; };
    if (std::none_of(node_list.begin(), node_list.end(), is))
      return fail(Errc::kNotFound, "no node \"" + node + "\"");
    acts.push_back(verb + " " + node + " by " + who);
    return {};
  }
};

}  // namespace gpuscale::api::testing
