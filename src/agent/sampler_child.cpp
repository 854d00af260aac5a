// SPDX-License-Identifier: Apache-2.0
#include "agent/sampler_child.h"

#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "agent/idle_pages.h"
#include "agent/shared_record.h"
#include "base/system_clock.h"
#include "gpu/open_source.h"

namespace gpuscale::agent {
namespace {

/// Fast enough for what changes within a second; the driver's own values are no faster than 100 ms.
constexpr int kGlanceMs = 200;

constexpr Nanos kStarted = std::chrono::seconds{4};
constexpr Nanos kIdleAgain = std::chrono::minutes{10};

enum class Wake { kAsked, kIdle, kEnd };

/// SIGTERM waits until nobody is inside the driver; a Ctrl-C is the supervisor's to obey.
int hold_signals() {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &ends, nullptr);
  ::signal(SIGINT, SIG_IGN);
  ::signal(SIGPIPE, SIG_IGN);
  return ::signalfd(-1, &ends, SFD_CLOEXEC);
}

Wake wait_for_word(int signals) {
  std::array<pollfd, 2> sources{{{kChildSocket, POLLIN, 0}, {signals, POLLIN, 0}}};
  const int ready = ::poll(sources.data(), sources.size(), kGlanceMs);
  if (ready < 0) return errno == EINTR ? Wake::kIdle : Wake::kEnd;
  if (sources[1].revents != 0) return Wake::kEnd;
  if (sources[0].revents == 0) return Wake::kIdle;
  char word = 0;
  return ::read(kChildSocket, &word, 1) == 1 && word == kAsk ? Wake::kAsked : Wake::kEnd;
}

bool answer_word() {
  return ::write(kChildSocket, &kAnswer, 1) == 1;
}

}  // namespace

int run_sampler_child(const std::string& source, const Clock& clock, const log::Log& log) {
  const int signals = hold_signals();
  auto memory = SharedMemory::open(kChildMemory);
  if (!memory || signals < 0) return kExitTrySoon;
  SharedRecord& record = (*memory)->record();
  SharedHeartbeat heartbeat(record, clock);
  auto opened = gpu::open_source(source, {.node = "", .watch = &heartbeat}, log);
  if (!opened) {
    publish(record, opened.error());
    (void)answer_word();
    return kExitTrySoon;
  }
  MonoTime release_at = clock.mono() + kStarted;
  while (true) {
    const Wake wake = wait_for_word(signals);
    if (wake == Wake::kEnd) return 0;
    if (clock.mono() >= release_at) {
      release_idle_pages();
      release_at = clock.mono() + kIdleAgain;
    }
    if (wake == Wake::kIdle) {
      (*opened)->glance();
      continue;
    }
    const auto outcome = (*opened)->read(clock.wall());
    publish(record, outcome);
    if (!answer_word() || !outcome) return (*opened)->gave_way() ? kExitGaveWay : kExitTrySoon;
  }
}

int sampler_main(int count, char** arguments) {
  ::prctl(PR_SET_NAME, "gpuscale-sample");
  mallopt(M_ARENA_MAX, 1);
  const std::string source = count > 0 ? arguments[0] : "";
  const auto level = log::parse_level(count > 1 ? arguments[1] : "info");
  const std::string format = count > 2 ? arguments[2] : "text";
  if (source.empty() || !level) {
    std::fprintf(stderr, "gpuscale: %s is started by `gpuscale agent` alone\n", kSamplerWord);
    return 2;
  }
  return run_sampler_child(
      source, base::SystemClock{},
      log::Log::to_stderr(*level, format == "json" ? log::Format::kJson : log::Format::kText));
}

}  // namespace gpuscale::agent
