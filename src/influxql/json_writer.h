// SPDX-License-Identifier: Apache-2.0
/// Private to the room: a JSON text in Go's forms, as InfluxDB writes it; pretty as json.MarshalIndent(v, "",
/// "    "). An answer over a fleet is tens of thousands of numbers, so each is written where it will stand.
/// Not thread-safe.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace gpuscale::influxql {

class JsonWriter {
 public:
  explicit JsonWriter(bool pretty) : pretty_(pretty) {}

  void open(char bracket) {
    element(1);
    put(bracket);
    ++depth_;
    empty_ = true;
  }
  void close(char bracket) {
    const bool was_empty = std::exchange(empty_, false);  // what holds it is not empty: it holds this
    --depth_;
    room(kLineBytes + kIndent * depth_);
    if (!was_empty) line();
    put(bracket);
  }
  void key(std::string_view name);
  /// Text that is JSON already.
  void raw(std::string_view value) {
    element(value.size());
    put(value);
  }
  void string(std::string_view value);
  void number(double value);  ///< null where JSON has no such number
  void number(std::int64_t value);

  /// Room for so many bytes more, about: saves growing step by step.
  void expect(std::size_t bytes) { room(bytes); }
  /// With the line end that InfluxDB puts behind each document.
  std::string take() &&;

 private:
  static constexpr std::size_t kIndent = 4;
  static constexpr std::size_t kLineBytes = 3;  ///< comma, line end, bracket

  void room(std::size_t bytes) {
    if (out_.size() - used_ < bytes) grow(bytes);
  }
  void grow(std::size_t bytes);
  /// The next two need room.
  void put(char c) { out_[used_++] = c; }
  void put(std::string_view text) {
    std::memcpy(out_.data() + used_, text.data(), text.size());
    used_ += text.size();
  }
  /// What stands before an element of `bytes`; room for both.
  void element(std::size_t bytes) {
    room(bytes + kLineBytes + kIndent * depth_);
    if (std::exchange(after_key_, false) || depth_ == 0) return;
    if (!std::exchange(empty_, false)) put(',');
    line();
  }
  void line() {
    if (!pretty_) return;
    put('\n');
    for (std::size_t i = 0; i < kIndent * depth_; ++i) put(' ');
  }
  void text(std::string_view value);

  const bool pretty_;
  bool after_key_ = false;
  bool empty_ = true;  ///< the bracket that was opened last holds nothing yet
  std::size_t depth_ = 0;
  std::size_t used_ = 0;  ///< of out_, whose rest is room
  std::string out_;
};

}  // namespace gpuscale::influxql
