// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <sstream>

#include "base/counted.h"
#include "base/digest.h"
#include "base/duration.h"
#include "base/floor_division.h"
#include "base/result.h"
#include "base/rfc3339.h"
#include "base/secret.h"
#include "base/strong_id.h"

namespace gpuscale::base {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

using NodeId = StrongId<struct NodeTag>;
using PoolId = StrongId<struct PoolTag>;
static_assert(!std::is_constructible_v<NodeId, PoolId>);
static_assert(!std::is_convertible_v<std::string, NodeId>);

Result<int> half(int n) {
  if (n % 2 != 0) return fail(Errc::kInvalidArgument, "odd");
  return n / 2;
}

Result<int> quarter(int n) {
  GS_TRY(const int once, half(n));
  GS_TRY(const int twice, half(once));
  return twice;
}

TEST(Result, TryHandsOnTheFirstError) {
  ASSERT_TRUE(quarter(8));
  EXPECT_EQ(*quarter(8), 2);
  ASSERT_FALSE(quarter(6));
  EXPECT_EQ(quarter(6).error().message(), "odd");
}

TEST(Error, OnlyPassingTroubleIsRetryable) {
  EXPECT_TRUE(fail(Errc::kTimeout, "").retryable());
  EXPECT_TRUE(fail(Errc::kUnavailable, "").retryable());
  EXPECT_FALSE(fail(Errc::kNotFound, "").retryable());
  EXPECT_FALSE(fail(Errc::kUnauthenticated, "").retryable());
}

TEST(Duration, ReadsWhatPeopleWrite) {
  EXPECT_EQ(*parse_duration("30s"), seconds{30});
  EXPECT_EQ(*parse_duration("1h30m"), minutes{90});
  EXPECT_EQ(*parse_duration("250ms"), milliseconds{250});
  EXPECT_EQ(*parse_duration("2w"), hours{24 * 14});
  EXPECT_EQ(*parse_duration("5u"), Nanos{5000});
  EXPECT_EQ(*parse_duration("5\u00b5s"), Nanos{5000});
  EXPECT_EQ(*parse_duration("0"), Nanos{0});
}

TEST(Duration, RefusesWhatItCannotRead) {
  for (const char* text : {"", "s", "30", "-5s", "1.5h", "3 s", "1y", "9999999999w", "1m s"}) {
    const auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), Errc::kInvalidArgument) << text;
  }
}

TEST(Duration, PrintsWhatItReads) {
  for (const char* text : {"30s", "1h30m", "250ms", "1d", "2w3d4h5m6s7ms8us9ns"}) {
    EXPECT_EQ(format_duration(*parse_duration(text)), text);
  }
  EXPECT_EQ(format_duration(Nanos{0}), "0s");
  EXPECT_EQ(format_duration(-seconds{90}), "-1m30s");
}

TEST(Duration, ForPeopleIsWholeSecondsUpForWhatIsLeftAndDownForWhatHasPassed) {
  EXPECT_EQ(format_left(milliseconds{3'002}), "4s");
  EXPECT_EQ(format_left(Nanos{1}), "1s");
  EXPECT_EQ(format_left(milliseconds{-5}), "0s");
  EXPECT_EQ(format_passed(milliseconds{90'999}), "1m30s");
  EXPECT_EQ(format_passed(milliseconds{-5}), "0s");
}

TEST(Counted, OneIsSingular) {
  EXPECT_EQ(counted(1, "node"), "1 node");
  EXPECT_EQ(counted(0, "node"), "0 nodes");
  EXPECT_EQ(counted(2, "has gone", "have gone"), "2 have gone");
}

TEST(Rfc3339, InSentencesKeepsToTheSecond) {
  EXPECT_EQ(format_second(*parse_rfc3339("2026-11-24T02:15:36.987654321Z")), "2026-11-24T02:15:36Z");
}

TEST(Rfc3339, RoundTrips) {
  for (const char* text :
       {"2026-11-24T02:15:36Z", "1969-12-31T23:59:59.999999999Z", "2000-02-29T00:00:00.5Z"}) {
    ASSERT_TRUE(parse_rfc3339(text)) << text;
    EXPECT_EQ(format_rfc3339(*parse_rfc3339(text)), text);
  }
}

TEST(Rfc3339, TakesOffsets) {
  EXPECT_EQ(format_rfc3339(*parse_rfc3339("2026-11-24T08:00:00+08:00")), "2026-11-24T00:00:00Z");
  EXPECT_EQ(format_rfc3339(*parse_rfc3339("2026-11-23T19:30:00-04:30")), "2026-11-24T00:00:00Z");
}

TEST(Rfc3339, RefusesImpossibleTimes) {
  for (const char* text :
       {"", "2026", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx", "9999-01-01T00:00:00Z"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

TEST(Secret, DoesNotPrintItself) {
  std::ostringstream out;
  out << Secret{"hunter2"};
  EXPECT_EQ(out.str(), "***");
}

TEST(Secret, ComparesWhole) {
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "ab"));
  EXPECT_FALSE(equal_in_constant_time("ab", "abab"));
  EXPECT_FALSE(equal_in_constant_time("abab", "ab"));
  EXPECT_FALSE(equal_in_constant_time("a", ""));
}

TEST(Digest, AgreesWithPublishedVectors) {
  // FIPS 180-2 "abc"; RFC 4231 case 2.
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hmac_sha256_hex("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Digest, PasswordsVerifyAndNothingElseDoes) {
  const std::string stored = hash_password("correct horse");
  EXPECT_TRUE(verify_password("correct horse", stored));
  EXPECT_FALSE(verify_password("correct hors", stored));
  EXPECT_FALSE(verify_password("correct horse", "plain"));
  EXPECT_NE(stored, hash_password("correct horse"));
}

TEST(Digest, Base64RoundTrips) {
  for (const char* text : {"a", "ab", "abc", "user:pass"})
    EXPECT_EQ(base64_decode(base64_encode(text)), text);
  EXPECT_EQ(base64_decode("not base64!"), "");
}

TEST(Digest, RandomSecretsDiffer) {
  EXPECT_NE(random_secret().reveal(), random_secret().reveal());
}

TEST(FloorDivision, RoundsDownOnBothSidesOfZero) {
  for (std::int64_t number = -25; number <= 25; ++number) {
    const std::int64_t rest = floor_rest(number, 7);
    EXPECT_GE(rest, 0) << number;
    EXPECT_LT(rest, 7) << number;
    EXPECT_EQ(floor_divided(number, 7) * 7 + rest, number);
  }
}

}  // namespace
}  // namespace gpuscale::base
