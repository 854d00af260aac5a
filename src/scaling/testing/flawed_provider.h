// SPDX-License-Identifier: Apache-2.0
/// A provider port that makes its controller look broken in one way, so that tests can see that the fault
/// suite sees it. Not thread-safe.
#pragma once
#include <functional>
#include <utility>

#include "pool/testing/fake_provider.h"
#include "scaling/testing/fault_setup.h"

namespace gpuscale::scaling::testing {

class FlawedProvider final : public pool::NodeProvider {
 public:
  /// `asks` = its nodes can be asked for their work. The cloud outlives it.
  FlawedProvider(pool::testing::FakeCloud& cloud, Flaw flaw, bool asks)
      : cloud_(cloud), inner_(cloud), flaw_(flaw), asks_(asks) {}

  std::string type() const override { return inner_.type(); }

  Result<void> launch(const pool::NodeId& id) override {
    if (flaw_ == Flaw::kWedges && is_odd(id.value())) return {};
    auto launched = inner_.launch(id);
    if (flaw_ == Flaw::kLaunchesTwice) (void)inner_.launch(pool::NodeId(id.value() + "-twin"));
    if (flaw_ == Flaw::kRepeatsLaunch) {
      (void)inner_.terminate(id);
      cloud_.finish_terminations();
      (void)inner_.launch(id);
    }
    return launched;
  }
  Result<std::vector<pool::Instance>> list() override {
    auto all = inner_.list();
    if (flaw_ == Flaw::kForgetsNodes && all)
      std::erase_if(*all, [](const pool::Instance& instance) { return is_odd(instance.id.value()); });
    return all;
  }
  Result<void> drain(const pool::NodeId& id) override { return inner_.drain(id); }
  Result<void> undrain(const pool::NodeId& id) override { return inner_.undrain(id); }
  Result<pool::Workload> workload(const pool::NodeId& id) override {
    if (!asks_) return fail(Errc::kUnsupported, "nobody can be asked here");
    return inner_.workload(id);
  }
  Result<void> terminate(const pool::NodeId& id) override { return inner_.terminate(id); }

 private:
  static bool is_odd(const std::string& id) { return (id.back() - '0') % 2 != 0; }

  pool::testing::FakeCloud& cloud_;
  pool::testing::FakeProvider inner_;
  Flaw flaw_;
  bool asks_;
};

}  // namespace gpuscale::scaling::testing
