// SPDX-License-Identifier: Apache-2.0
#include "agent/sampler_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <thread>
#include <utility>

#include "agent/sampler_child.h"

namespace gpuscale::agent {
namespace {

/// Above every descriptor that the child gets, so that none of its own is overwritten on the way.
constexpr int kLeastDescriptor = 10;

int move_up(int descriptor) {
  const int moved = ::fcntl(descriptor, F_DUPFD_CLOEXEC, kLeastDescriptor);
  ::close(descriptor);
  return moved;
}

/// Frees what posix_spawn was told.
struct SpawnPlan {
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
};

int milliseconds_until(MonoTime deadline, MonoTime now) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

}  // namespace

SamplerProcess::SamplerProcess(SamplerProcessOptions options, const Clock& clock, log::Log log)
    : options_(std::move(options)), clock_(clock), log_(std::move(log)) {}

SamplerProcess::~SamplerProcess() {
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));  // the child's word to end
  const auto end_by = [this](Nanos patience) {
    const MonoTime deadline = clock_.mono() + patience;
    while (child_ != 0 && clock_.mono() < deadline) {
      reap();
      if (child_ != 0) std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
  };
  end_by(options_.patience.end_within);
  if (child_ == 0 || is_uninterruptible()) return;
  ::kill(child_, SIGKILL);
  end_by(options_.patience.end_within);
}

Sight SamplerProcess::sight() const {
  const std::scoped_lock lock(mutex_);
  return sight_;
}

std::vector<gpu::Reading> SamplerProcess::sample(MonoTime deadline) {
  reap();
  const MonoTime now = clock_.mono();
  care(now);
  if (child_ == 0) return {};
  if (!facts_.owed_since && !facts_.told_to_end) ask(now);
  return await(deadline);
}

/// Does what child_step.h says is next.
void SamplerProcess::care(MonoTime now) {
  facts_.running = child_ != 0;
  facts_.heartbeat = heartbeat();
  facts_.uninterruptible = facts_.told_to_end && is_uninterruptible();
  if (is_hung(facts_, options_.patience, now)) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(
        now - std::max(*facts_.owed_since, facts_.heartbeat));
    const std::string call = call_under_way(memory_->record());
    fell_ill(FeedState::kHung,
             (call.empty() ? std::string("the sampler process") : "the driver's " + call) +
                 " has not answered for " + std::to_string(seconds.count()) + " s" +
                 (facts_.uninterruptible ? "; the kernel holds the process, a reboot may be needed" : ""));
  }
  switch (next_step(facts_, options_.patience, now)) {
    case ChildStep::kNone:
      return;
    case ChildStep::kStart:
      return start();
    case ChildStep::kTellToEnd:
      ::kill(child_, SIGTERM);
      facts_.told_to_end = now;
      return;
    case ChildStep::kKill:
      ::kill(child_, SIGKILL);
      facts_.killed = true;
      return;
  }
}

Result<pid_t> SamplerProcess::spawn(int socket) {
  SpawnPlan plan;
  posix_spawn_file_actions_adddup2(&plan.actions, socket, kChildSocket);
  posix_spawn_file_actions_adddup2(&plan.actions, memory_->descriptor(), kChildMemory);
  posix_spawn_file_actions_addclosefrom_np(&plan.actions, kChildMemory + 1);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&plan.attributes, &signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  posix_spawnattr_setsigdefault(&plan.attributes, &signals);
  posix_spawnattr_setflags(&plan.attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::vector<char*> arguments;
  for (const std::string& argument : options_.command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));  // posix_spawn does not write there
  }
  arguments.push_back(nullptr);
  pid_t child = 0;
  if (const int error =
          ::posix_spawn(&child, arguments[0], &plan.actions, &plan.attributes, arguments.data(), environ);
      error != 0) {
    return fail(Errc::kUnavailable,
                "cannot start the sampler process " + options_.command[0] + ": " + std::strerror(error));
  }
  return child;
}

void SamplerProcess::start() {
  facts_ = ChildFacts{};
  worked_for_ = Nanos{0};
  started_at_ = clock_.mono();
  told_why_ = false;
  // A fresh record each time: a child that was given up may still hold the old one.
  auto memory = SharedMemory::create();
  std::array<int, 2> ends{-1, -1};
  if (!memory || ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    fell_ill(FeedState::kCrashed,
             memory ? std::string("no socket: ") + std::strerror(errno) : memory.error().message());
    return bury(-1);
  }
  memory_ = *std::move(memory);
  if (socket_ >= 0) ::close(socket_);
  socket_ = move_up(ends[0]);
  const int theirs = move_up(ends[1]);
  const auto child = spawn(theirs);
  ::close(theirs);
  if (!child) {
    fell_ill(FeedState::kCrashed, child.error().message());
    return bury(-1);
  }
  child_ = *child;
  facts_.running = true;
  log_.debug("sampler.started", {{"pid", child_}});
  const std::scoped_lock lock(mutex_);
  sight_.child = child_;
}

