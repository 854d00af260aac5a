// SPDX-License-Identifier: Apache-2.0
#include "agent/served_command.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/child_plan.h"
#include "base/name_list.h"

namespace gpuscale::agent {
namespace {

/// Descriptor 3 holds the lock of the node's id, where a provider has given one: it stays held for as long as
/// anything of the node lives. All above are closed.
constexpr int kFirstClosed = 4;
constexpr auto kReapEvery = std::chrono::milliseconds{20};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// A port that is free now. Another program may take it before the command does; the command then ends with
/// an error of its own, and the node is replaced.
Result<std::uint16_t> free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(Errc::kUnavailable, std::string("no socket: ") + std::strerror(errno));
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  const bool bound = ::bind(fd, generic, size) == 0 && ::getsockname(fd, generic, &size) == 0;
  const int error = errno;
  ::close(fd);
  if (!bound) return fail(Errc::kUnavailable, std::string("no free port: ") + std::strerror(error));
  return ntohs(address.sin_port);
}

bool accepts(std::uint16_t port, std::chrono::milliseconds timeout) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  const sockaddr_in address = loopback(port);
  bool connected = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  if (!connected && errno == EINPROGRESS) {
    pollfd waiting{fd, POLLOUT, 0};
    int error = 0;
    socklen_t size = sizeof error;
    connected = ::poll(&waiting, 1, static_cast<int>(timeout.count())) == 1 &&
                ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
  }
  ::close(fd);
  return connected;
}

std::string filled_in(std::string word, const ServedOptions& options, std::uint16_t port) {
  const std::array<std::pair<std::string_view, std::string>, 4> values{
      {{"{port}", std::to_string(port)},
       {"{node}", options.node},
       {"{pool}", options.pool},
       {"{gpus}", base::joined(options.gpus, ",")}}};
  for (const auto& [mark, value] : values) {
    for (std::size_t at = word.find(mark); at != std::string::npos; at = word.find(mark, at + value.size()))
      word.replace(at, mark.size(), value);
  }
  return word;
}

/// Ours without the token; CUDA numbers GPUs as NVML does only if told to.
std::vector<std::string> environment_for(const ServedOptions& options, std::uint16_t port) {
  constexpr std::array<std::string_view, 6> kOurs{
      "GPUSCALE_TOKEN=",      "CUDA_VISIBLE_DEVICES=", "CUDA_DEVICE_ORDER=",
      "HIP_VISIBLE_DEVICES=", "ROCR_VISIBLE_DEVICES=", "PORT="};
  std::vector<std::string> out;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const bool placed = !options.gpus.empty();
    bool ours = false;
    for (const std::string_view name : kOurs) {
      const bool of_place = name != "GPUSCALE_TOKEN=" && name != "PORT=";
      ours = ours || (text.starts_with(name) && (placed || !of_place));
    }
    if (!ours) out.emplace_back(text);
  }
  out.push_back("PORT=" + std::to_string(port));
  if (options.gpus.empty()) return out;
  const std::string gpus = base::joined(options.gpus, ",");
  out.push_back("CUDA_DEVICE_ORDER=PCI_BUS_ID");
  out.push_back("CUDA_VISIBLE_DEVICES=" + gpus);
  out.push_back("HIP_VISIBLE_DEVICES=" + gpus);
  return out;
}

}  // namespace

Result<void> check_ready_word(const std::string& ready) {
  if (ready == "tcp" || ready.starts_with('/')) return {};
  return fail(Errc::kInvalidArgument,
              "ready: \"" + ready + "\" is neither tcp nor a path to be asked, as /health is");
}

Result<std::unique_ptr<ServedCommand>> ServedCommand::start(ServedOptions options, const Clock& clock,
                                                            log::Log log) {
  if (options.command.empty()) return fail(Errc::kInvalidArgument, "no command to serve with");
  GS_CHECK(check_ready_word(options.ready));
  GS_TRY(const std::uint16_t port, free_port());
  std::unique_ptr<ServedCommand> served(new ServedCommand(std::move(options), port, clock, std::move(log)));
  GS_CHECK(served->spawn());
  served->thread_ = std::thread([raw = served.get()] { raw->run(); });
  return served;
}

