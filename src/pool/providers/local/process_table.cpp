// SPDX-License-Identifier: Apache-2.0
#include "pool/providers/local/process_table.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>

namespace gpuscale::pool::local {
namespace {

constexpr std::size_t kMaxFileBytes = 1U << 20U;  // environments beyond this are cut; ours stands within

/// The content of a file of /proc; absent where the process has gone or is another user's.
Result<std::optional<std::string>> read_proc(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT || errno == ESRCH || errno == EACCES || errno == EPERM)
      return std::optional<std::string>();
    return fail(Errc::kUnavailable, "cannot read " + path + ": " + std::strerror(errno));
  }
  std::string out;
  char buffer[4096];
  ssize_t got = 0;
  while (out.size() < kMaxFileBytes && (got = read(fd, buffer, sizeof buffer)) > 0) {
    out.append(buffer, static_cast<std::size_t>(got));
  }
  close(fd);
  if (got < 0 && errno != ESRCH && errno != EACCES && errno != EPERM) {
    return fail(Errc::kUnavailable, "cannot read " + path + ": " + std::strerror(errno));
  }
  return std::optional(std::move(out));
}

std::optional<std::string> find_mark(std::string_view environment, std::string_view variable,
                                     std::string_view prefix) {
  const std::string wanted = std::string(variable) + "=" + std::string(prefix);
  for (std::size_t at = 0; at < environment.size();) {
    const std::size_t end = std::min(environment.find('\0', at), environment.size());
    const std::string_view entry = environment.substr(at, end - at);
    if (entry.starts_with(wanted)) return std::string(entry.substr(variable.size() + 1));
    at = end + 1;
  }
  return std::nullopt;
}

struct Stat {
  char state = 'Z';
  pid_t session = 0;
  std::uint64_t start_ticks = 0;
};

/// Fields 3, 6 and 22 of proc(5)'s stat; the command name before them may hold blanks and parentheses.
std::optional<Stat> parse_stat(std::string_view text) {
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos || name_end + 2 >= text.size()) return std::nullopt;
  std::string_view rest = text.substr(name_end + 2);
  Stat out;
  out.state = rest.front();
  for (int field = 3; field <= 22 && !rest.empty(); ++field) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    const std::string_view word = rest.substr(0, end);
    if (field == 6) std::from_chars(word.data(), word.data() + word.size(), out.session);
    if (field == 22) std::from_chars(word.data(), word.data() + word.size(), out.start_ticks);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

bool is_dead(char state) {
  return state == 'Z' || state == 'X' || state == 'x';
}

/// Absent where no process has this pid.
Result<std::optional<Stat>> stat_of(pid_t pid) {
  GS_TRY(const auto text, read_proc("/proc/" + std::to_string(pid) + "/stat"));
  return text ? parse_stat(*text) : std::optional<Stat>();
}

}  // namespace

Result<std::vector<MarkedProcess>> find_marked(std::string_view variable, std::string_view prefix) {
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(opendir("/proc"), closedir);
  if (!proc) return fail(Errc::kUnavailable, std::string("cannot read /proc: ") + std::strerror(errno));
  std::vector<MarkedProcess> out;
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(proc.get());
    if (entry == nullptr) {
      if (errno != 0)
        return fail(Errc::kUnavailable, std::string("cannot read /proc: ") + std::strerror(errno));
      return out;
    }
    const std::string_view name(entry->d_name);
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc() || end != name.data() + name.size()) continue;
    const std::string folder = "/proc/" + std::string(name);
    struct stat owner{};
    if (stat(folder.c_str(), &owner) != 0 || owner.st_uid != geteuid()) continue;
    GS_TRY(const auto environment, read_proc(folder + "/environ"));
    if (!environment) continue;
    auto mark = find_mark(*environment, variable, prefix);
    if (!mark) continue;
    GS_TRY(const auto facts, stat_of(pid));
    if (!facts || is_dead(facts->state)) continue;
    out.push_back({pid, facts->session, facts->start_ticks, *std::move(mark)});
  }
}

Result<bool> is_alive(const MarkedProcess& process) {
  GS_TRY(const auto facts, stat_of(process.pid));
  return facts && !is_dead(facts->state) && facts->start_ticks == process.start_ticks;
}

Result<bool> is_living(pid_t pid) {
  GS_TRY(const auto facts, stat_of(pid));
  return facts && !is_dead(facts->state);
}

}  // namespace gpuscale::pool::local
