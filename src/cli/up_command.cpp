// SPDX-License-Identifier: Apache-2.0
/// `gpuscale up`: the server, its pool, its rules and a load, in one process with a live view. With --check
/// it runs the acceptance episode unattended and judges it.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>

#include "base/digest.h"
#include "base/duration.h"
#include "base/system_clock.h"
#include "cli/command.h"
#include "cli/data_folder.h"
#include "cli/demo_config.h"
#include "cli/episode.h"
#include "cli/live_view.h"
#include "cli/remote.h"
#include "cli/server_app.h"
#include "cli/server_memory.h"
#include "config/definitions.h"
#include "http/message.h"
#include "load/generator.h"

namespace gpuscale::cli {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;

constexpr std::string_view kSecretSuffix = "_SECRET";
constexpr std::chrono::milliseconds kLook{500};
constexpr seconds kNodesEnd{20};

struct UpFlags {
  ServeOptions serve;
  LogOptions log;
  std::string pool = "gpu";
  double low_rps = 36;
  double high_rps = 80;
  std::string low_for = "15s";
  std::string high_for = "45s";
  std::string fall_for = "90s";
  bool check = false;
  bool plain = false;
  bool json = false;
};

/// Values for the secrets of the config that the environment does not give: made once, kept in the data
/// folder, so that curl can use them and a restart keeps them.
class DemoSecrets {
 public:
  explicit DemoSecrets(std::string folder) : folder_(std::move(folder)) {}

  std::optional<std::string> value(const std::string& name) const {
    if (const char* given = std::getenv(name.c_str()); given != nullptr) return std::string(given);
    if (!name.ends_with(kSecretSuffix)) return std::nullopt;
    std::string file = name.substr(0, name.size() - kSecretSuffix.size());
    for (char& c : file) c = c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    std::error_code ec;
    std::filesystem::create_directories(folder_, ec);
    const auto secret = lasting_random_file(folder_ + "/" + file + ".secret", 24);
    return secret ? std::optional(secret->reveal()) : std::nullopt;
  }

 private:
  std::string folder_;
};

/// What the view and the judge look at, fetched from the server as any client would.
class Watcher {
 public:
  Watcher(const std::string& server, std::string pool)
      : remote_(options_for(server)), pool_(std::move(pool)) {}

  void look(WallTime now) {
    fetch("/api/v1/status", status_);
    fetch("/api/v1/nodes?pool=" + pool_, nodes_);
    fetch("/api/v1/rules", rules_);
    fetch("/api/v1/activity?limit=30", activity_);
    if (auto seen = observe(status_, nodes_, pool_, now)) {
      // What the rule compares: the nodes' own figures are means over a longer window.
      if (const auto average = average_of(rules_)) seen->average = average;
      observations_.push_back(*seen);
    }
  }

  ViewModel view(WallTime now, const load::Report& report) const {
    ViewModel model = view_model(status_, nodes_, rules_, activity_, pool_, now);
    model.load = report;
    return model;
  }

  Result<std::vector<activity::Entry>> all_activity() {
    GS_TRY(const Json body, remote_.get("/api/v1/activity?limit=10000"));
    return parse_activity(body);
  }

  std::optional<double> threshold() const { return threshold_of(rules_); }
  const std::vector<Observation>& observations() const { return observations_; }
  int ready() const { return observations_.empty() ? 0 : observations_.back().ready; }
  int draining() const { return observations_.empty() ? 0 : observations_.back().draining; }
  int desired() const { return observations_.empty() ? 0 : observations_.back().desired; }

 private:
  static RemoteOptions options_for(const std::string& server) {
    RemoteOptions options;
    options.server = server;
    return options;
  }
  void fetch(const std::string& path, Json& into) {
    if (auto answer = remote_.get(path)) into = std::move(*answer);
  }

  Remote remote_;
  std::string pool_;
  Json status_, nodes_, rules_, activity_;
  std::vector<Observation> observations_;
};

/// Shows the watcher's picture: a live frame on a terminal, else a line every ten seconds.
class Display {
 public:
  Display(bool live, bool quiet) : live_(live), quiet_(quiet) {
    if (live_) std::fputs(std::string(kHideCursor).c_str(), stdout);
  }
  ~Display() {
    if (live_) std::fputs(std::string(kShowCursor).c_str(), stdout);
  }
  Display(const Display&) = delete;
  Display& operator=(const Display&) = delete;

  void show(const Watcher& watcher, WallTime now, const load::Report& report) {
    if (live_) {
      std::fputs(repaint(render(watcher.view(now, report), screen_of(STDOUT_FILENO))).c_str(), stdout);
      std::fflush(stdout);
    } else if (!quiet_ && now - last_ >= seconds{10}) {
      last_ = now;
      std::fprintf(stderr, "%s\n", load::progress_line(report).c_str());
    }
  }