ServedCommand::ServedCommand(ServedOptions options, std::uint16_t port, const Clock& clock, log::Log log)
    : options_(std::move(options)),
      port_(port),
      clock_(clock),
      log_(std::move(log)),
      answered_(clock.mono()) {}

ServedCommand::~ServedCommand() {
  stop(std::chrono::steady_clock::now());
}

Result<void> ServedCommand::spawn() {
  std::vector<std::string> words;
  for (const std::string& word : options_.command) words.push_back(filled_in(word, options_, port_));
  const auto environment = environment_for(options_, port_);
  base::ChildPlan plan;
  plan.close_from(kFirstClosed);
  const int error = plan.start_by_path(words, environment, pid_);
  if (error == 0) {
    log_.info("command.started", {{"command", words.front()},
                                  {"pid", pid_},
                                  {"port", port_},
                                  {"gpus", base::joined(options_.gpus, ",")}});
    return {};
  }
  pid_ = 0;
  ended_ = true;
  return fail(Errc::kUnavailable, "cannot run " + words.front() + ": " + std::strerror(error));
}

bool ServedCommand::answers() {
  if (options_.ready == "tcp") return accepts(port_, options_.check_timeout);
  http::ClientRequest request;
  request.url = "http://127.0.0.1:" + std::to_string(port_) + options_.ready;
  request.timeout = request.connect_timeout = options_.check_timeout;
  const auto answer = client_.send(request);
  return answer && answer->status >= 200 && answer->status < 300;
}

void ServedCommand::reap() {
  int status = 0;
  if (pid_ == 0 || ::waitpid(pid_, &status, WNOHANG) != pid_) return;
  pid_ = 0;
  status_ = status;
  ended_ = true;
}

void ServedCommand::run() {
  std::unique_lock lock(mutex_);
  MonoTime next_check = clock_.mono();
  while (!stopping_) {
    reap();
    if (ended_) return;
    if (clock_.mono() >= next_check) {
      lock.unlock();
      const bool good = answers();
      lock.lock();
      const MonoTime now = clock_.mono();
      next_check = now + options_.check_every;
      if (good) answered_ = now;
      if (good && !was_ready_) log_.info("command.ready", {{"port", port_}});
      if (!good && answers_now_) log_.warn("command.mute", {{"port", port_}, {"check", options_.ready}});
      was_ready_ = was_ready_ || good;
      answers_now_ = good;
    }
    stop_asked_.wait_for(lock, kReapEvery, [this] { return stopping_; });
  }
}

ServedSight ServedCommand::sight() const {
  const std::scoped_lock lock(mutex_);
  ServedSight sight;
  sight.url = "http://127.0.0.1:" + std::to_string(port_);
  sight.pid = pid_;
  sight.was_ready = was_ready_;
  if (!answers_now_) sight.mute = clock_.mono() - answered_;
  if (ended_) sight.exit_code = WIFSIGNALED(status_) ? -WTERMSIG(status_) : WEXITSTATUS(status_);
  return sight;
}

std::string ServedCommand::how_it_ended() const {
  const int code = sight().exit_code.value_or(0);
  return code < 0 ? "was ended by signal " + std::to_string(-code)
                  : "exited with status " + std::to_string(code);
}

void ServedCommand::stop(std::chrono::steady_clock::time_point deadline) {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  stop_asked_.notify_all();
  if (thread_.joinable()) thread_.join();
  reap();
  if (ended_) return;
  ::kill(pid_, SIGTERM);
  while (!ended_ && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kReapEvery);
    reap();
  }
  if (ended_) return;
  log_.warn("command.killed", {{"pid", pid_}});
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, &status_, 0);
  pid_ = 0;
  ended_ = true;
}

}  // namespace gpuscale::agent
