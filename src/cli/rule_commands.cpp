// SPDX-License-Identifier: Apache-2.0
/// `gpuscale rule test`, `rule backtest`, `rule silence`, `rule unsilence`: what is done with rules besides
/// listing them.
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "base/counted.h"
#include "base/duration.h"
#include "base/rfc3339.h"
#include "base/system_clock.h"
#include "cli/command.h"
#include "cli/remote.h"
#include "cli/rule_trial.h"
#include "cli/table.h"
#include "datasource/embedded_source.h"
#include "datasource/influxdb_answer.h"
#include "datasource/source_set.h"
#include "http/message.h"

namespace gpuscale::cli {
namespace {

using Json = nlohmann::json;

int test_files(const std::vector<std::string>& files) {
  int failed = 0;
  int passed = 0;
  for (const std::string& file : files) {
    const auto tests = config::load_rule_tests(file, config::process_environment());
    if (!tests) return report(tests.error());
    for (const config::RuleTest& test : tests->tests) {
      const auto wrong = run_rule_test(tests->rules, test);
      if (!wrong) return report(wrong.error().with_context(file + ": " + test.name));
      const bool good = wrong->empty();
      ++(good ? passed : failed);
      std::printf("%s  %s: %s\n", good ? "ok  " : "FAIL", file.c_str(), test.name.c_str());
      for (const std::string& line : *wrong) std::printf("      %s: %s\n", file.c_str(), line.c_str());
    }
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? kExitDone : kExitFailed;
}

/// A server's store by its /query endpoint.
class RemoteSource final : public datasource::DataSource {
 public:
  explicit RemoteSource(Remote& remote) : remote_(remote) {}

  Result<std::vector<datasource::Series>> query(const datasource::Query& query) override {
    GS_TRY(const Json answer,
           remote_.get("/query?db=gpuscale&epoch=ns&q=" + http::url_encode(datasource::fill_in(query))));
    return datasource::series_of_influxdb(answer);
  }

 private:
  Remote& remote_;
};

struct BacktestOptions {
  RemoteOptions remote;
  std::string file;
  std::string rule;
  std::string from;
  std::string to;
};

/// "2026-11-26T08:00:00Z", or how long ago: "6h".
Result<WallTime> parse_moment(const std::string& text, WallTime now) {
  if (const auto ago = base::parse_duration(text)) return now - *ago;
  auto time = base::parse_rfc3339(text);
  if (time) return time;
  return fail(Errc::kInvalidArgument, "\"" + text + "\" is neither a time (RFC 3339) nor how long ago (6h)");
}

void print_backtest(const BacktestOptions& options, const Backtest& seen) {
  if (options.remote.json()) {
    Json episodes = Json::array();
    for (const PastEpisode& each : seen.episodes) {
      episodes.push_back({{"labels", each.labels},
                          {"from", base::format_rfc3339(each.from)},
                          {"to", each.to ? Json(base::format_rfc3339(*each.to)) : Json()},
                          {"messages", each.told},
                          {"because", each.because}});
    }
    std::printf("%s\n", Json{{"episodes", episodes},
                             {"looks", seen.looks},
                             {"without_data", seen.blind},
                             {"failed", seen.failed}}
                            .dump(2)
                            .c_str());
    return;
  }
  for (const PastEpisode& each : seen.episodes) {
    std::printf("%s  %-12s  %s  %s%s\n", cell_of(base::format_rfc3339(each.from)).c_str(),
                each.to ? base::format_passed(*each.to - each.from).c_str() : "goes on",
                base::counted(each.told, "message").c_str(), each.labels.c_str(),
                (" " + each.because).c_str());
  }
  std::printf("%s in %llu looks; %llu without data, %llu failed%s\n",
              base::counted(seen.episodes.size(), "episode").c_str(),
              static_cast<unsigned long long>(seen.looks), static_cast<unsigned long long>(seen.blind),
              static_cast<unsigned long long>(seen.failed),
              seen.first_error.empty() ? "" : (": " + seen.first_error).c_str());
}

int run_backtest(const BacktestOptions& options, const std::atomic<bool>& stop) {
  const auto config = config::load(options.file);
  if (!config) return report(config.error());
  const alert::RuleSpec* rule = nullptr;
  std::string known;
  for (const alert::RuleSpec& each : config->rules) {
    if (each.name == options.rule) rule = &each;
    known += (known.empty() ? "" : ", ") + each.name;
  }
  if (rule == nullptr) {
    return report(fail(Errc::kInvalidArgument,
                       "no rule \"" + options.rule + "\" in " + options.file + "; known: " + known));
  }
  const WallTime now = base::SystemClock().wall();
  const auto from = parse_moment(options.from, now);
  const auto to = parse_moment(options.to, now);
  if (!from) return report(from.error());
  if (!to) return report(to.error());
  if (*to < *from) {
    return report(
        fail(Errc::kInvalidArgument, "--from " + options.from + " is later than --to " + options.to +
                                         "; a time that is no date says how long ago: --from 2h --to 1h"));
  }
  Remote remote(options.remote);
  RemoteSource source(remote);
  const bool show = isatty(STDERR_FILENO) == 1;
  const auto go_on = [&](WallTime at) {
    if (show && (at - *from) / rule->every % 100 == 0)
      std::fprintf(stderr, "\r%s", base::format_rfc3339(at).c_str());
    return !stop;
  };
  const base::SystemClock clock;
  datasource::SourceSet sources(source, config->sources, clock);
  const auto seen = backtest(*rule, sources, *from, *to, {}, go_on);
  if (show) std::fputs("\r\033[K", stderr);
  if (!seen) return report(seen.error());
  print_backtest(options, *seen);
  return seen->failed == 0 ? kExitDone : kExitFailed;
}

void add_silence(CLI::App& rule, Action& action) {
  auto* command = rule.add_subcommand("silence", "Keep a rule from telling for a while; its states go on");
  struct Options {
    RemoteOptions remote;
    std::string rule;
    std::string span = "1h";
    std::string comment;
  };
  auto options = std::make_shared<Options>();
  options->remote.add_to(*command);
  command->add_option("RULE", options->rule)->required();
  command->add_option("--for", options->span, "how long")->capture_default_str();
  command->add_option("--comment", options->comment, "why");
  command->callback([&action, options] {
    action = [options](const Context&) {
      const auto answer =
          Remote(options->remote)
              .call(http::Method::kPost, "/api/v1/silences",
                    {{"rule", options->rule}, {"for", options->span}, {"comment", options->comment}});
      if (!answer) return report(answer.error());
      std::printf("%s: %s is silent until %s\n", cell_of(answer->value("id", Json())).c_str(),
                  options->rule.c_str(), cell_of(answer->value("until", Json())).c_str());
      return kExitDone;
    };
  });
}

void add_unsilence(CLI::App& rule, Action& action) {
  auto* command = rule.add_subcommand("unsilence", "End a silence before its time");
  struct Options {
    RemoteOptions remote;
    std::string id;
  };
  auto options = std::make_shared<Options>();
  options->remote.add_to(*command);
  command->add_option("ID", options->id, "as `rule silences` lists it")->required();
  command->callback([&action, options] {
    action = [options](const Context&) {
      const auto answer =
          Remote(options->remote)
              .call(http::Method::kDelete, "/api/v1/silences/" + http::url_encode(options->id), nullptr);
      if (!answer) return report(answer.error());
      std::printf("%s: ended\n", options->id.c_str());
      return kExitDone;
    };
  });
}

}  // namespace

void add_rule_trials(CLI::App& rule, Action& action) {
  auto* test =
      rule.add_subcommand("test", "Run tests of rules: samples in, expected states and messages out");
  auto files = std::make_shared<std::vector<std::string>>();
  test->add_option("FILE", *files, "YAML, see docs/alerting.md")->required();
  test->callback([&action, files] { action = [files](const Context&) { return test_files(*files); }; });

  auto* back = rule.add_subcommand("backtest", "Run a rule over what a server has stored");
  auto options = std::make_shared<BacktestOptions>();
  options->remote.add_to(*back);
  back->add_option("FILE", options->file, "the configuration that has the rule")->required();
  back->add_option("RULE", options->rule, "its name")->required();
  options->from = "1h";
  options->to = "0s";
  back->add_option("--from", options->from, "RFC 3339, or how long ago")->capture_default_str();
  back->add_option("--to", options->to, "RFC 3339, or how long ago")->capture_default_str();
  back->callback([&action, options] {
    action = [options](const Context& context) { return run_backtest(*options, context.stop); };
  });
  add_silence(rule, action);
  add_unsilence(rule, action);
}

}  // namespace gpuscale::cli
