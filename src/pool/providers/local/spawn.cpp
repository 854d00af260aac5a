// SPDX-License-Identifier: Apache-2.0
#include "pool/providers/local/spawn.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>

namespace gpuscale::pool::local {
namespace {

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  // execve(2) takes char* for history's sake and changes nothing.
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

struct FileActions {
  posix_spawn_file_actions_t value;
  FileActions() { posix_spawn_file_actions_init(&value); }
  ~FileActions() { posix_spawn_file_actions_destroy(&value); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
};

struct Attributes {
  posix_spawnattr_t value;
  Attributes() { posix_spawnattr_init(&value); }
  ~Attributes() { posix_spawnattr_destroy(&value); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
};

constexpr int kLockFd = 3;

}  // namespace

Result<pid_t> spawn(const SpawnRequest& request) {
  FileActions files;
  posix_spawn_file_actions_adddup2(&files.value, request.lock_fd, kLockFd);
  posix_spawn_file_actions_addopen(&files.value, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files.value, STDOUT_FILENO, request.log_file.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&files.value, STDOUT_FILENO, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&files.value, kLockFd + 1);
  posix_spawn_file_actions_addchdir_np(&files.value, request.folder.c_str());

  Attributes attributes;
  sigset_t none;
  sigemptyset(&none);
  sigset_t all;
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes.value, &none);
  posix_spawnattr_setsigdefault(&attributes.value, &all);
  posix_spawnattr_setflags(&attributes.value,
                           POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  const auto arguments = pointers_to(request.arguments);
  const auto environment = pointers_to(request.environment);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, request.arguments.front().c_str(), &files.value, &attributes.value,
                                arguments.data(), environment.data());
  if (error == 0) return pid;
  const bool exhausted = error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE;
  return fail(exhausted ? Errc::kExhausted : Errc::kUnavailable,
              "cannot start " + request.arguments.front() + ": " + std::strerror(error));
}

std::vector<std::string> inherited_environment() {
  std::vector<std::string> out;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with("GPUSCALE_")) out.emplace_back(*entry);
  }
  return out;
}

Result<int> try_lock(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return fail(Errc::kUnavailable, "cannot open " + path + ": " + std::strerror(errno));
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  const int error = errno;
  close(fd);
  if (error == EWOULDBLOCK) return -1;
  return fail(Errc::kUnavailable, "cannot lock " + path + ": " + std::strerror(error));
}

}  // namespace gpuscale::pool::local
