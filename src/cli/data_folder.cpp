// SPDX-License-Identifier: Apache-2.0
#include "cli/data_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/digest.h"

namespace gpuscale::cli {
namespace {

Error trouble(const std::string& what, const std::string& path) {
  return fail(Errc::kUnavailable, what + " " + path + ": " + std::strerror(errno));
}

}  // namespace

Result<DataFolder> DataFolder::open(const std::string& path) {
  std::error_code ec;
  const std::string absolute = std::filesystem::absolute(path, ec).lexically_normal().string();
  std::filesystem::create_directories(absolute, ec);
  if (ec) {
    return fail(Errc::kUnavailable, "cannot make the data folder " + absolute + ": " + ec.message() +
                                        "; choose another with --data");
  }
  std::filesystem::permissions(absolute, std::filesystem::perms::owner_all, ec);
  const std::string lock_path = absolute + "/lock";
  const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return trouble("cannot write in the data folder", absolute);
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    return fail(Errc::kConflict,
                "the data folder " + absolute +
                    " is held by another gpuscale server; stop it, or choose another with --data");
  }
  return DataFolder(absolute, lock);
}

DataFolder::DataFolder(DataFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

DataFolder::~DataFolder() {
  if (lock_ >= 0) ::close(lock_);
}

Result<void> write_private_file(const std::string& path, const std::string& content) {
  const std::string fresh = path + ".new";
  const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return trouble("cannot write", fresh);
  const bool written =
      ::write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size()) &&
      ::fsync(file) == 0;
  ::close(file);
  if (!written) return trouble("cannot write", fresh);
  if (::rename(fresh.c_str(), path.c_str()) != 0) return trouble("cannot replace", path);
  return {};
}

Result<Secret> lasting_random_file(const std::string& path, std::size_t bytes) {
  std::ifstream in(path);
  std::string content;
  if (in >> content && content.size() == 2 * bytes) return Secret{content};
  content = base::random_hex(bytes);
  GS_CHECK(write_private_file(path, content + "\n"));
  return Secret{content};
}

Result<Secret> DataFolder::lasting_random(const std::string& name, std::size_t bytes) const {
  return lasting_random_file(file(name), bytes);
}

}  // namespace gpuscale::cli
