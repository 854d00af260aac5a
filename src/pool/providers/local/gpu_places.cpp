// SPDX-License-Identifier: Apache-2.0
#include "pool/providers/local/gpu_places.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "pool/providers/local/spawn.h"

namespace gpuscale::pool::local {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPlacesFile = "gpus";

/// One placing at a time on this machine; held for milliseconds.
class PlacingLock {
 public:
  static Result<PlacingLock> take(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ::flock(fd, LOCK_EX) != 0) {
      const int error = errno;
      if (fd >= 0) ::close(fd);
      return fail(Errc::kUnavailable, "cannot lock " + path + ": " + std::strerror(error));
    }
    return PlacingLock(fd);
  }
  PlacingLock(PlacingLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~PlacingLock() {
    if (fd_ >= 0) ::close(fd_);
  }

 private:
  explicit PlacingLock(int fd) : fd_(fd) {}
  int fd_;
};

std::vector<std::string> lines_of(const fs::path& path) {
  std::vector<std::string> out;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) out.push_back(line);
  return out;
}

/// GPU -> the node that has it. Places of nodes that have ended are forgotten on the way.
Result<std::map<std::string, std::string>> taken_places(const PlaceRequest& request) {
  std::map<std::string, std::string> out;
  std::error_code error;
  for (const auto& pool : fs::directory_iterator(request.root, error)) {
    if (!pool.is_directory(error)) continue;
    for (const auto& node : fs::directory_iterator(pool.path(), error)) {
      const fs::path places = node.path() / kPlacesFile;
      if (node.path() == fs::path(request.folder) || !fs::exists(places, error)) continue;
      GS_TRY(const int lock, try_lock(node.path() / "lock"));
      if (lock >= 0) {
        fs::remove(places, error);
        ::close(lock);
        continue;
      }
      for (const std::string& gpu : lines_of(places)) out.emplace(gpu, node.path().filename());
    }
  }
  return out;
}

}  // namespace

Result<std::vector<std::string>> take_places(const PlaceRequest& request) {
  GS_TRY(const PlacingLock placing, PlacingLock::take(request.root + "/placing.lock"));
  GS_TRY(const auto taken, taken_places(request));
  std::vector<std::string> ours;
  std::string others;
  for (const std::string& gpu : request.gpus) {
    const auto found = taken.find(gpu);
    if (found != taken.end()) {
      others += (others.empty() ? "" : ", ") + gpu + " by " + found->second;
    } else if (std::ssize(ours) < request.count) {
      ours.push_back(gpu);
    }
  }
  if (std::ssize(ours) < request.count) {
    return fail(Errc::kExhausted, "no " + std::to_string(request.count) + " of the machine's " +
                                      std::to_string(request.gpus.size()) +
                                      " GPUs are free (taken: " + others + ")");
  }
  std::ofstream file(fs::path(request.folder) / kPlacesFile, std::ios::trunc);
  for (const std::string& gpu : ours) file << gpu << '\n';
  file.flush();
  if (!file) return fail(Errc::kUnavailable, "cannot write " + request.folder + "/" + kPlacesFile);
  return ours;
}

}  // namespace gpuscale::pool::local
