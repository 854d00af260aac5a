// SPDX-License-Identifier: Apache-2.0
/// A cloud in memory and the provider that speaks to it. The cloud outlives providers, as a real one outlives
/// a server that crashes. Everything that can go wrong is scripted: errors, lost replies, slow boots,
/// instances that vanish, nodes that do not answer, terminations that take long. Thread-safe.
#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pool/provider.h"

namespace gpuscale::pool::testing {

enum class Call { kLaunch, kList, kDrain, kUndrain, kWorkload, kTerminate };

class FakeCloud {
 public:
  struct Machine {
    InstanceState state = InstanceState::kStarting;
    std::string endpoint;
    std::int64_t in_flight = 0;
    bool draining = false;
    bool answers = true;
  };

  // --- what a test arranges
  // ------------------------------------------------------------------------------------
  /// The next `times` calls of this kind fail without an effect.
  void fail_next(Call call, Error error, int times = 1) { script(call, std::move(error), times, false); }
  /// The next `times` calls of this kind do their work, and then the reply is lost.
  void lose_reply(Call call, Error error, int times = 1) { script(call, std::move(error), times, true); }
  void heal() {
    const std::scoped_lock lock(mutex_);
    faults_.clear();
  }
  /// Runs before each call and after its effect (`after`), outside the lock; may throw, as a crash would.
  void set_hook(std::function<void(Call call, const std::string& id, bool after)> hook) {
    hook_ = std::move(hook);
  }

  void finish_boot(const std::string& id) {
    with(id, [&](Machine& m) {
      m.state = InstanceState::kRunning;
      m.endpoint = "http://" + id + ".test";
    });
  }
  void finish_boots() {
    for (const auto& id : ids()) {
      if (machine(id)->state == InstanceState::kStarting) finish_boot(id);
    }
  }
  /// The machine dies without a word.
  void vanish(const std::string& id) {
    const std::scoped_lock lock(mutex_);
    machines_.erase(id);
    made_.erase(id);  // to ask for it again is no second launch
  }
  /// A machine that nobody here asked for.
  void plant(const std::string& id) {
    const std::scoped_lock lock(mutex_);
    machines_[id] = Machine{InstanceState::kRunning, "http://" + id + ".test", 0, false, true};
  }
  void set_in_flight(const std::string& id, std::int64_t n) {
    with(id, [&](Machine& m) { m.in_flight = n; });
  }
  void set_answers(const std::string& id, bool answers) {
    with(id, [&](Machine& m) { m.answers = answers; });
  }
  /// false: terminate() leaves the machine stopping until finish_terminations().
  void set_instant_termination(bool instant) {
    const std::scoped_lock lock(mutex_);
    instant_termination_ = instant;
  }
  void finish_terminations() {
    const std::scoped_lock lock(mutex_);
    std::erase_if(machines_,
                  [](const auto& entry) { return entry.second.state == InstanceState::kStopping; });
  }

  // --- what a test looks at
  // ------------------------------------------------------------------------------------
  std::vector<std::string> ids() const {
    const std::scoped_lock lock(mutex_);
    std::vector<std::string> out;
    for (const auto& [id, machine] : machines_) out.push_back(id);
    return out;
  }
  std::optional<Machine> machine(const std::string& id) const {
    const std::scoped_lock lock(mutex_);
    const auto found = machines_.find(id);
    return found == machines_.end() ? std::nullopt : std::optional(found->second);
  }
  int calls(Call call) const {
    const std::scoped_lock lock(mutex_);
    const auto found = counts_.find(call);
    return found == counts_.end() ? 0 : found->second;
  }
  /// Ids that were made a second time: always a fault of the caller or of idempotency.
  std::vector<std::string> made_twice() const {
    const std::scoped_lock lock(mutex_);
    std::vector<std::string> out;
    for (const auto& [id, n] : made_) {
      if (n > 1) out.push_back(id);
    }
    return out;
  }
  /// Ids that were ended while they had requests in flight.
  std::vector<std::string> ended_busy() const {
    const std::scoped_lock lock(mutex_);
    return ended_busy_;
  }

 private:
  friend class FakeProvider;
  struct Fault {
    Error error;
    int times;
    bool after_effect;
  };