 private:
  bool live_;
  bool quiet_;
  WallTime last_{};
};

/// The three phases of the load.
struct Phases {
  Nanos low;
  Nanos high;
  Nanos fall;
};

class Episodes {
 public:
  Episodes(const UpFlags& flags, Phases phases, ServerApp& app, load::LoadGenerator& load,
           const Context& context)
      : flags_(flags), phases_(phases), load_(load), context_(context), watcher_(app.url(), flags.pool) {}

  /// Round after round of low, high, low, until the signal to stop.
  int run_for_ever() {
    Display display(::isatty(STDOUT_FILENO) != 0 && !flags_.plain, false);
    while (!context_.stop) {
      hold(flags_.low_rps, phases_.low, display);
      hold(flags_.high_rps, phases_.high, display);
      hold(flags_.low_rps, phases_.fall, display);
    }
    return kExitDone;
  }

  int run_check() {
    Display display(false, flags_.json);
    hold(flags_.low_rps, phases_.low, display);
    EpisodeInput input;
    input.load_step_at = clock_.wall();
    hold(flags_.high_rps, phases_.high, display);
    rescue(input, display);
    input.load_fall_at = clock_.wall();
    load_.set_rate(flags_.low_rps);
    // The pool is back once it is small and nothing drains any more; the phase's length is the patience.
    const WallTime until = clock_.wall() + phases_.fall;
    while (!context_.stop && clock_.wall() < until && !(back_at(input.low) && settled())) step(display);
    load_.stop();
    const auto entries = watcher_.all_activity();
    if (!entries) return report(entries.error());
    input.entries = *entries;
    input.observations = watcher_.observations();
    input.load = load_.snapshot();
    input.threshold = watcher_.threshold().value_or(input.threshold);
    const Episode episode = judge_episode(input);
    if (flags_.json) {
      std::printf("%s\n", to_json(episode).dump(2).c_str());
    } else {
      std::fputs(to_text(episode).c_str(), stdout);
    }
    return episode.happened() ? kExitDone : kExitFailed;
  }

 private:
  /// The load falls until a node drains, and comes back before it has gone: the drain must be undone.
  void rescue(EpisodeInput& input, Display& display) {
    input.first_fall_at = clock_.wall();
    if (!hold_until(flags_.low_rps, display, [this] { return watcher_.draining() > 0; })) return;
    input.load_back_at = clock_.wall();
    hold_until(flags_.high_rps, display, [this] { return watcher_.draining() == 0; });
  }

  /// Whether `met` came true within the patience of the last phase.
  template <typename Met>
  bool hold_until(double rps, Display& display, const Met& met) {
    load_.set_rate(rps);
    const WallTime until = clock_.wall() + phases_.fall;
    while (!context_.stop && clock_.wall() < until) {
      step(display);
      if (met()) return true;
    }
    return false;
  }

  bool back_at(int low) const {
    return watcher_.ready() == low && watcher_.desired() == low && watcher_.draining() == 0;
  }

  /// True once the pool has been back for some seconds, so that a flap after it would be seen.
  bool settled() {
    if (!back_since_) back_since_ = clock_.wall();
    return clock_.wall() - *back_since_ > seconds{3};
  }

  void hold(double rps, Nanos duration, Display& display) {
    load_.set_rate(rps);
    const WallTime until = clock_.wall() + duration;
    while (!context_.stop && clock_.wall() < until) step(display);
  }

  void step(Display& display) {
    std::this_thread::sleep_for(kLook);
    const WallTime now = clock_.wall();
    watcher_.look(now);
    display.show(watcher_, now, load_.snapshot());
  }

