// SPDX-License-Identifier: Apache-2.0
#include "agent/spool.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <utility>

namespace gpuscale::agent {
namespace {

constexpr std::size_t kHeadBytes = 8;  // length, CRC-32; both little-endian as the machine's
constexpr std::uint32_t kMaxLineBytes = 1U << 20U;
constexpr std::size_t kMaxBatchBytes = 4U << 20U;
constexpr std::chrono::seconds kSyncEvery{5};
constexpr const char* kSuffix = ".seg";

std::uint32_t checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      ::crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

void append_record(std::string& out, std::string_view line) {
  const std::uint32_t head[2] = {static_cast<std::uint32_t>(line.size()), checksum(line)};
  out.append(reinterpret_cast<const char*>(head), sizeof head);
  out.append(line);
}

/// The line of the record at the start of `bytes`; nullopt where it is half written or damaged.
std::optional<std::string_view> first_record(std::string_view bytes) {
  std::uint32_t head[2];
  if (bytes.size() < sizeof head) return std::nullopt;
  std::memcpy(head, bytes.data(), sizeof head);
  if (head[0] == 0 || head[0] > kMaxLineBytes || bytes.size() < sizeof head + head[0]) return std::nullopt;
  const std::string_view line = bytes.substr(sizeof head, head[0]);
  if (checksum(line) != head[1]) return std::nullopt;
  return line;
}

std::string read_part(const std::string& path, std::uint64_t offset, std::uint64_t size) {
  std::string bytes(static_cast<std::size_t>(size), '\0');
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return "";
  std::size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t n = ::pread(file, bytes.data() + got, bytes.size() - got, static_cast<off_t>(offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    got += static_cast<std::size_t>(n);
  }
  ::close(file);
  bytes.resize(got);
  return bytes;
}

}  // namespace

Result<std::unique_ptr<Spool>> Spool::open(SpoolOptions options, log::Log log) {
  std::unique_ptr<Spool> spool(new Spool(std::move(options), std::move(log)));
  GS_CHECK(spool->take_up());
  return spool;
}

Spool::~Spool() {
  if (tail_ >= 0) {
    ::fdatasync(tail_);
    ::close(tail_);
  }
  if (lock_ >= 0) ::close(lock_);
}

std::string Spool::path_of(std::uint64_t number) const {
  std::string name = std::to_string(number);
  name.insert(0, name.size() < 10 ? 10 - name.size() : 0, '0');
  return options_.folder + "/" + name + kSuffix;
}

Result<void> Spool::take_up() {
  std::error_code error;
  std::filesystem::create_directories(options_.folder, error);
  const std::string lock_file = options_.folder + "/lock";
  lock_ = ::open(lock_file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (lock_ < 0) {
    return fail(Errc::kUnavailable, "cannot write the spool " + options_.folder + ": " +
                                        std::strerror(errno) + "; choose another folder with --spool");
  }
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    return fail(Errc::kConflict,
                "the spool " + options_.folder + " belongs to another agent that runs; give each its own");
  }
  std::uint64_t position_segment = 0;
  std::uint64_t position_offset = 0;
  std::ifstream(options_.folder + "/position") >> position_segment >> position_offset;
  std::vector<std::uint64_t> numbers;
  for (const auto& entry : std::filesystem::directory_iterator(options_.folder, error)) {
    if (entry.path().extension() != kSuffix) continue;
    const std::uint64_t number = std::strtoull(entry.path().stem().c_str(), nullptr, 10);
    if (number > 0) numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  for (const std::uint64_t number : numbers) {
    if (number < position_segment) {
      std::filesystem::remove(path_of(number), error);
      continue;
    }
    GS_CHECK(take_up_segment(number, number == position_segment ? position_offset : 0));
  }
  const std::size_t waiting = size();
  if (waiting > 0) log_.info("spool.taken_up", {{"folder", options_.folder}, {"lines", waiting}});
  return begin_segment();
}

/// Counts the lines of one segment of an earlier life, and cuts off what does not read.
Result<void> Spool::take_up_segment(std::uint64_t number, std::uint64_t delivered_up_to) {
  const std::string path = path_of(number);
  std::error_code error;
  const std::uint64_t on_disk = std::filesystem::file_size(path, error);
  if (error) return {};
  const std::string bytes = read_part(path, 0, std::min(on_disk, options_.segment_bytes * 2 + kMaxLineBytes));
  std::uint64_t at = 0;
  Segment segment{number, 0, 0};
  while (const auto line = first_record(std::string_view(bytes).substr(at))) {
    if (at >= delivered_up_to) ++segment.lines;
    at += kHeadBytes + line->size();
  }
  segment.bytes = at;
  if (at < on_disk) {
    log_.warn("spool.cut", {{"segment", path}, {"bytes", on_disk - at}});
    if (::truncate(path.c_str(), static_cast<off_t>(at)) != 0) {
      return fail(Errc::kUnavailable, "cannot mend the spool's " + path + ": " + std::strerror(errno));
    }
  }
  if (segments_.empty()) offset_ = std::min(delivered_up_to, at);
  segments_.push_back(segment);
  return {};
}

Result<void> Spool::begin_segment() {
  const std::uint64_t number = segments_.empty() ? 1 : segments_.back().number + 1;
  const int file = ::open(path_of(number).c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) {
    return fail(Errc::kUnavailable,
                "cannot write the spool " + options_.folder + ": " + std::strerror(errno));
  }
  if (tail_ >= 0) {
    ::fdatasync(tail_);
    ::close(tail_);
  }
  tail_ = file;
  if (segments_.empty()) offset_ = 0;
  segments_.push_back({number, 0, 0});
  return {};
}

bool Spool::append(const std::string& records, std::size_t lines) {
  if (segments_.back().bytes >= options_.segment_bytes && !begin_segment()) return false;
  Segment& tail = segments_.back();
  std::size_t written = 0;
  while (written < records.size()) {
    const ssize_t n = ::write(tail_, records.data() + written, records.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      // Half a record would hide all that is appended after it.
      if (::ftruncate(tail_, static_cast<off_t>(tail.bytes)) != 0) (void)begin_segment();
      return false;
    }
    written += static_cast<std::size_t>(n);
  }
  tail.bytes += records.size();
  tail.lines += lines;
  return true;
}

void Spool::push(std::vector<std::string> lines) {
  const std::scoped_lock lock(mutex_);
  std::string records;
  std::size_t count = 0;
  for (const std::string& line : lines) {
    if (line.empty() || line.size() > kMaxLineBytes) {
      ++dropped_;
      continue;
    }
    append_record(records, line);
    ++count;
  }
  if (count == 0) return;
  bool stored = append(records, count);
  if (!stored && segments_.size() > 1 && !on_their_way_) {
    drop_oldest();  // a full disk: the newest say more than the oldest
    stored = append(records, count);
  }
  if (!stored) dropped_ += count;
  if (!stored && !failing_) {
    log_.error("spool.full", {{"folder", options_.folder}, {"error", std::strerror(errno)}});
  }
  failing_ = !stored;
  trim();
  sync_now_and_then();
}

void Spool::drop_oldest() {
  dropped_ += segments_.front().lines;
  std::error_code ignored;
  std::filesystem::remove(path_of(segments_.front().number), ignored);
  segments_.pop_front();
  offset_ = 0;
}

void Spool::trim() {
  while (!on_their_way_ && segments_.size() > 1 && segments_.front().lines == 0) drop_oldest();
  std::uint64_t total = 0;
  for (const Segment& segment : segments_) total += segment.bytes;
  while (!on_their_way_ && segments_.size() > 1 && total > options_.max_bytes) {
    total -= segments_.front().bytes;
    drop_oldest();
  }
}

LineQueue::Batch Spool::take(std::size_t max_lines) {
  const std::scoped_lock lock(mutex_);
  Batch batch;
  way_end_ = {segments_.front().number, offset_, 0};
  for (std::size_t i = 0; i < segments_.size() && batch.lines < max_lines; ++i) {
    const Segment& segment = segments_[i];
    const std::uint64_t from = i == 0 ? offset_ : 0;
    if (segment.bytes <= from || batch.body.size() >= kMaxBatchBytes) continue;
    const std::string bytes = read_part(path_of(segment.number), from, segment.bytes - from);
    std::uint64_t at = 0;
    while (batch.lines < max_lines && batch.body.size() < kMaxBatchBytes) {
      const auto line = first_record(std::string_view(bytes).substr(at));
      if (!line) break;
      batch.body += *line;
      ++batch.lines;
      at += kHeadBytes + line->size();
    }
    way_end_ = {segment.number, from + at, 0};
  }
  on_their_way_ = true;
  way_lines_ = batch.lines;
  return batch;
}

void Spool::done(std::size_t refused) {
  const std::scoped_lock lock(mutex_);
  const std::size_t lost = std::min(refused, way_lines_);
  dropped_ += lost;
  delivered_ += way_lines_ - lost;
  std::size_t left = way_lines_;
  std::error_code ignored;
  while (segments_.front().number < way_end_.number) {
    left -= std::min(left, segments_.front().lines);
    std::filesystem::remove(path_of(segments_.front().number), ignored);
    segments_.pop_front();
  }
  segments_.front().lines -= std::min(segments_.front().lines, left);
  offset_ = way_end_.bytes;
  // Lines that no longer read (a disk that lies) would else be asked for for ever.
  if (way_lines_ == 0) segments_.front().lines = 0;
  on_their_way_ = false;
  save_position();
  trim();
}

void Spool::put_back() {
  const std::scoped_lock lock(mutex_);
  on_their_way_ = false;
  trim();
}

void Spool::save_position() {
  const std::string path = options_.folder + "/position";
  {
    std::ofstream file(path + ".new", std::ios::trunc);
    file << segments_.front().number << ' ' << offset_ << '\n';
  }
  std::error_code ignored;  // then a few lines are sent again
  std::filesystem::rename(path + ".new", path, ignored);
}

void Spool::sync_now_and_then() {
  const auto now = std::chrono::steady_clock::now();
  if (now - synced_ < kSyncEvery) return;
  synced_ = now;
  ::fdatasync(tail_);
}

std::size_t Spool::size() const {
  const std::scoped_lock lock(mutex_);
  std::size_t lines = 0;
  for (const Segment& segment : segments_) lines += segment.lines;
  return lines;
}

std::uint64_t Spool::dropped() const {
  const std::scoped_lock lock(mutex_);
  return dropped_;
}

std::uint64_t Spool::delivered() const {
  const std::scoped_lock lock(mutex_);
  return delivered_;
}

std::uint64_t Spool::bytes() const {
  const std::scoped_lock lock(mutex_);
  std::uint64_t total = 0;
  for (const Segment& segment : segments_) total += segment.bytes;
  return total;
}

}  // namespace gpuscale::agent
