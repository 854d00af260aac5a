// SPDX-License-Identifier: Apache-2.0
#include "base/run_program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/child_plan.h"

namespace gpuscale::base {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t kErrorsKept = 4'096;
/// A program that has ended may have left a child with its output; that child has this long to close it.
constexpr std::chrono::milliseconds kAfterEnd{200};
constexpr std::chrono::milliseconds kLook{20};

class Pipe {
 public:
  Pipe() = default;
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  bool open() { return pipe2(ends_.data(), O_CLOEXEC) == 0; }
  int end(std::size_t which) const { return ends_[which]; }
  void close_end(std::size_t which) {
    if (ends_[which] >= 0) ::close(ends_[which]);
    ends_[which] = -1;
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

/// One program while it runs.
class Running {
 public:
  explicit Running(const ProgramRun& run) : run_(run), deadline_(Steady::now() + run.timeout) {}
  ~Running() {
    if (pid_ <= 0 || (reaped_ && run_.spare_children)) return;
    kill(-pid_, SIGKILL);
    if (!reaped_) waitpid(pid_, nullptr, 0);
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  Result<ProgramEnd> finish() {
    GS_CHECK(start());
    for (;;) {
      if (!reaped_) reap();
      if (reaped_ && (both_closed() || Steady::now() >= grace_)) return std::move(end_);
      if (Steady::now() >= deadline_) {
        return fail(Errc::kTimeout, run_.arguments.front() + " has not ended within " +
                                        std::to_string(run_.timeout.count()) + " ms and has been killed");
      }
      if (run_.stop != nullptr && *run_.stop)
        return fail(Errc::kUnavailable, run_.arguments.front() + " was stopped");
      GS_CHECK(exchange());
    }
  }

 private:
  bool both_closed() const { return out_.end(0) < 0 && err_.end(0) < 0; }

  Result<void> start() {
    if (!in_.open() || !out_.open() || !err_.open())
      return fail(Errc::kExhausted, std::string("no pipe for a program: ") + std::strerror(errno));
    base::ChildPlan plan(base::ChildGroup::kOwn);
    plan.give(in_.end(0), STDIN_FILENO);
    plan.give(out_.end(1), STDOUT_FILENO);
    plan.give(err_.end(1), STDERR_FILENO);
    plan.close_from(STDERR_FILENO + 1);
    const int error = run_.by_path ? plan.start_by_path(run_.arguments, run_.environment, pid_)
                                   : plan.start(run_.arguments, run_.environment, pid_);
    if (error != 0) {
      pid_ = 0;
      return fail(error == EAGAIN || error == ENOMEM ? Errc::kExhausted : Errc::kInvalidArgument,
                  "cannot run " + run_.arguments.front() + ": " + std::strerror(error));
    }
    in_.close_end(0);
    out_.close_end(1);
    err_.close_end(1);
    for (const int fd : {in_.end(1), out_.end(0), err_.end(0)}) fcntl(fd, F_SETFL, O_NONBLOCK);
    return {};
  }

  void reap() {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) != pid_) return;
    reaped_ = true;
    grace_ = Steady::now() + kAfterEnd;
    end_.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

  /// Moves what can be moved within a short look.
  Result<void> exchange() {
    if (given_ == run_.input.size()) in_.close_end(1);
    std::array<pollfd, 3> wait{
        {{in_.end(1), POLLOUT, 0}, {out_.end(0), POLLIN, 0}, {err_.end(0), POLLIN, 0}}};
    // A descriptor below 0 is passed over; poll(2) then only sleeps.
    poll(wait.data(), wait.size(), static_cast<int>(kLook.count()));
    if (wait[0].revents != 0) give();
    if (wait[1].revents != 0) {
      take(out_, end_.output);
      if (end_.output.size() > run_.max_output && run_.cut_output) end_.output.resize(run_.max_output);
      if (end_.output.size() > run_.max_output) {
        return fail(Errc::kExhausted, run_.arguments.front() + " printed more than " +
                                          std::to_string(run_.max_output) + " bytes and has been killed");
      }
    }
    if (wait[2].revents != 0) {
      take(err_, end_.errors);
      if (end_.errors.size() > kErrorsKept) end_.errors.erase(0, end_.errors.size() - kErrorsKept);
    }
    return {};
  }

  void give() {
    // A program that reads nothing is none of our trouble: the signal of its closed pipe is kept from us.
    sigset_t broken_pipe;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    sigset_t before;
    pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
    const auto wrote = write(in_.end(1), run_.input.data() + given_, run_.input.size() - given_);
    const int error = errno;
    if (wrote < 0 && error == EPIPE) {
      const timespec at_once{};
      sigtimedwait(&broken_pipe, nullptr, &at_once);
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (wrote > 0) given_ += static_cast<std::size_t>(wrote);
    if (wrote < 0 && error != EAGAIN && error != EINTR) given_ = run_.input.size();
  }

  static void take(Pipe& pipe, std::string& into) {
    std::array<char, 16'384> buffer;
    const auto got = read(pipe.end(0), buffer.data(), buffer.size());
    if (got > 0) into.append(buffer.data(), static_cast<std::size_t>(got));
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) pipe.close_end(0);
  }

  const ProgramRun& run_;
  Steady::time_point deadline_;
  Steady::time_point grace_;
  Pipe in_;
  Pipe out_;
  Pipe err_;
  pid_t pid_ = 0;
  bool reaped_ = false;
  std::size_t given_ = 0;
  ProgramEnd end_;
};

}  // namespace

Result<ProgramEnd> run_program(const ProgramRun& run) {
  return Running(run).finish();
}

}  // namespace gpuscale::base