void SamplerProcess::ask(MonoTime now) {
  if (::send(socket_, &kAsk, 1, MSG_NOSIGNAL) == 1) facts_.owed_since = now;
}

std::vector<gpu::Reading> SamplerProcess::await(MonoTime deadline) {
  while (true) {
    pollfd source{socket_, POLLIN, 0};
    const int ready = ::poll(&source, 1, milliseconds_until(deadline, clock_.mono()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return {};
    char word = 0;
    if (::read(socket_, &word, 1) == 1) return take_answer();
    // Its end of the socket is closed: it is dying, or dead.
    while (child_ != 0 && clock_.mono() < deadline) {
      reap();
      if (child_ != 0) std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    return {};
  }
}

std::vector<gpu::Reading> SamplerProcess::take_answer() {
  facts_.owed_since.reset();
  auto readings = take(memory_->record());
  if (!readings) {
    told_why_ = true;
    fell_ill(state_of(readings.error().code()), readings.error().message());
    return {};
  }
  worked_for_ = clock_.mono() - started_at_;
  const std::scoped_lock lock(mutex_);
  if (sight_.state != FeedState::kOk && sight_.state != FeedState::kStarting) {
    log_.info("source.works_again", {{"restarts", sight_.restarts}});
  }
  sight_.state = FeedState::kOk;
  sight_.error.clear();
  sight_.readings = *readings;
  sight_.read_at = clock_.mono();
  return *std::move(readings);
}

void SamplerProcess::reap() {
  if (child_ == 0) return;
  int status = 0;
  const pid_t gone = ::waitpid(child_, &status, WNOHANG);
  if (gone == child_ || (gone < 0 && errno == ECHILD)) bury(status);
}

/// The child is gone, or was never there: says so, and when the next one starts.
void SamplerProcess::bury(int status) {
  const bool hung = facts_.told_to_end.has_value();
  if (child_ != 0 && socket_ >= 0 && !hung) {
    // An answer may still lie in the socket: the reason why it ended.
    char word = 0;
    if (::recv(socket_, &word, 1, MSG_DONTWAIT) == 1) (void)take_answer();
    if (!told_why_) {
      const std::string call = call_under_way(memory_->record());
      fell_ill(FeedState::kCrashed,
               "the sampler process " +
                   (WIFSIGNALED(status) ? "was ended by signal " + std::to_string(WTERMSIG(status))
                                        : "ended with exit code " + std::to_string(WEXITSTATUS(status))) +
                   (call.empty() ? "" : " inside the driver's " + call));
    }
  }
  child_ = 0;
  facts_.running = false;
  facts_.owed_since.reset();
  facts_.told_to_end.reset();
  const ChildEnd end{.worked_for = worked_for_,
                     .gave_way = WIFEXITED(status) && WEXITSTATUS(status) == kExitGaveWay,
                     .ends_in_a_row = ends_in_a_row_};
  ends_in_a_row_ = end.has_settled(options_.patience) ? 0 : ends_in_a_row_ + 1;
  facts_.next_start = clock_.mono() + pause_after(end, options_.patience);
  const std::scoped_lock lock(mutex_);
  ++sight_.restarts;
  sight_.child = 0;
}

void SamplerProcess::fell_ill(FeedState state, const std::string& why) {
  const std::scoped_lock lock(mutex_);
  if (sight_.state != state) log_.error("source.failed", {{"state", to_string(state)}, {"error", why}});
  sight_.state = state;
  sight_.error = why;
}

/// In the kernel's words, "D": in a call that no signal ends.
bool SamplerProcess::is_uninterruptible() const {
  if (child_ == 0) return false;
  std::ifstream file("/proc/" + std::to_string(child_) + "/stat");
  std::string stat;
  std::getline(file, stat);
  // The name in parentheses may hold anything; what follows the last of them is the state.
  const std::size_t name_end = stat.rfind(')');
  return name_end != std::string::npos && name_end + 2 < stat.size() && stat[name_end + 2] == 'D';
}

MonoTime SamplerProcess::heartbeat() const {
  if (!memory_) return MonoTime{};
  return MonoTime{Nanos{memory_->record().heartbeat_ns.load(std::memory_order_acquire)}};
}

}  // namespace gpuscale::agent
