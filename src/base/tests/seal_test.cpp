// SPDX-License-Identifier: Apache-2.0
#include "base/seal.h"

#include <gmock/gmock.h>

#include "base/digest.h"

namespace gpuscale::base {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

SealingKey key_of(char digit) {
  return *SealingKey::parse(Secret(std::string(64, digit)));
}

TEST(Seal, OpensWhatItSealedInItsPlaceAlone) {
  const SealingKey key = key_of('a');
  const std::string sealed = key.seal(Secret("hunter2"), "channels/slack/url");
  EXPECT_THAT(sealed, Not(HasSubstr("hunter2")));
  const auto opened = key.open(sealed, "channels/slack/url");
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->reveal(), "hunter2");
  const auto moved = key.open(sealed, "channels/other/url");
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code(), Errc::kCorrupt);
  EXPECT_EQ(key.open(key.seal(Secret(), "x"), "x")->reveal(), "");
}

TEST(Seal, NeverSealsTheSameTwiceAlike) {
  const SealingKey key = key_of('a');
  EXPECT_NE(key.seal(Secret("s"), "p"), key.seal(Secret("s"), "p"));
}

TEST(Seal, NamesTheOtherKey) {
  const auto opened = key_of('b').open(key_of('a').seal(Secret("s"), "p"), "p");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Errc::kForbidden);
  EXPECT_THAT(opened.error().message(), HasSubstr(key_of('a').id()));
  EXPECT_THAT(opened.error().message(), HasSubstr(key_of('b').id()));
}

TEST(Seal, RefusesWhatWasAltered) {
  const SealingKey key = key_of('a');
  const std::string sealed = key.seal(Secret("hunter2"), "p");
  const std::size_t head = sealed.rfind('.') + 1;
  std::string bytes = base64_decode(sealed.substr(head));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string altered = bytes;
    altered[i] = static_cast<char>(altered[i] ^ 1);
    EXPECT_FALSE(key.open(sealed.substr(0, head) + base64_encode(altered), "p")) << i;
  }
  for (const char* text : {"", "v1.", "v1.x", "v2.abc", "hunter2"}) EXPECT_FALSE(key.open(text, "p")) << text;
  EXPECT_FALSE(key.open(sealed.substr(0, head), "p"));
}

TEST(Seal, TakesSixtyFourHexDigitsAsAKey) {
  EXPECT_FALSE(SealingKey::parse(Secret("abc")));
  EXPECT_FALSE(SealingKey::parse(Secret(std::string(64, 'g'))));
  EXPECT_FALSE(SealingKey::parse(Secret(std::string(66, 'a'))));
  const auto bad = SealingKey::parse(Secret("topsecret"));
  EXPECT_THAT(bad.error().message(), Not(HasSubstr("topsecret")));
}

}  // namespace
}  // namespace gpuscale::base
