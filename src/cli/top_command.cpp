// SPDX-License-Identifier: Apache-2.0
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "base/duration.h"
#include "base/system_clock.h"
#include "cli/command.h"
#include "cli/remote.h"
#include "cli/top_view.h"
#include "http/client.h"

namespace gpuscale::cli {
namespace {

struct TopFlags {
  RemoteOptions remote;
  std::string agent;
  std::string database = "gpuscale";
  std::string interval = "1s";
  bool once = false;
  bool processes = false;
};

/// Keys arrive one by one and unseen; the terminal is as it was afterwards.
class RawTerminal {
 public:
  RawTerminal() : on_(::isatty(STDIN_FILENO) == 1 && ::tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!on_) return;
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    std::fwrite(kHideCursor.data(), 1, kHideCursor.size(), stdout);
  }
  ~RawTerminal() {
    if (!on_) return;
    ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    std::fwrite(kShowCursor.data(), 1, kShowCursor.size(), stdout);
    std::fputs("\n", stdout);
  }
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;
  bool on() const { return on_; }

 private:
  termios before_{};
  bool on_;
};

class Looker {
 public:
  explicit Looker(const TopFlags& flags) : flags_(flags), remote_(flags.remote) {}

  Result<TopLook> look() {
    if (!flags_.agent.empty()) return look_at_agent();
    const std::string form =
        "epoch=ns&db=" + http::url_encode(flags_.database) + "&q=" + http::url_encode(looks_.query());
    GS_TRY(const auto answer, remote_.query(form));
    GS_CHECK(check_statements(answer));
    return looks_.take(answer, base::SystemClock{}.wall());
  }

 private:
  static Result<nlohmann::json> body_of(const http::ClientResponse& response, const std::string& where) {
    auto answer = nlohmann::json::parse(response.body, nullptr, false);
    if (response.status == 200 && !answer.is_discarded()) return answer;
    return fail(Errc::kUnavailable, where + " answered with status " + std::to_string(response.status));
  }

  Result<TopLook> look_at_agent() {
    http::ClientRequest request;
    request.url = flags_.agent + "/devices";
    request.ca_file = flags_.remote.ca_file;
    GS_TRY(const http::ClientResponse response, client_.send(request));
    GS_TRY(const auto answer, body_of(response, flags_.agent));
    return look_of_agent(answer);
  }

  const TopFlags& flags_;
  Remote remote_;
  http::Client client_;
  ServerLooks looks_;
};

/// Takes keys until `until`; sooner where one was pressed, so that it shows at once.
void wait_for_keys(TopState& state, std::chrono::steady_clock::time_point until, const Context& context) {
  constexpr std::chrono::milliseconds kLook{100};
  while (!context.stop && std::chrono::steady_clock::now() < until) {
    pollfd keys{STDIN_FILENO, POLLIN, 0};
    if (::poll(&keys, 1, static_cast<int>(kLook.count())) <= 0) continue;
    char key = 0;
    if (::read(STDIN_FILENO, &key, 1) != 1) return;
    press(state, key);
    return;
  }
}

int watch(const TopFlags& flags, Nanos interval, const Context& context) {
  Looker looker(flags);
  const std::string title =
      flags.agent.empty() ? "gpuscale " + flags.remote.server : "gpuscale " + flags.agent;
  TopState state;
  state.uses = flags.processes;
  auto look = looker.look();
  if (!look && flags.once) return report(look.error());
  if (flags.once && flags.remote.json()) {
    std::printf("%s\n", json_of(*look).dump(2).c_str());
    return kExitDone;
  }
  TopLook shown = look ? *look : TopLook{};
  remember(state, shown.devices);
  Screen screen = screen_of(STDOUT_FILENO);
  if (flags.once) {
    screen.height = 2 * shown.devices.size() + shown.uses.size() + 5;
    std::printf("%s\n", render_top(shown, state, title, "", screen).c_str());
    return kExitDone;
  }
  const RawTerminal terminal;
  if (!terminal.on()) {
    return report(fail(Errc::kInvalidArgument, "gpuscale top needs a terminal; without one use --once"));
  }
  auto next = std::chrono::steady_clock::now() + interval;
  while (!context.stop && !state.quit) {
    screen = screen_of(STDOUT_FILENO);
    const std::string trouble = look ? "" : look.error().message();
    const std::string frame = repaint(render_top(shown, state, title, trouble, screen));
    std::fwrite(frame.data(), 1, frame.size(), stdout);
    std::fflush(stdout);
    wait_for_keys(state, next, context);
    if (std::chrono::steady_clock::now() < next) continue;
    next = std::chrono::steady_clock::now() + interval;
    look = looker.look();
    if (!look) continue;
    shown = *look;
    remember(state, shown.devices);
  }
  return kExitDone;
}

}  // namespace

void add_top_command(CLI::App& app, Action& action) {
  auto* command =
      app.add_subcommand("top", "Watch GPUs: of the cluster through the server, or of one node's agent");
  auto flags = std::make_shared<TopFlags>();
  flags->remote.add_to(*command);
  command->add_option("--agent", flags->agent, "one node's agent instead, as http://127.0.0.1:9400");
  command->add_option("--database", flags->database)->capture_default_str();
  command->add_option("--interval", flags->interval, "between two looks")->capture_default_str();
  command->add_flag("--once", flags->once, "print one look and end; needs no terminal");
  command->add_flag("--processes", flags->processes,
                    "below the devices: who uses them (processes of the agent, pods of the server); key t");
  command->callback([&action, flags] {
    action = [flags](const Context& context) {
      while (flags->agent.ends_with('/')) flags->agent.pop_back();
      const auto interval = base::parse_duration(flags->interval);
      if (!interval) return report(interval.error());
      if (*interval < std::chrono::milliseconds{100}) {
        return report(fail(Errc::kInvalidArgument, "--interval must be 100ms or more"));
      }
      if (flags->remote.json() && !flags->once)
        return report(fail(Errc::kInvalidArgument, "--output json is one look: add --once"));
      return watch(*flags, *interval, context);
    };
  });
}

}  // namespace gpuscale::cli
