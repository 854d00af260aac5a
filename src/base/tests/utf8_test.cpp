// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <tuple>

namespace gpuscale::base {
namespace {

TEST(Utf8, ACharacterIsReadWithItsBytes) {
  const auto read = [](std::string_view text) {
    const Utf8Character character = first_character(text);
    return std::tuple(character.code, character.bytes);
  };
  EXPECT_EQ(read("a"), std::tuple(U'a', 1U));
  EXPECT_EQ(read("\xc3\xa9x"), std::tuple(U'\u00e9', 2U));
  EXPECT_EQ(read("\xe4\xbd\xa0"), std::tuple(U'\u4f60', 3U));
  EXPECT_EQ(read("\xf0\x9f\x9a\x80"), std::tuple(U'\U0001f680', 4U));
  EXPECT_EQ(read(std::string_view("\0", 1)), std::tuple(U'\0', 1U));
  EXPECT_EQ(read(""), std::tuple(Utf8Character::kBroken, 0U));
}

TEST(Utf8, BrokenBytesAreFoundWhereTheyLie) {
  EXPECT_EQ(broken_utf8_at("plain, \xc3\xa9 and \xe4\xbd\xa0"), std::nullopt);
  for (const char* broken : {"\xe9", "\x80", "\xc0\xaf", "\xc3", "\xe4\xbd", "\xed\xa0\x80", "\xe0\x80\xaf",
                             "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc3(", "\xff"}) {
    EXPECT_EQ(broken_utf8_at(std::string("a\xc3\xa9") + broken), 3U) << broken;
  }
}

}  // namespace
}  // namespace gpuscale::base
