// SPDX-License-Identifier: Apache-2.0
#include "tsdb/batch_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <limits>
#include <utility>

#include "base/digest.h"
#include "db/database.h"

namespace gpuscale::tsdb {
namespace {

/// A file that is written over should be about as long as the next one will be; a longer one held a burst.
constexpr std::uint64_t kMostSpareBytes = 128ULL << 20U;
/// A file that grows is made longer than its entry asks, by an eighth and so much at most: each growth costs
/// the journal of the file system a commit of its own (measured with 19 KB an entry: 290 us against 200).
constexpr std::uint64_t kMostRoomAhead = 256ULL << 10U;
constexpr std::uint64_t kRoomAheadUnit = 4'096;  // of a file system; small files get none
/// The room of a frame is kept from entry to entry, but not that of a giant.
constexpr std::size_t kMostKeptRoom = 4ULL << 20U;
constexpr std::string_view kMend =
    "; restore a backup, or move this file and those after it away to go on without their samples";

Result<void> sync_folder_of(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const std::string folder = parent.empty() ? "." : parent.string();
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  const int code = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (!synced) return log_file_error("cannot write", folder, code);
  return {};
}

std::uint64_t fresh_salt() {
  constexpr int kHex = 16;
  std::uint64_t salt = FileHead::kNoSalt;
  while (salt == FileHead::kNoSalt) salt = std::stoull(base::random_hex(sizeof salt), nullptr, kHex);
  return salt;
}

}  // namespace

BatchLog::BatchLog(std::string database, std::uint64_t most_bytes)
    : database_(db::is_in_memory(database) ? "" : std::move(database)), most_bytes_(most_bytes) {}

BatchLog::~BatchLog() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

/// @param next_file the first entry of the file behind it
Result<void> BatchLog::replay_file(LogFile& file, Sequence next_file, Sequence& newest, const Apply& apply) {
  GS_TRY(LogFileReader reader, LogFileReader::open(file));
  file.salted = reader.is_salted();
  while (true) {
    GS_TRY(const auto frame, reader.next());
    if (!frame) break;
    // It failed, and neither could it be cleared nor the file be cut before it.
    if (frame->sequence >= next_file) return {};
    file.last = frame->sequence;
    if (frame->sequence <= newest) continue;
    if (frame->sequence != newest + 1) {
      return fail(Errc::kCorrupt, file.path + " goes on with log entry " + std::to_string(frame->sequence) +
                                      " where entry " + std::to_string(newest + 1) + " should stand" +
                                      std::string(kMend));
    }
    if (auto applied = each_batch(frame->batches, apply); !applied) {
      return std::move(applied).error().with_context(file.path + ", log entry " +
                                                     std::to_string(frame->sequence));
    }
    newest = frame->sequence;
  }
  // What a crash tore is the last; where whole ones stand behind it, acknowledged samples are damaged.
  GS_TRY(const bool damaged, reader.holds_later(newest + 1));
  if (!damaged) return {};
  return fail(Errc::kCorrupt, file.path + ": log entry " + std::to_string(newest + 1) + " at byte " +
                                  std::to_string(reader.at()) +
                                  " is damaged, and whole ones stand behind it" + std::string(kMend));
}

Result<BatchLog::Sequence> BatchLog::replay(Sequence sealed, const Apply& apply) {
  if (database_.empty()) return sealed;
  Sequence newest = sealed;
  GS_TRY(std::vector<LogFile> found, log_files(database_));
  for (std::size_t i = 0; i < found.size(); ++i) {
    const bool is_last = i + 1 == found.size();
    const Sequence next_file = is_last ? std::numeric_limits<Sequence>::max() : found[i + 1].first;
    GS_CHECK(replay_file(found[i], next_file, newest, apply));
    put_away(std::move(found[i]));
  }
  forget(sealed);
  return newest;
}

Result<void> BatchLog::begin_file(Sequence first) {
  LogFile file{first, first - 1, log_file_path(database_, first), 0};
  if (spare_) {
    if (::rename(spare_->path.c_str(), file.path.c_str()) != 0)
      return log_file_error("cannot rename", spare_->path, errno);
    file.bytes = spare_->bytes;
    spare_.reset();
  }
  constexpr mode_t kOwnerOnly = 0600;
  const int descriptor = ::open(file.path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, kOwnerOnly);
  if (descriptor < 0) return log_file_error("cannot write", file.path, errno);
  // Else its name could be lost with the power, and the entries with it.
  if (auto synced = sync_folder_of(file.path); !synced) {
    ::close(descriptor);
    remove(file);
    return synced;
  }
  descriptor_ = descriptor;
  current_ = std::move(file);
  salt_ = fresh_salt();
  end_ = 0;
  return {};
}

Result<void> BatchLog::bring_to_disk() {
  const std::uint64_t end = end_ + frame_.size();
  const bool grows = end > current_->bytes;
  // Where it fails a part of it may stand there.
  current_->bytes = std::max(current_->bytes, end);
  GS_CHECK(write_at(descriptor_, current_->path, end_, frame_));
  if (grows) make_room_ahead();
  if (::fdatasync(descriptor_) != 0) return log_file_error("cannot write", current_->path, errno);
  return {};
}

void BatchLog::make_room_ahead() {
  static constexpr std::array<char, kMostRoomAhead / 8> kZeros{};
  const std::uint64_t allowed =
      most_bytes_ == 0 ? kMostRoomAhead : most_bytes_ - std::min(most_bytes_, bytes());
  std::uint64_t left =
      std::min({current_->bytes / 8, kMostRoomAhead, allowed}) / kRoomAheadUnit * kRoomAheadUnit;
  while (left > 0) {
    const std::string_view piece(kZeros.data(), std::min<std::uint64_t>(left, kZeros.size()));
    const std::uint64_t at = std::exchange(current_->bytes, current_->bytes + piece.size());
    // On a full disk the entry stands there all the same, and maybe a part of the piece.
    if (!write_at(descriptor_, current_->path, at, piece)) return;
    left -= piece.size();
  }
}

Result<void> BatchLog::append(Sequence sequence, std::span<const std::string_view> batches) {
  if (database_.empty()) return {};
  if (!current_) GS_CHECK(begin_file(sequence));
  frame_.clear();
  if (end_ == 0) put_file_head(frame_, salt_);
  put_frame(frame_, salt_, sequence, batches);
  const std::uint64_t end = end_ + frame_.size();
  const std::uint64_t growth = end > current_->bytes ? end - current_->bytes : 0;
  if (most_bytes_ > 0 && bytes() + growth > most_bytes_)
    return fail(Errc::kExhausted,
                "the log of " + database_ + " may not grow beyond " + std::to_string(most_bytes_) + " bytes");
  auto written = bring_to_disk();
  if (written) {
    end_ = end;
    current_->last = sequence;
  } else {
    // Nobody is told that it is there, so nobody should find it; where this fails too the next overwrites it.
    // Of the first entry it is the head of the file that goes.
    frame_.assign(FrameHead::kBytes, '\0');
    (void)!::pwrite(descriptor_, frame_.data(), frame_.size(), static_cast<off_t>(end_));
  }
  if (frame_.capacity() > kMostKeptRoom) std::string().swap(frame_);
  return written;
}

void BatchLog::end_file() {
  if (!current_) return;
  // What stands behind the entries is from an earlier life, or was to be filled; where it stays, a start
  // looks through it.
  if (current_->bytes > end_ && ::ftruncate(descriptor_, static_cast<off_t>(end_)) == 0)
    current_->bytes = end_;
  ::close(descriptor_);
  descriptor_ = -1;
  put_away(*std::exchange(current_, std::nullopt));
}

void BatchLog::put_away(LogFile file) {
  // Without an entry it has the very name that the next file will have.
  if (file.last < file.first) return free(file);
  files_.push_back(std::move(file));
}

void BatchLog::free(const LogFile& file) {
  // One without a salt may hold what looks like entries, which a start would find where a crash left its name
  // changed and its content not.
  if (!spare_ && file.salted && file.bytes > 0 && file.bytes <= kMostSpareBytes) {
    spare_ = file;
  } else {
    remove(file);
  }
}

void BatchLog::forget(Sequence up_to) {
  const auto needed = [up_to](const LogFile& file) { return file.last > up_to; };
  for (const LogFile& file : files_) {
    if (!needed(file)) free(file);
  }
  std::erase_if(files_, [&needed](const LogFile& file) { return !needed(file); });
}

void BatchLog::give_back() {
  if (spare_) remove(*spare_);
  spare_.reset();
}

void BatchLog::remove(const LogFile& file) {
  // Where it stays, the next start finds nothing in it that is needed.
  ::unlink(file.path.c_str());
}

std::uint64_t BatchLog::bytes() const {
  std::uint64_t sum = 0;
  for (const LogFile& file : files_) sum += file.bytes;
  for (const auto* file : {&current_, &spare_}) sum += *file ? (*file)->bytes : 0;
  return sum;
}

}  // namespace gpuscale::tsdb
