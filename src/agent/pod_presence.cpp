// SPDX-License-Identifier: Apache-2.0
#include "agent/pod_presence.h"

#include <algorithm>
#include <filesystem>

namespace gpuscale::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostFolders = 4096;

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

}  // namespace

std::map<std::string, PodName> pods_by_uid(const std::string& root) {
  std::map<std::string, PodName> pods;
  std::error_code error;
  fs::directory_iterator folder(root + "/var/log/pods", error);
  for (const fs::directory_iterator end; !error && folder != end && pods.size() < kMostFolders;
       folder.increment(error)) {
    const std::string name = folder->path().filename().string();
    const std::size_t first = name.find('_');
    const std::size_t last = name.rfind('_');
    if (first == std::string::npos || first == last) continue;
    pods[name.substr(last + 1)] = {name.substr(0, first), name.substr(first + 1, last - first - 1)};
  }
  return pods;
}

std::optional<bool> pod_runs(const std::string& uid, const std::string& root) {
  std::string unit_uid = uid;
  std::replace(unit_uid.begin(), unit_uid.end(), '-', '_');
  bool seen = false;
  for (const char* hierarchy : {"/sys/fs/cgroup", "/sys/fs/cgroup/memory"}) {
    if (const std::string top = root + hierarchy + "/kubepods.slice"; exists(top)) {
      seen = true;
      if (exists(top + "/kubepods-pod" + unit_uid + ".slice")) return true;
      for (const std::string quality : {"burstable", "besteffort"}) {
        const std::string slice = "kubepods-" + quality;
        if (exists(top + "/" + slice + ".slice/" + slice + "-pod" + unit_uid + ".slice")) return true;
      }
    }
    if (const std::string top = root + hierarchy + "/kubepods"; exists(top)) {
      seen = true;
      for (const char* quality : {"", "/burstable", "/besteffort"}) {
        if (exists(top + quality + "/pod" + uid)) return true;
      }
    }
  }
  return seen ? std::optional<bool>(false) : std::nullopt;
}

}  // namespace gpuscale::agent
