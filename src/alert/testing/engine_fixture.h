// SPDX-License-Identifier: Apache-2.0
/// An engine over a database in memory, a source that answers as told, and a clock that is moved by hand.
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "alert/engine.h"
#include "alert/testing/fake_source.h"
#include "base/testing/manual_clock.h"

namespace gpuscale::alert::testing {

/// Each 5 s: the mean of the last minute is over 45.
inline RuleSpec mean_over_45(std::string name, std::string channel) {
  using namespace std::chrono_literals;
  RuleSpec spec;
  spec.name = std::move(name);
  spec.every = 5s;
  spec.queries = {{"C", "SELECT mean(u) FROM gpu WHERE $timeFilter"}};
  spec.condition = "avg(C, 1m) > 45";
  spec.notify = {std::move(channel)};
  return spec;
}

class EngineFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    database_ = *db::Database::open("");
    ledger_ = *activity::Ledger::open(*database_);
    reopen();
  }
  /// As a restart does: what is not on disk is gone.
  void reopen() {
    engine_.reset();
    engine_ = *Engine::open(*database_, *ledger_, source_, clock_, log::Log::silent(),
                            [this](const Notification& told) -> Result<void> {
                              if (sink_fails_) return fail(Errc::kUnavailable, "the disk is full");
                              told_.push_back(told);
                              return {};
                            });
  }
  void set(std::vector<RuleSpec> rules) { ASSERT_TRUE(engine_->set_rules(std::move(rules))); }
  void tick(Nanos later = std::chrono::seconds{5}) {
    clock_.advance(later);
    engine_->tick(clock_.wall());
  }

  base::testing::ManualClock clock_;
  FakeSource source_;
  std::unique_ptr<db::Database> database_;
  std::unique_ptr<activity::Ledger> ledger_;
  std::vector<Notification> told_;  ///< what the sink took
  bool sink_fails_ = false;
  std::unique_ptr<Engine> engine_;
};

}  // namespace gpuscale::alert::testing
