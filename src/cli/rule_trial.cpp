// SPDX-License-Identifier: Apache-2.0
#include "cli/rule_trial.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "activity/ledger.h"
#include "alert/engine.h"
#include "base/duration.h"
#include "datasource/embedded_source.h"
#include "db/database.h"
#include "influxql/engine.h"
#include "metrics/line_protocol.h"
#include "metrics/telemetry.h"
#include "tsdb/store.h"

namespace gpuscale::cli {
namespace {

/// Round in every unit up to a day, so that buckets begin with the samples.
constexpr WallTime kTrialStart{std::chrono::hours{24 * 20'000}};

/// Of one rule between two expectations; a test that lists more is none.
constexpr std::size_t kMostKeptMessages = 10'000;

/// Shows what it is told.
class SteppedClock final : public Clock {
 public:
  explicit SteppedClock(WallTime start) : now_(start) {}
  WallTime wall() const override { return now_; }
  MonoTime mono() const override { return MonoTime{now_.time_since_epoch()}; }
  void go_to(WallTime now) { now_ = now; }

 private:
  WallTime now_;
};

std::string number_text(double value) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return {buffer, end};
}

/// A store, the engine over it, and what the engine told.
struct Trial {
  static Result<std::unique_ptr<Trial>> open(const std::vector<alert::RuleSpec>& rules,
                                             const config::RuleTest& test) {
    auto trial = std::make_unique<Trial>();
    GS_TRY(trial->database, db::Database::open(""));
    GS_TRY(trial->ledger, activity::Ledger::open(*trial->database));
    GS_TRY(trial->store,
           tsdb::Store::open({.path = ":memory:", .limits = {}}, trial->clock, log::Log::silent()));
    GS_CHECK(trial->store->create_database(metrics::kDefaultDatabase, std::nullopt));
    trial->queries = std::make_unique<influxql::Engine>(*trial->store);
    trial->source =
        std::make_unique<datasource::EmbeddedSource>(*trial->queries, std::string(metrics::kDefaultDatabase));
    alert::EngineOptions options;
    options.facts = [facts = test.facts](const std::string&) { return facts; };
    GS_TRY(trial->engine,
           alert::Engine::open(
               *trial->database, *trial->ledger, *trial->source, trial->clock, log::Log::silent(),
               [&told = trial->told,
                &messages = trial->messages](const alert::Notification& notification) -> Result<void> {
                 if (notification.channels.empty()) return {};
                 if (notification.state == alert::State::kFiring) ++told[notification.rule];
                 if (auto& kept = messages[notification.rule]; kept.size() < kMostKeptMessages)
                   kept.push_back(notification);
                 return {};
               },
               std::move(options)));
    std::vector<alert::RuleSpec> audible = rules;
    // Samples can stand for our own store alone.
    std::erase_if(audible, [](const alert::RuleSpec& rule) { return !rule.sources.empty(); });
    for (alert::RuleSpec& rule : audible) {
      // A rule that tells nobody would be counted as silent.
      if (rule.notify.empty()) rule.notify = {"test"};
    }
    GS_CHECK(trial->engine->set_rules(std::move(audible)));
    return trial;
  }

  /// The samples whose time has come since the last call.
  Result<void> write_until(const config::RuleTest& test, WallTime now) {
    std::string lines;
    for (; kTrialStart + next_sample * test.interval <= now; ++next_sample) {
      const auto index = static_cast<std::size_t>(next_sample);
      const std::string time = std::to_string(base::to_unix_nanos(kTrialStart + next_sample * test.interval));
      for (const config::SampleTrack& track : test.samples) {
        if (index >= track.values.size() || !track.values[index]) continue;
        lines +=
            track.series + " " + track.field + "=" + number_text(*track.values[index]) + " " + time + "\n";
      }
    }
    if (lines.empty()) return {};
    const auto parsed = metrics::parse_lines(lines, metrics::Precision::kNanos, base::to_unix_nanos(now));
    if (!parsed.errors.empty()) return fail(Errc::kInvalidArgument, "samples: " + parsed.errors.front());
    GS_TRY(const auto outcome, store->write(metrics::kDefaultDatabase, "", parsed.points));
    if (outcome.dropped > 0) return fail(Errc::kInvalidArgument, "samples: " + outcome.first_reason);
    return {};
  }

  SteppedClock clock{kTrialStart};
  std::unique_ptr<db::Database> database;
  std::unique_ptr<activity::Ledger> ledger;
  std::unique_ptr<tsdb::Store> store;
  std::unique_ptr<influxql::Engine> queries;
  std::unique_ptr<datasource::EmbeddedSource> source;
  std::map<std::string, std::uint64_t> told;
  std::map<std::string, std::vector<alert::Notification>> messages;  ///< not looked at yet
  std::unique_ptr<alert::Engine> engine;
  std::int64_t next_sample = 0;
};

/// As messages name it.
std::string state_told(alert::State state) {
  return state == alert::State::kInactive ? "ok" : std::string(to_string(state));
}

void compare_text(const std::string& where, const std::string& what,
                  const std::optional<std::string>& expected, const std::string& seen,
                  std::vector<std::string>& wrong) {
  if (expected && *expected != seen)
    wrong.push_back(where + what + " is \"" + seen + "\", expected \"" + *expected + "\"");
}

void compare_texts(const std::string& where, const std::string& what, const alert::Texts& expected,
                   const alert::Texts& seen, std::vector<std::string>& wrong) {
  for (const auto& [key, text] : expected) {
    const auto found = seen.find(key);
    if (found == seen.end()) {
      wrong.push_back(where + what + "." + key + " is not there, expected \"" + text + "\"");
    } else {
      compare_text(where, what + "." + key, text, found->second, wrong);
    }
  }
}

void compare_messages(const std::string& where, const std::vector<config::ExpectedMessage>& expected,
                      const std::vector<alert::Notification>& told, std::vector<std::string>& wrong) {
  if (told.size() != expected.size()) {
    std::string titles;
    for (const alert::Notification& each : told) titles += (titles.empty() ? "" : ", ") + each.title;
    wrong.push_back(where + "has told " + std::to_string(told.size()) + " messages (" + titles +
                    "), expected " + std::to_string(expected.size()));
    return;
  }
  for (std::size_t i = 0; i < told.size(); ++i) {
    const std::string which = where + "message " + std::to_string(i + 1) + ": ";
    compare_text(which, "state", expected[i].state, state_told(told[i].state), wrong);
    compare_text(which, "title", expected[i].title, told[i].title, wrong);
    compare_text(which, "text", expected[i].text, told[i].text, wrong);
    compare_text(which, "message", expected[i].message, told[i].message, wrong);
    compare_texts(which, "labels", expected[i].labels, told[i].labels, wrong);
    compare_texts(which, "annotations", expected[i].annotations, told[i].annotations, wrong);
  }
}

void compare(Trial& trial, const config::Expectation& expected, std::vector<std::string>& wrong) {
  const std::string where = "line " + std::to_string(expected.line) + ": at " +
                            base::format_duration(expected.at) + " rule \"" + expected.rule + "\" ";
  const auto all = trial.engine->status();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.spec.name == expected.rule; });
  if (found == all.end()) {
    wrong.push_back(where +
                    "does not exist, or asks other sources than samples can stand for (see rule backtest)");
    return;
  }
  const std::string state(to_string(found->state));
  if (!expected.state.empty() && state != expected.state) {
    wrong.push_back(where + "is " + state + ", expected " + expected.state + " (" + found->explanation + ")");
  }
  const std::uint64_t told = trial.told[expected.rule];
  if (expected.told && told != *expected.told) {
    wrong.push_back(where + "has told " + std::to_string(told) + " times that it fires, expected " +
                    std::to_string(*expected.told));
  }
  if (expected.messages)
    compare_messages(where, *expected.messages, std::exchange(trial.messages[expected.rule], {}), wrong);
}

}  // namespace

