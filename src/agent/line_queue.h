// SPDX-License-Identifier: Apache-2.0
/// Lines that wait for the server, oldest first and bounded: in memory (line_buffer.h) or on disk (spool.h).
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace gpuscale::agent {

/// Thread-safe; one consumer.
class LineQueue {
 public:
  virtual ~LineQueue() = default;

  /// Each with its newline. Beyond the bound the oldest are dropped and counted, save those on their way.
  virtual void push(std::vector<std::string> lines) = 0;

  struct Batch {
    std::string body;  ///< whole lines
    std::size_t lines = 0;
  };
  /// The oldest lines, now on their way; either done() or put_back() comes next.
  virtual Batch take(std::size_t max_lines) = 0;
  /// They have arrived, but for `refused` that the server would not have: those count as dropped.
  virtual void done(std::size_t refused) = 0;
  /// They have not arrived, and wait again in their old place.
  virtual void put_back() = 0;

  virtual std::size_t size() const = 0;
  virtual std::uint64_t dropped() const = 0;    ///< since the start
  virtual std::uint64_t delivered() const = 0;  ///< likewise
};

}  // namespace gpuscale::agent
