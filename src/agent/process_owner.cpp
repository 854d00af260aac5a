// SPDX-License-Identifier: Apache-2.0
#include "agent/process_owner.h"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace gpuscale::agent {
namespace {

constexpr std::size_t kContainerIdDigits = 64;
constexpr std::size_t kShortIdDigits = 12;  // as docker shows it
constexpr std::size_t kUidCharacters = 36;
constexpr std::size_t kMostFileBytes = 64U << 10U;

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/// The first 64 hexadecimal digits in a row, shortened; "" where there are none.
std::string container_id_in(std::string_view path) {
  std::size_t run = 0;
  for (std::size_t i = 0; i <= path.size(); ++i) {
    if (i < path.size() && is_hex(path[i])) {
      ++run;
      continue;
    }
    if (run == kContainerIdDigits) return std::string(path.substr(i - run, kShortIdDigits));
    run = 0;
  }
  return "";
}

/// "pod7f1c..." of cgroupfs, "pod7f1c_..." of systemd, where a uid's dashes are underscores.
std::string pod_uid_in(std::string_view path) {
  constexpr std::string_view kPod = "pod";
  for (std::size_t at = path.find(kPod); at != std::string_view::npos; at = path.find(kPod, at + 1)) {
    std::string uid(path.substr(at + kPod.size(), kUidCharacters));
    std::replace(uid.begin(), uid.end(), '_', '-');
    const bool fits = uid.size() == kUidCharacters &&
                      std::all_of(uid.begin(), uid.end(), [](char c) { return is_hex(c) || c == '-'; });
    if (fits && uid[8] == '-' && uid[13] == '-') return uid;
  }
  return "";
}

std::string digits_after(std::string_view path, std::string_view mark) {
  const std::size_t at = path.find(mark);
  if (at == std::string_view::npos) return "";
  std::size_t end = at + mark.size();
  while (end < path.size() && path[end] >= '0' && path[end] <= '9') ++end;
  return std::string(path.substr(at + mark.size(), end - at - mark.size()));
}

/// The innermost segment that ends in ".service".
std::string unit_in(std::string_view path) {
  constexpr std::string_view kService = ".service";
  while (!path.empty()) {
    const std::size_t slash = path.rfind('/');
    const std::string_view segment = slash == std::string_view::npos ? path : path.substr(slash + 1);
    if (segment.ends_with(kService)) return std::string(segment);
    if (slash == std::string_view::npos) return "";
    path = path.substr(0, slash);
  }
  return "";
}

std::string read_some(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMostFileBytes, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  return text;
}

}  // namespace

ProcessOwner owner_from_cgroup(std::string_view cgroup) {
  const std::string container = container_id_in(cgroup);
  if (std::string uid = pod_uid_in(cgroup); !uid.empty()) return {"pod", std::move(uid), container};
  if (std::string job = digits_after(cgroup, "/job_"); !job.empty()) return {"slurm", std::move(job), ""};
  if (!container.empty()) return {"container", container, container};
  // "0::/system.slice/x.service" or "1:name=systemd:/system.slice/x.service": a line each.
  while (!cgroup.empty()) {
    const std::size_t end = std::min(cgroup.find('\n'), cgroup.size());
    if (std::string unit = unit_in(cgroup.substr(0, end)); !unit.empty())
      return {"unit", std::move(unit), ""};
    cgroup.remove_prefix(std::min(end + 1, cgroup.size()));
  }
  return {};
}

std::string slurm_job_in(std::string_view environ_text) {
  constexpr std::string_view kName = "SLURM_JOB_ID=";
  while (!environ_text.empty()) {
    const std::size_t end = std::min(environ_text.find('\0'), environ_text.size());
    const std::string_view entry = environ_text.substr(0, end);
    if (entry.starts_with(kName)) return digits_after(entry, kName);
    environ_text.remove_prefix(std::min(end + 1, environ_text.size()));
  }
  return "";
}

ProcessOwner owner_of(std::int64_t pid, const std::string& root) {
  const std::string folder = root + "/proc/" + std::to_string(pid);
  ProcessOwner owner = owner_from_cgroup(read_some(folder + "/cgroup"));
  if (!owner.kind.empty() && owner.kind != "unit") return owner;
  if (std::string job = slurm_job_in(read_some(folder + "/environ")); !job.empty()) {
    return {"slurm", std::move(job), ""};
  }
  if (!owner.kind.empty()) return owner;
  std::string command = read_some(folder + "/comm");
  while (command.ends_with('\n')) command.pop_back();
  if (!command.empty()) return {"command", std::move(command), ""};
  return owner;
}

}  // namespace gpuscale::agent
