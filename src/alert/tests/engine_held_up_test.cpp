// SPDX-License-Identifier: Apache-2.0
// Queries that hang, are slow or broken: they hold up nobody who asks something else.
#include <gmock/gmock.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "alert/engine.h"
#include "base/system_clock.h"

namespace gpuscale::alert {
namespace {

using namespace std::chrono_literals;

/// Queries that say "hang" have no answer until released; all others are answered at once.
class HangingSource final : public datasource::DataSource {
 public:
  Result<std::vector<datasource::Series>> query(const datasource::Query& query) override {
    std::unique_lock lock(mutex_);
    ++asked_[query.text.find("hang") != std::string::npos ? "hang" : "quick"];
    if (query.text.find("hang") != std::string::npos) released_.wait(lock, [&] { return free_; });
    return std::vector<datasource::Series>{{"gpu.mean", {}, {{query.now, 10.0}}}};
  }
  void release() {
    const std::scoped_lock lock(mutex_);
    free_ = true;
    released_.notify_all();
  }
  int asked(const std::string& which) {
    const std::scoped_lock lock(mutex_);
    return asked_[which];
  }

 private:
  std::mutex mutex_;
  std::condition_variable released_;
  bool free_ = false;
  std::map<std::string, int> asked_;
};

RuleSpec asking(const std::string& name, const std::string& field) {
  RuleSpec spec;
  spec.name = name;
  spec.every = 500ms;
  spec.queries = {{"C", "SELECT mean(" + field + ") FROM gpu WHERE $timeFilter"}};
  spec.condition = "avg(C, 1m) > 45";
  return spec;
}

class HeldUpTest : public ::testing::Test {
 protected:
  void start(std::vector<RuleSpec> rules) {
    database_ = *db::Database::open("");
    ledger_ = *activity::Ledger::open(*database_);
    EngineOptions options;
    options.patience = 50ms;
    engine_ = *Engine::open(
        *database_, *ledger_, source_, clock_, log::Log::silent(),
        [](const Notification&) -> Result<void> { return {}; }, options);
    ASSERT_TRUE(engine_->set_rules(std::move(rules)));
    engine_->start();
  }
  void TearDown() override {
    source_.release();
    engine_->stop();
  }
  bool comes_true(const std::function<bool()>& what, std::chrono::milliseconds patience = 10s) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!what() && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(5ms);
    return what();
  }

  base::SystemClock clock_;
  HangingSource source_;
  std::unique_ptr<db::Database> database_;
  std::unique_ptr<activity::Ledger> ledger_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(HeldUpTest, MoreQueriesThanThreadsHangAndAQuickRuleIsLookedAtOnTime) {
  std::vector<RuleSpec> rules;
  for (int i = 0; i < 5; ++i)
    rules.push_back(asking("hang " + std::to_string(i), "hang" + std::to_string(i)));
  rules.push_back(asking("quick", "u"));
  start(std::move(rules));
  ASSERT_TRUE(comes_true([&] { return source_.asked("hang") >= 5; }));
  const int before = source_.asked("quick");
  EXPECT_TRUE(comes_true([&] { return source_.asked("quick") >= before + 4; }, 4s))
      << "looked at " << source_.asked("quick") - before << " times beside 5 hanging queries";
}

TEST_F(HeldUpTest, ManyRulesOfOneHangingQueryWaitInALaneOfTheirOwn) {
  std::vector<RuleSpec> rules;
  for (int i = 0; i < 200; ++i) rules.push_back(asking("hang " + std::to_string(i), "hang"));
  rules.push_back(asking("quick", "u"));
  start(std::move(rules));
  ASSERT_TRUE(comes_true([&] { return source_.asked("quick") >= 1; }));
  const int before = source_.asked("quick");
  EXPECT_TRUE(comes_true([&] { return source_.asked("quick") >= before + 4; }, 5s));
}

/// Whoever asks it by ask() is answered when it is released; our own store, "", answers at once.
class FarSource final : public datasource::DataSource {
 public:
  Result<std::vector<datasource::Series>> query(const datasource::Query& query) override {
    ++own_asked;
    return std::vector<datasource::Series>{{"gpu.mean", {}, {{query.now, 10.0}}}};
  }
  void ask(const datasource::Query& query, Done done) override {
    EXPECT_EQ(query.source, "far");
    const std::scoped_lock lock(mutex_);
    waiting_.push_back(std::move(done));
  }
  std::size_t waiting() const {
    const std::scoped_lock lock(mutex_);
    return waiting_.size();
  }
  void answer_all(const Result<std::vector<datasource::Series>>& answer) {
    std::vector<Done> waiting;
    {
      const std::scoped_lock lock(mutex_);
      waiting.swap(waiting_);
    }
    for (const Done& done : waiting) done(answer);
  }
  std::atomic<int> own_asked{0};

