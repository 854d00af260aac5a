// SPDX-License-Identifier: Apache-2.0
/// The server's data folder: made if missing, readable by its owner alone, held by one server at a time, and
/// the home of what must stay the same over restarts.
#pragma once
#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace gpuscale::cli {

class DataFolder {
 public:
  /// Errors: kUnavailable naming the path and the reason; kConflict where another server holds it.
  static Result<DataFolder> open(const std::string& path);
  DataFolder(DataFolder&& other) noexcept;
  DataFolder& operator=(DataFolder&&) = delete;
  ~DataFolder();

  const std::string& path() const { return path_; }  ///< absolute
  std::string file(const std::string& name) const { return path_ + "/" + name; }

  /// The content of a small file, made of random hex digits at its first reading: the installation's
  /// identity, the token of its local nodes.
  Result<Secret> lasting_random(const std::string& name, std::size_t bytes) const;

 private:
  DataFolder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::string path_;
  int lock_;
};

/// The same for any file.
Result<Secret> lasting_random_file(const std::string& path, std::size_t bytes);

/// Writes the whole file with mode 0600, so that a reader sees the old content or the new, never a part.
Result<void> write_private_file(const std::string& path, const std::string& content);

}  // namespace gpuscale::cli
