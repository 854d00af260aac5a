// SPDX-License-Identifier: Apache-2.0
/// Lines that wait for the server on disk: they survive a restart of the agent and, but for the last five
/// seconds, of the machine, with the times at which they were measured.
///
/// A folder of append-only segments `0000000001.seg` of about a mebibyte and a file `position` of what has
/// been delivered. A record is a line with its length and CRC-32; what a crash left half written is cut off
/// at the next start. Delivery is at least once: a line that is sent twice has the same time and tags, and so
/// is stored once. Not SQLite: a queue needs none of it, and its page cache alone would take a quarter of the
/// agent's memory.
#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "agent/line_queue.h"
#include "base/result.h"
#include "log/log.h"

namespace gpuscale::agent {

struct SpoolOptions {
  std::string folder;  ///< made where it is not there
  std::uint64_t max_bytes = 256U << 20U;
  std::uint64_t segment_bytes = 1U << 20U;
};

class Spool final : public LineQueue {
 public:
  /// Takes up what is there. Errors: kUnavailable (the folder cannot be made or written), kConflict (another
  /// agent has it).
  static Result<std::unique_ptr<Spool>> open(SpoolOptions options, log::Log log);
  ~Spool() override;
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  void push(std::vector<std::string> lines) override;
  Batch take(std::size_t max_lines) override;
  void done(std::size_t refused) override;
  void put_back() override;
  std::size_t size() const override;
  std::uint64_t dropped() const override;
  std::uint64_t delivered() const override;
  std::uint64_t bytes() const;  ///< on disk

 private:
  struct Segment {
    std::uint64_t number = 0;
    std::uint64_t bytes = 0;
    std::size_t lines = 0;  ///< not yet delivered
  };

  Spool(SpoolOptions options, log::Log log) : options_(std::move(options)), log_(std::move(log)) {}
  Result<void> take_up();
  Result<void> take_up_segment(std::uint64_t number, std::uint64_t delivered_up_to);
  std::string path_of(std::uint64_t number) const;
  Result<void> begin_segment();
  bool append(const std::string& records, std::size_t lines);
  void drop_oldest();
  void trim();
  void save_position();
  void sync_now_and_then();

  const SpoolOptions options_;
  const log::Log log_;
  int lock_ = -1;
  mutable std::mutex mutex_;
  std::deque<Segment> segments_;  ///< oldest first; the last is written
  int tail_ = -1;
  std::uint64_t offset_ = 0;  ///< in the oldest: all before it is delivered
  bool on_their_way_ = false;
  Segment way_end_;  ///< segment and offset after the lines on their way
  std::size_t way_lines_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t delivered_ = 0;
  bool failing_ = false;
  std::chrono::steady_clock::time_point synced_{};
};

}  // namespace gpuscale::agent
