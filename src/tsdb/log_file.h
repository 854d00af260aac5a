// SPDX-License-Identifier: Apache-2.0
/// Private to the room: one file of the log of batches, read, and how such files are found.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tsdb/log_frame.h"

namespace gpuscale::tsdb {

struct LogFile {
  std::int64_t first = 0;  ///< entry, by which it is named
  std::int64_t last = 0;   ///< below `first`: none
  std::string path;
  std::uint64_t bytes = 0;
  bool salted = true;  ///< false: of an earlier version, without a head
};

/// Those of the database at that path, the oldest first. Their entries are not looked at. Errors:
/// kUnavailable.
Result<std::vector<LogFile>> log_files(const std::string& database);
std::string log_file_path(const std::string& database, std::int64_t first);
/// "<what> <path>: No space left on device"; kExhausted where it is so, else kUnavailable.
Error log_file_error(std::string_view what, const std::string& path, int code);

/// Writes all the bytes at that place of the file. Errors: as log_file_error() has them.
Result<void> write_at(int descriptor, const std::string& path, std::uint64_t at, std::string_view bytes);

/// Reads frame after frame. Another process may write to the file: what is read is always a beginning of it,
/// and of one life of it. Of a file without a whole head no frame is read.
class LogFileReader {
 public:
  /// What it holds now is all that will be read. Errors: kNotFound where it is gone, kUnavailable.
  static Result<LogFileReader> open(const LogFile& file);
  LogFileReader(LogFileReader&& other) noexcept;
  LogFileReader& operator=(LogFileReader&&) = delete;
  ~LogFileReader();

  /// What the frames stand behind; empty in a file of an earlier version, or where it is not whole.
  std::string head() const;
  /// False: of an earlier version.
  bool is_salted() const { return form_ != Form::kUnsalted; }

  struct Frame {
    std::int64_t sequence = 0;
    std::string_view bytes;    ///< all of it, until the next call
    std::string_view batches;  ///< behind its head
  };
  /// The next frame, where a whole one of the next entry stands there, the first of that which the file is
  /// named after; else it is the end.
  Result<std::optional<Frame>> next();
  /// Behind the last frame.
  std::uint64_t at() const { return at_; }
  /// Whether a whole frame of an entry from `least` on stands anywhere further on.
  Result<bool> holds_later(std::int64_t least);

 private:
  enum class Form { kSalted, kUnsalted, kDamaged };

  LogFileReader(int descriptor, const LogFile& file);
  Result<void> read_head(std::int64_t first);
  Result<std::string_view> read(std::uint64_t at, std::size_t size, std::string& room) const;
  Result<std::optional<Frame>> frame_at(std::uint64_t at, std::int64_t least);

  int descriptor_;
  std::string path_;
  std::uint64_t bytes_;
  Form form_ = Form::kDamaged;
  std::vector<std::uint64_t> salts_;  ///< one; of a damaged head each that it may have meant
  std::uint64_t at_ = 0;
  std::int64_t last_;
  std::string room_;
};

}  // namespace gpuscale::tsdb
