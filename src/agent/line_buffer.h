// SPDX-License-Identifier: Apache-2.0
/// Lines that wait for the server in memory, never more than so many.
#pragma once
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "agent/line_queue.h"

namespace gpuscale::agent {

class LineBuffer final : public LineQueue {
 public:
  explicit LineBuffer(std::size_t capacity) : capacity_(capacity) {}

  void push(std::vector<std::string> lines) override;
  Batch take(std::size_t max_lines) override;
  void done(std::size_t refused) override;
  void put_back() override;
  std::size_t size() const override;
  std::uint64_t dropped() const override;
  std::uint64_t delivered() const override;

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
