// SPDX-License-Identifier: Apache-2.0
#include "agent/line_buffer.h"

#include <algorithm>

namespace gpuscale::agent {

void LineBuffer::push(std::vector<std::string> lines) {
  const std::scoped_lock lock(mutex_);
  for (std::string& line : lines) lines_.push_back(std::move(line));
  trim();
}

void LineBuffer::trim() {
  const std::size_t waiting = lines_.size() - on_their_way_;
  const std::size_t excess = std::min(waiting, lines_.size() - std::min(lines_.size(), capacity_));
  const auto oldest_waiting = lines_.begin() + static_cast<std::ptrdiff_t>(on_their_way_);
  lines_.erase(oldest_waiting, oldest_waiting + static_cast<std::ptrdiff_t>(excess));
  dropped_ += excess;
}

LineQueue::Batch LineBuffer::take(std::size_t max_lines) {
  const std::scoped_lock lock(mutex_);
  Batch batch;
  batch.lines = std::min(max_lines, lines_.size());
  for (std::size_t i = 0; i < batch.lines; ++i) batch.body += lines_[i];
  on_their_way_ = batch.lines;
  return batch;
}

void LineBuffer::done(std::size_t refused) {
  const std::scoped_lock lock(mutex_);
  const std::size_t lost = std::min(refused, on_their_way_);
  lines_.erase(lines_.begin(), lines_.begin() + static_cast<std::ptrdiff_t>(on_their_way_));
  dropped_ += lost;
  delivered_ += on_their_way_ - lost;
  on_their_way_ = 0;
}

void LineBuffer::put_back() {
  const std::scoped_lock lock(mutex_);
  on_their_way_ = 0;
  trim();
}

std::size_t LineBuffer::size() const {
  const std::scoped_lock lock(mutex_);
  return lines_.size();
}

std::uint64_t LineBuffer::dropped() const {
  const std::scoped_lock lock(mutex_);
  return dropped_;
}

std::uint64_t LineBuffer::delivered() const {
  const std::scoped_lock lock(mutex_);
  return delivered_;
}

}  // namespace gpuscale::agent