Result<std::vector<std::string>> run_rule_test(const std::vector<alert::RuleSpec>& rules,
                                               const config::RuleTest& test) {
  GS_TRY(const std::unique_ptr<Trial> trial, Trial::open(rules, test));
  std::vector<config::Expectation> expect = test.expect;
  std::stable_sort(expect.begin(), expect.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  Nanos step = std::chrono::seconds{1};
  for (const alert::RuleSpec& rule : rules) step = std::min(step, rule.every);
  std::vector<std::string> wrong;
  auto next = expect.begin();
  for (WallTime now = kTrialStart; next != expect.end(); now += step) {
    trial->clock.go_to(now);
    GS_CHECK(trial->write_until(test, now));
    trial->engine->tick(now);
    for (; next != expect.end() && kTrialStart + next->at < now + step; ++next) compare(*trial, *next, wrong);
  }
  return wrong;
}

Result<Backtest> backtest(const alert::RuleSpec& rule, datasource::DataSource& source, WallTime from,
                          WallTime to, const alert::Facts& facts,
                          const std::function<bool(WallTime)>& go_on) {
  GS_TRY(const auto database, db::Database::open(""));
  GS_TRY(const auto ledger, activity::Ledger::open(*database));
  SteppedClock clock(from);
  Backtest out;
  std::map<std::string, std::size_t> open;  // by labels: the episode that goes on
  alert::EngineOptions options;
  options.facts = [facts](const std::string&) { return facts; };
  const auto sink = [&](const alert::Notification& told) -> Result<void> {
    if (told.channels.empty()) return {};
    const std::string labels = alert::labels_text(told.instance);
    const auto running = open.find(labels);
    if (told.state == alert::State::kFiring) {
      if (running == open.end()) {
        open.emplace(labels, out.episodes.size());
        out.episodes.push_back({labels, told.at, std::nullopt, 1, told.text});
      } else {
        ++out.episodes[running->second].told;
      }
    } else if (running != open.end()) {
      out.episodes[running->second].to = told.at;
      open.erase(running);
    }
    return {};
  };
  GS_TRY(const auto engine, alert::Engine::open(*database, *ledger, source, clock, log::Log::silent(), sink,
                                                std::move(options)));
  alert::RuleSpec audible = rule;
  audible.notify = {"backtest"};
  audible.paused = false;
  GS_CHECK(engine->set_rules({audible}));
  for (WallTime now = from; now <= to && go_on(now); now += rule.every) {
    clock.go_to(now);
    engine->tick(now);
    ++out.looks;
    const alert::RuleStatus status = engine->status().front();
    if (!status.last_error.empty()) {
      ++out.failed;
      if (out.first_error.empty()) out.first_error = status.last_error;
    } else if (status.state == alert::State::kNoData) {
      ++out.blind;
    }
  }
  return out;
}

}  // namespace gpuscale::cli