 private:
  mutable std::mutex mutex_;
  std::vector<Done> waiting_;
};

class FarSourceTest : public HeldUpTest {
 protected:
  void start_far(std::vector<RuleSpec> rules) {
    database_ = *db::Database::open("");
    ledger_ = *activity::Ledger::open(*database_);
    engine_ = *Engine::open(*database_, *ledger_, far_, clock_, log::Log::silent(),
                            [](const Notification&) -> Result<void> { return {}; });
    ASSERT_TRUE(engine_->set_rules(std::move(rules)));
    engine_->start();
  }
  static RuleSpec far_rule(const std::string& name) {
    RuleSpec spec = asking(name, "u");
    spec.sources = {{"C", "far"}};
    return spec;
  }
  FarSource far_;
};

TEST_F(FarSourceTest, ManyMoreRulesThanThreadsAskAStoreThatHangsAndOthersAreLookedAtOnTime) {
  std::vector<RuleSpec> rules = {asking("own", "u")};
  for (int i = 0; i < 500; ++i) rules.push_back(far_rule("far " + std::to_string(i)));
  start_far(std::move(rules));
  ASSERT_TRUE(comes_true([&] { return far_.waiting() == 500; }));
  const int before = far_.own_asked;
  EXPECT_TRUE(comes_true([&] { return far_.own_asked >= before + 4; }, 5s));
  EXPECT_EQ(far_.waiting(), 500U) << "a rule whose question is on its way asks no second one";
}

TEST_F(FarSourceTest, ItsAnswerIsJudgedAndItsErrorIsOfItsRulesAlone) {
  start_far({asking("own", "u"), far_rule("far")});
  const auto error_of = [&](std::size_t which) { return engine_->status().at(which).last_error; };
  ASSERT_TRUE(comes_true([&] { return far_.waiting() == 1; }));
  far_.answer_all(fail(Errc::kUnavailable, "source far: no connection"));
  EXPECT_TRUE(comes_true([&] { return error_of(1).find("source far: no connection") != std::string::npos; }))
      << error_of(1);
  EXPECT_EQ(error_of(0), "");
  ASSERT_TRUE(comes_true([&] { return far_.waiting() == 1; }));
  far_.answer_all(std::vector<datasource::Series>{{"util", {}, {{clock_.wall(), 99.0}}}});
  EXPECT_TRUE(comes_true([&] { return engine_->status().at(1).state == State::kFiring; }));
}

TEST_F(FarSourceTest, AnEngineThatStopsDoesNotWaitForAnswersAndMayStartAgain) {
  start_far({far_rule("far")});
  ASSERT_TRUE(comes_true([&] { return far_.waiting() == 1; }));
  const auto begin = std::chrono::steady_clock::now();
  engine_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  engine_->start();
  EXPECT_TRUE(comes_true([&] { return far_.waiting() == 2; }));
  engine_.reset();
  far_.answer_all(std::vector<datasource::Series>{});
  start_far({});
}

TEST_F(HeldUpTest, ASlowRuleThatIsQuickAgainIsLookedAtAsOthersAre) {
  start({asking("hang", "hang")});
  ASSERT_TRUE(comes_true([&] { return source_.asked("hang") == 1; }));
  std::this_thread::sleep_for(100ms);
  source_.release();
  EXPECT_TRUE(comes_true([&] { return source_.asked("hang") >= 4; }));
}

}  // namespace
}  // namespace gpuscale::alert
