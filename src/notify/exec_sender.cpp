// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "notify/outbox.h"
#include "notify/payloads.h"

namespace gpuscale::notify {
namespace {

using Steady = std::chrono::steady_clock;

constexpr int kTemporaryFailure = 75;  // EX_TEMPFAIL
constexpr int kPollMs = 50;

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() { close(); }
  void close() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }
  int number() const { return number_; }

 private:
  int number_;
};

struct Pipe {
  Descriptor read;
  Descriptor write;
};

Result<Pipe> make_pipe() {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return fail(Errc::kExhausted, std::string("cannot make a pipe: ") + std::strerror(errno));
  }
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

/// In memory: a program that does not read its input holds nobody up.
Result<Descriptor> file_holding(const std::string& content) {
  Descriptor file(::memfd_create("message", MFD_CLOEXEC));
  const auto size = static_cast<ssize_t>(content.size());
  if (file.number() < 0 || ::write(file.number(), content.data(), content.size()) != size ||
      ::lseek(file.number(), 0, SEEK_SET) != 0) {
    return fail(Errc::kExhausted, std::string("cannot hold the message: ") + std::strerror(errno));
  }
  return file;
}

std::vector<std::string> environment_of(const Message& message) {
  std::vector<std::string> out;
  for (const char* name : {"PATH", "LANG"}) {
    if (const char* value = std::getenv(name)) out.push_back(std::string(name) + "=" + value);
  }
  out.push_back("GPUSCALE_STATE=" + message.state);
  out.push_back("GPUSCALE_RULE=" + message.rule);
  out.push_back("GPUSCALE_IDEMPOTENCY_KEY=" + message.idempotency);
  out.push_back("GPUSCALE_CORRELATION=" + message.correlation);
  return out;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

/// A process in a group of its own.
class Program {
 public:
  static Result<Program> start(std::vector<std::string> command, std::vector<std::string> environment,
                               const std::string& input) {
    Program out;
    GS_TRY(const Descriptor in, file_holding(input));
    GS_TRY(Pipe from, make_pipe());
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in.number(), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, from.write.number(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, from.write.number(), STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&attributes, 0);
    const auto arguments = pointers_to(command);
    const auto variables = pointers_to(environment);
    const int error = ::posix_spawnp(&out.pid_, arguments.front(), &actions, &attributes, arguments.data(),
                                     variables.data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) {
      return fail(Errc::kInvalidArgument, "cannot run " + command.front() + ": " + std::strerror(error));
    }
    out.from_ = std::move(from.read);
    ::fcntl(out.from_.number(), F_SETFL, O_NONBLOCK);
    return out;
  }

  /// Reads it and waits for its end. nullopt = it did not end in time, and was killed.
  std::optional<int> run(Steady::time_point deadline, const std::atomic<bool>& stop, std::string& output) {
    while (Steady::now() < deadline && !stop) {
      pollfd waiting{from_.number(), POLLIN, 0};
      ::poll(&waiting, 1, kPollMs);
      read_into(output);
      int status = 0;
      if (::waitpid(pid_, &status, WNOHANG) == pid_) {
        read_into(output);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      }
    }
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    return std::nullopt;
  }

 private:
  void read_into(std::string& output) {
    char buffer[4096];
    for (ssize_t count = 0; (count = ::read(from_.number(), buffer, sizeof buffer)) > 0;) {
      const std::size_t room = kMaxAnswerBytes - std::min(output.size(), kMaxAnswerBytes);
      output.append(buffer, std::min(static_cast<std::size_t>(count), room));
    }
  }

  pid_t pid_ = -1;
  Descriptor from_;
};

class ExecSender final : public Sender {
 public:
  Result<Receipt> send(const ChannelSpec& channel, const Message& message) override {
    const std::string body =
        own_payload(message).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    GS_TRY(Program program, Program::start(channel.command, environment_of(message), body));
    std::string output;
    const auto code = program.run(Steady::now() + channel.timeout, stopped_, output);
    if (!code) {
      if (stopped_) return fail(Errc::kUnavailable, "the server stops");
      return fail(Errc::kTimeout, channel.command.front() + " did not end within " +
                                      std::to_string(channel.timeout.count()) + " ms and was killed");
    }
    const int status = *code == 0 ? 200 : *code == kTemporaryFailure ? 503 : 400;
    return Receipt{status, "exit code " + std::to_string(*code) + (output.empty() ? "" : ": " + output),
                   std::nullopt};
  }
  void stop() override { stopped_ = true; }

 private:
  std::atomic<bool> stopped_{false};
};

}  // namespace

std::shared_ptr<Sender> make_exec_sender() {
  return std::make_shared<ExecSender>();
}

}  // namespace gpuscale::notify
