// SPDX-License-Identifier: Apache-2.0
/// Text as UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing beyond U+10FFFF. Pure.
#pragma once
#include <cstddef>
#include <optional>
#include <string_view>

namespace gpuscale::base {

struct Utf8Character {
  static constexpr char32_t kBroken = 0xFFFD;
  char32_t code = kBroken;
  std::size_t bytes = 0;  ///< 0: the text begins with no character, `code` is kBroken
};

/// The character that `text` begins with.
Utf8Character first_character(std::string_view text);

/// Where the first byte lies that belongs to no character.
std::optional<std::size_t> broken_utf8_at(std::string_view text);

}  // namespace gpuscale::base
