// SPDX-License-Identifier: Apache-2.0
#include "http/stream_queue.h"

#include <utility>

namespace gpuscale::http {

bool StreamQueue::push(std::string piece) {
  const std::scoped_lock lock(mutex_);
  if (closed_ || finished_) return false;
  if (piece.empty()) return true;  // an empty chunk would end the answer
  if (bytes_ + piece.size() > kMaxBytes) {
    closed_ = true;
    return false;
  }
  bytes_ += piece.size();
  pieces_.push_back(std::move(piece));
  return true;
}

bool StreamQueue::finish() {
  const std::scoped_lock lock(mutex_);
  return !std::exchange(finished_, true);
}

void StreamQueue::close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
}

bool StreamQueue::closed() const {
  const std::scoped_lock lock(mutex_);
  return closed_;
}

bool StreamQueue::take(Batch& batch) {
  const std::scoped_lock lock(mutex_);
  if (writing_) return false;
  batch = {.data = {}, .last = closed_ || (pieces_.empty() && finished_), .cut_off = closed_};
  if (!batch.last && pieces_.empty()) return false;
  if (!closed_) {
    for (const std::string& piece : pieces_) batch.data += piece;
  }
  pieces_.clear();
  bytes_ = 0;
  writing_ = true;
  return true;
}

void StreamQueue::written() {
  const std::scoped_lock lock(mutex_);
  writing_ = false;
}

}  // namespace gpuscale::http