  void script(Call call, Error error, int times, bool after_effect) {
    const std::scoped_lock lock(mutex_);
    faults_.insert_or_assign(call, Fault{std::move(error), times, after_effect});
  }
  template <typename Change>
  void with(const std::string& id, Change change) {
    const std::scoped_lock lock(mutex_);
    if (const auto found = machines_.find(id); found != machines_.end()) change(found->second);
  }
  std::optional<Fault> take_fault(Call call) {
    const auto found = faults_.find(call);
    if (found == faults_.end()) return std::nullopt;
    const Fault fault = found->second;
    if (--found->second.times <= 0) faults_.erase(found);
    return fault;
  }
  /// Frames `effect` with hooks and scripted faults.
  template <typename T>
  Result<T> perform(Call call, const std::string& id, const std::function<Result<T>()>& effect) {
    if (hook_) hook_(call, id, false);
    std::optional<Fault> fault;
    std::optional<Result<T>> result;
    {
      const std::scoped_lock lock(mutex_);
      ++counts_[call];
      fault = take_fault(call);
      if (!fault || fault->after_effect) result = effect();
    }
    if (hook_) hook_(call, id, true);
    if (fault) return fault->error;
    return *std::move(result);
  }

  mutable std::mutex mutex_;
  std::map<std::string, Machine> machines_;
  std::map<Call, Fault> faults_;
  std::map<Call, int> counts_;
  std::map<std::string, int> made_;
  std::vector<std::string> ended_busy_;
  bool instant_termination_ = true;
  std::function<void(Call, const std::string&, bool)> hook_;
};

class FakeProvider final : public NodeProvider {
 public:
  explicit FakeProvider(FakeCloud& cloud) : cloud_(cloud) {}  // the cloud outlives the provider

  std::string type() const override { return "fake"; }

  Result<void> launch(const NodeId& id) override {
    return cloud_.perform<void>(Call::kLaunch, id.value(), [&]() -> Result<void> {
      if (cloud_.machines_.try_emplace(id.value()).second) ++cloud_.made_[id.value()];
      return {};
    });
  }

  Result<std::vector<Instance>> list() override {
    return cloud_.perform<std::vector<Instance>>(Call::kList, "", [&]() -> Result<std::vector<Instance>> {
      std::vector<Instance> out;
      for (const auto& [id, m] : cloud_.machines_) out.push_back({NodeId(id), m.state, m.endpoint, "fake"});
      return out;
    });
  }

  Result<void> drain(const NodeId& id) override { return set_draining(Call::kDrain, id, true); }
  Result<void> undrain(const NodeId& id) override { return set_draining(Call::kUndrain, id, false); }

  Result<Workload> workload(const NodeId& id) override {
    return cloud_.perform<Workload>(Call::kWorkload, id.value(), [&]() -> Result<Workload> {
      const auto found = cloud_.machines_.find(id.value());
      if (found == cloud_.machines_.end()) return fail(Errc::kNotFound, "no instance of node " + id.value());
      if (!found->second.answers) return fail(Errc::kUnavailable, "node " + id.value() + " does not answer");
      return Workload{found->second.in_flight, found->second.draining};
    });
  }

  Result<void> terminate(const NodeId& id) override {
    return cloud_.perform<void>(Call::kTerminate, id.value(), [&]() -> Result<void> {
      const auto found = cloud_.machines_.find(id.value());
      if (found == cloud_.machines_.end()) return {};
      if (found->second.in_flight > 0) cloud_.ended_busy_.push_back(id.value());
      found->second.state = InstanceState::kStopping;
      if (cloud_.instant_termination_) cloud_.machines_.erase(found);
      return {};
    });
  }

 private:
  Result<void> set_draining(Call call, const NodeId& id, bool on) {
    return cloud_.perform<void>(call, id.value(), [&]() -> Result<void> {
      const auto found = cloud_.machines_.find(id.value());
      if (found == cloud_.machines_.end()) return fail(Errc::kNotFound, "no instance of node " + id.value());
      if (!found->second.answers) return fail(Errc::kUnavailable, "node " + id.value() + " does not answer");
      found->second.draining = on;
      return {};
    });
  }

  FakeCloud& cloud_;
};

}  // namespace gpuscale::pool::testing
