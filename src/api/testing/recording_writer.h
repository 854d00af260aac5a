// SPDX-License-Identifier: Apache-2.0
/// A stream's writing end that keeps what it is given and refuses when its queue is said to be full.
#pragma once
#include <mutex>
#include <string>

#include "http/message.h"

namespace gpuscale::api::testing {

class RecordingWriter : public http::StreamWriter {
 public:
  explicit RecordingWriter(std::size_t room = 1U << 20U) : room_(room) {}

  bool write(std::string piece) override {
    const std::scoped_lock lock(mutex_);
    if (closed_ || text_.size() + piece.size() > room_) return false;
    text_ += piece;
    return true;
  }
  void finish() override {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
  }
  bool closed() const override {
    const std::scoped_lock lock(mutex_);
    return closed_;
  }
  std::string text() const {
    const std::scoped_lock lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::size_t room_;
  std::string text_;
  bool closed_ = false;
};

}  // namespace gpuscale::api::testing
