// SPDX-License-Identifier: Apache-2.0
#include "pool/providers/local/spawn.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/child_plan.h"

namespace gpuscale::pool::local {
namespace {

constexpr int kLockFd = 3;

}  // namespace

Result<pid_t> spawn(const SpawnRequest& request) {
  base::ChildPlan plan(base::ChildGroup::kOwnSession);
  plan.give(request.lock_fd, kLockFd);
  plan.open(STDIN_FILENO, "/dev/null", O_RDONLY);
  plan.open(STDOUT_FILENO, request.log_file, O_WRONLY | O_CREAT | O_APPEND, 0600);
  plan.give(STDOUT_FILENO, STDERR_FILENO);
  plan.close_from(kLockFd + 1);
  plan.work_in(request.folder);
  pid_t pid = 0;
  const int error = plan.start(request.arguments, request.environment, pid);
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
