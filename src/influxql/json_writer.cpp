// SPDX-License-Identifier: Apache-2.0
#include "influxql/json_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "influxql/go_number.h"

namespace gpuscale::influxql {

namespace {

/// What stands in a JSON text as it is.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 0x80; ++c)
    plain[c] = c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
  return plain;
}();

/// Bytes that one byte of a text can become: "\u00XX".
constexpr std::size_t kMostEscaped = 6;

}  // namespace

void JsonWriter::grow(std::size_t bytes) {
  constexpr std::size_t kLeast = 256;
  out_.resize(std::max({2 * out_.size(), used_ + bytes, kLeast}));
}

std::string JsonWriter::take() && {
  room(1);
  put('\n');
  out_.resize(used_);
  return std::move(out_);
}

void JsonWriter::key(std::string_view name) {
  element(0);
  text(name);
  room(2);
  put(pretty_ ? ": " : ":");
  after_key_ = true;
}

void JsonWriter::string(std::string_view value) {
  element(0);
  text(value);
}

void JsonWriter::number(double value) {
  element(kMostNumberBytes);
  used_ = static_cast<std::size_t>(write_go_json_number(out_.data() + used_, value) - out_.data());
}

void JsonWriter::number(std::int64_t value) {
  const fmt::format_int digits(value);
  element(digits.size());
  put(std::string_view(digits.data(), digits.size()));
}

void JsonWriter::text(std::string_view value) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto plain = [](char c) { return kPlain[static_cast<unsigned char>(c)]; };
  room(value.size() + 2);
  put('"');
  for (std::size_t i = 0; i < value.size();) {
    const std::size_t first = i;
    while (i < value.size() && plain(value[i])) ++i;
    put(value.substr(first, i - first));
    if (i == value.size()) break;
    room(value.size() - i + kMostEscaped + 1);
    const char c = value[i];
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      ++i;
      if (c == '"' || c == '\\') {
        put('\\');
        put(c);
      } else if (c == '\n') {
        put("\\n");
      } else if (c == '\r') {
        put("\\r");
      } else if (c == '\t') {
        put("\\t");
      } else if (byte < 0x20 || c == '<' || c == '>' || c == '&') {
        put("\\u00");
        put(kHex[byte >> 4U]);
        put(kHex[byte & 15U]);
      } else {
        put(c);
      }
      continue;
    }
    const std::size_t length = base::first_character(value.substr(i)).bytes;
    if (length == 0) {
      put("\\ufffd");
      ++i;
      continue;
    }
    const std::string_view rune = value.substr(i, length);
    if (rune == "\xe2\x80\xa8") {
      put("\\u2028");
    } else if (rune == "\xe2\x80\xa9") {
      put("\\u2029");
    } else {
      put(rune);
    }
    i += length;
  }
  put('"');
}

}  // namespace gpuscale::influxql
