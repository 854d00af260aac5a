// SPDX-License-Identifier: Apache-2.0
#include "tsdb/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "tsdb/byte_code.h"

namespace gpuscale::tsdb {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kInFront = "-log.";  // of the first entry, in the name of a file
constexpr std::size_t kDigits = 20;

std::optional<std::int64_t> first_of(const std::string& name, const std::string& front) {
  if (!name.starts_with(front) || name.size() != front.size() + kDigits) return std::nullopt;
  std::int64_t first = 0;
  const char* const end = name.data() + name.size();
  const auto [at, error] = std::from_chars(name.data() + front.size(), end, first);
  if (error != std::errc() || at != end) return std::nullopt;
  return first;
}

}  // namespace

Error log_file_error(std::string_view what, const std::string& path, int code) {
  const bool full = code == ENOSPC || code == EDQUOT || code == EFBIG;
  return fail(full ? Errc::kExhausted : Errc::kUnavailable,
              std::string(what) + " " + path + ": " + std::generic_category().message(code));
}

std::string log_file_path(const std::string& database, std::int64_t first) {
  const std::string digits = std::to_string(first);
  return database + std::string(kInFront) + std::string(kDigits - digits.size(), '0') + digits;
}

Result<std::vector<LogFile>> log_files(const std::string& database) {
  std::vector<LogFile> found;
  const fs::path path(database);
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const std::string front = path.filename().string() + std::string(kInFront);
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const auto first = first_of(at->path().filename().string(), front);
    if (!first) continue;
    std::error_code gone;
    const std::uint64_t bytes = fs::file_size(at->path(), gone);
    if (!gone) found.push_back({*first, *first - 1, at->path().string(), bytes});
  }
  if (error) return log_file_error("cannot read", folder.string(), error.value());
  std::sort(found.begin(), found.end(), [](const LogFile& a, const LogFile& b) { return a.first < b.first; });
  return found;
}

Result<void> write_at(int descriptor, const std::string& path, std::uint64_t at, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return log_file_error("cannot write", path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
    at += static_cast<std::uint64_t>(written);
  }
  return {};
}

Result<LogFileReader> LogFileReader::open(const LogFile& file) {
  const int descriptor = ::open(file.path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0 && errno == ENOENT) return fail(Errc::kNotFound, file.path + " is gone");
  if (descriptor < 0) return log_file_error("cannot read", file.path, errno);
  LogFileReader reader(descriptor, file);
  GS_CHECK(reader.read_head(file.first));
  return reader;
}

LogFileReader::LogFileReader(int descriptor, const LogFile& file)
    : descriptor_(descriptor), path_(file.path), bytes_(file.bytes), last_(file.first - 1) {}

LogFileReader::LogFileReader(LogFileReader&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::move(other.path_)),
      bytes_(other.bytes_),
      form_(other.form_),
      salts_(std::move(other.salts_)),
      at_(other.at_),
      last_(other.last_),
      room_(std::move(other.room_)) {}

LogFileReader::~LogFileReader() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<std::string_view> LogFileReader::read(std::uint64_t at, std::size_t size, std::string& room) const {
  if (room.size() < size) room.resize(size);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(descriptor_, room.data() + done, size - done, static_cast<off_t>(at + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return log_file_error("cannot read", path_, errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return std::string_view(room).substr(0, done);
}

Result<void> LogFileReader::read_head(std::int64_t first) {
  GS_TRY(const std::string_view bytes, read(0, FileHead::kBytes, room_));
  ByteReader reader(bytes);
  const std::uint64_t mark = reader.fixed();
  const std::uint64_t salt = reader.fixed();
  const std::uint64_t again = reader.fixed();
  // Without a head it begins with a frame: its mark, then its number. One of them may be damaged.
  const bool has_number_of_frame = mark != FileHead::kMark && salt == static_cast<std::uint64_t>(first);
  if (mark == FrameHead::kMark || has_number_of_frame) {
    form_ = Form::kUnsalted;
    salts_ = {FileHead::kNoSalt};
  } else if (mark == FileHead::kMark && salt == again && salt != FileHead::kNoSalt) {
    form_ = Form::kSalted;
    salts_ = {salt};
    at_ = FileHead::kBytes;
  } else {
    // Torn, and then nothing whole was written with it, or damaged, and then it was. That must not be looked
    // for without a salt: the bytes behind it may be any.
    for (const std::uint64_t meant : {salt, again}) {
      if (meant != FileHead::kNoSalt) salts_.push_back(meant);
    }
  }
  return {};
}

std::string LogFileReader::head() const {
  std::string out;
  if (form_ == Form::kSalted) put_file_head(out, salts_.front());
  return out;
}

Result<std::optional<LogFileReader::Frame>> LogFileReader::frame_at(std::uint64_t at, std::int64_t least) {
  if (bytes_ < at || bytes_ - at < FrameHead::kBytes) return std::optional<Frame>();
  GS_TRY(const std::string_view front, read(at, FrameHead::kBytes, room_));
  const auto head = FrameHead::read(front);
  if (!head || head->sequence < least || head->length > bytes_ - at - FrameHead::kBytes)
    return std::optional<Frame>();
  GS_TRY(const std::string_view bytes, read(at, FrameHead::kBytes + head->length, room_));
  const std::string_view batches = bytes.substr(std::min(bytes.size(), FrameHead::kBytes));
  const auto fits = [&](std::uint64_t salt) { return head->fits(salt, batches); };
  if (!std::any_of(salts_.begin(), salts_.end(), fits)) return std::optional<Frame>();
  return std::optional(Frame{head->sequence, bytes, batches});
}

Result<std::optional<LogFileReader::Frame>> LogFileReader::next() {
  if (form_ == Form::kDamaged) return std::optional<Frame>();
  GS_TRY(auto frame, frame_at(at_, last_ + 1));
  // A gap within a file is none of the writer's: a later number is of a life that began while we read.
  if (!frame || frame->sequence != last_ + 1) return std::optional<Frame>();
  last_ = frame->sequence;
  at_ += frame->bytes.size();
  return frame;
}

Result<bool> LogFileReader::holds_later(std::int64_t least) {
  if (salts_.empty()) return false;
  constexpr std::size_t kWindow = 1ULL << 20U;
  std::string mark(sizeof FrameHead::kMark, '\0');
  std::memcpy(mark.data(), &FrameHead::kMark, mark.size());
  std::string window;
  for (std::uint64_t from = at_; from < bytes_;) {
    GS_TRY(const std::string_view part, read(from, kWindow, window));
    for (std::size_t found = part.find(mark); found != std::string_view::npos;
         found = part.find(mark, found + 1)) {
      GS_TRY(const auto frame, frame_at(from + found, least));
      if (frame) return true;
    }
    if (part.size() < kWindow) break;
    from += kWindow - mark.size() + 1;  // a mark may lie across the edge
  }
  return false;
}

}  // namespace gpuscale::tsdb
