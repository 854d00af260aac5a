// SPDX-License-Identifier: Apache-2.0
/// Values as msgpack, in the widths that InfluxDB sends (tinylib/msgp): floats in 8 bytes whatever they hold,
/// integers in the least signed form that holds them. Clients read the types that they know. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"

namespace gpuscale::api {

class MsgpackWriter {
 public:
  void nil() { byte(0xc0); }
  void boolean(bool value) { byte(value ? 0xc3 : 0xc2); }
  void integer(std::int64_t value);
  void number(double value);
  void text(std::string_view value);
  /// Extension 5, which Go's time.Time is sent as: seconds and nanoseconds in 8 and 4 bytes.
  void time(WallTime value);
  void array(std::size_t size) { head(size, 0x90, 0xdc); }  ///< its items follow
  void map(std::size_t size) { head(size, 0x80, 0xde); }    ///< as many keys and values follow
  std::string take() { return std::move(out_); }

 private:
  void byte(unsigned value) { out_.push_back(static_cast<char>(value)); }
  void bytes(std::uint64_t value, int count);  ///< big-endian
  void head(std::size_t size, unsigned few, unsigned more);

  std::string out_;
};

}  // namespace gpuscale::api