  const UpFlags& flags_;
  Phases phases_;
  base::SystemClock clock_;
  load::LoadGenerator& load_;
  const Context& context_;
  Watcher watcher_;
  std::optional<WallTime> back_since_;
};

Result<std::unique_ptr<load::LoadGenerator>> start_load(const UpFlags& flags, const std::string& server,
                                                        log::Log log) {
  load::LoadOptions options;
  options.server = server;
  options.pool = flags.pool;
  GS_TRY(options.profile, load::Profile::constant(flags.low_rps));
  options.wait_for_nodes = 2;
  return load::LoadGenerator::start(options, std::move(log));
}

Result<bool> wait_for_nodes(const load::LoadGenerator& load, const std::atomic<bool>& stop) {
  while (!stop && load.snapshot().offered == 0) {
    if (load.finished()) return fail(Errc::kUnavailable, load.snapshot().failure);
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  }
  return !stop;
}

/// The server's log would tear the live view, so it goes to a file beside the data.
Result<log::Log> log_for(const UpFlags& flags, const std::string& folder) {
  GS_TRY(const log::Level level, log::parse_level(flags.log.level));
  std::error_code ec;
  std::filesystem::create_directories(folder, ec);
  return log::Log::to_file(folder + "/server.log", level,
                           flags.log.format == "json" ? log::Format::kJson : log::Format::kText);
}

/// The built-in demo's rules are made as people make them, so that they can be changed in the browser; what
/// somebody made of them in this data folder stays.
Result<void> make_rules(const std::string& server) {
  RemoteOptions options;
  options.server = server;
  Remote remote(options);
  GS_TRY(const Json present, remote.get("/api/v1/rules"));
  if (!present.at("rules").empty()) return {};
  GS_TRY(const config::DefinitionsByName definitions, config::definitions_in(kDemoConfig));
  for (const auto& [key, body] : definitions) {
    if (key.first != config::Kind::kRules) continue;
    GS_CHECK(remote.call(http::Method::kPut, "/api/v1/rules/" + http::url_encode(key.second),
                         {{"definition", body}}));
  }
  return {};
}

Result<int> run_under_load(const UpFlags& flags, const Phases& phases, ServerApp& app, const log::Log& log,
                           const Context& context) {
  if (flags.serve.config_file.empty()) GS_CHECK(make_rules(app.url()));
  GS_TRY(const auto load, start_load(flags, app.url(), log));
  int code = kExitDone;
  GS_TRY(const bool serving, wait_for_nodes(*load, context.stop));
  if (serving) {
    Episodes episodes(flags, phases, app, *load, context);
    code = flags.check ? episodes.run_check() : episodes.run_for_ever();
  }
  load->stop(seconds{2});
  return code;
}

Result<int> up(UpFlags flags, const Context& context) {
  Phases phases{};
  GS_TRY(phases.low, base::parse_duration(flags.low_for));
  GS_TRY(phases.high, base::parse_duration(flags.high_for));
  GS_TRY(phases.fall, base::parse_duration(flags.fall_for));
  const std::string folder = std::filesystem::absolute(flags.serve.data).lexically_normal().string();
  const DemoSecrets secrets(folder);
  flags.serve.data = folder;
  flags.serve.no_auth = true;
  flags.serve.program = context.program;
  flags.serve.environment = [&secrets](const std::string& name) { return secrets.value(name); };
  if (flags.serve.config_file.empty()) {
    GS_TRY(flags.serve.config_text, config::without(kDemoConfig, config::Kind::kRules));
  }
  GS_TRY(const log::Log log, log_for(flags, folder));
  log.info("server.memory", {{"from", choose_server_memory()}});
  GS_TRY(const auto app, ServerApp::start(flags.serve, log));
  if (!flags.json)
    std::fprintf(stderr, "gpuscale serves at %s (open it in a browser), its log is %s/server.log\n",
                 app->url().c_str(), folder.c_str());
  const auto code = run_under_load(flags, phases, *app, log, context);
  // Also after a failure: `up` leaves no nodes behind.
  GS_CHECK(app->shut_down_nodes(kNodesEnd));
  app->stop();
  return code;
}

}  // namespace

void add_up_command(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("up", "Start a server, a pool, its rules and a load, and watch them");
  auto flags = std::make_shared<UpFlags>();
  flags->serve.data = "gpuscale-demo";
  command->add_option("--config", flags->serve.config_file,
                      "default: the built-in demo (examples/demo.yaml)");
  command->add_option("--data", flags->serve.data)->capture_default_str();
  command->add_option("--listen", flags->serve.listen, "HOST:PORT, loopback only")->capture_default_str();
  command->add_option("--pool", flags->pool, "that the load goes to")->capture_default_str();
  command->add_option("--low-rps", flags->low_rps, "requests a second in the quiet phases")
      ->check(CLI::Range(0.1, 100'000.0))
      ->capture_default_str();
  command->add_option("--high-rps", flags->high_rps, "and in the busy one")
      ->check(CLI::Range(0.1, 100'000.0))
      ->capture_default_str();
  command->add_option("--low-for", flags->low_for)->capture_default_str();
  command->add_option("--high-for", flags->high_for)->capture_default_str();
  command
      ->add_option("--fall-for", flags->fall_for,
                   "with --check: the longest wait for the pool to be small again")
      ->capture_default_str();
  command->add_flag("--check", flags->check, "run one episode unattended; exit 0 only if all of it happened");
  command->add_flag("--json", flags->json, "with --check: the verdict as JSON");
  command->add_flag("--plain", flags->plain, "no live view");
  flags->log.add_to(*command);
  command->callback([&action, flags] {
    action = [flags](const Context& context) {
      const auto done = up(*flags, context);
      return done ? *done : report(done.error());
    };
  });
}

}  // namespace gpuscale::cli
