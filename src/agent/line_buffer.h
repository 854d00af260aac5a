// SPDX-License-Identifier: Apache-2.0
/// Lines that wait for the server, oldest first, never more than so many: beyond that the oldest are dropped
/// and counted, save those that are on their way. Thread-safe; one consumer.
#pragma once
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace gpuscale::agent {

class LineBuffer {
 public:
  explicit LineBuffer(std::size_t capacity) : capacity_(capacity) {}

  void push(std::vector<std::string> lines);

  struct Batch {
    std::string body;  ///< whole lines
    std::size_t lines = 0;
  };
  /// The oldest lines, now on their way; either done() or put_back() comes next.
  Batch take(std::size_t max_lines);
  /// They have arrived, but for `refused` that the server would not have: those count as dropped.
  void done(std::size_t refused);
  /// They have not arrived, and wait again in their old place.
  void put_back();

  std::size_t size() const;
  std::uint64_t dropped() const;    ///< since the start
  std::uint64_t delivered() const;  ///< likewise

 private:
  void trim();

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::deque<std::string> lines_;
  std::size_t on_their_way_ = 0;  ///< of the oldest
  std::uint64_t dropped_ = 0;
  std::uint64_t delivered_ = 0;
};

}  // namespace gpuscale::agent
