// SPDX-License-Identifier: Apache-2.0
#include "metrics/line_protocol.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace gpuscale::metrics {
namespace {

constexpr std::int64_t kNow = 1'500'000'000'123'456'789;

ParsedLines parse(std::string_view body) {
  return parse_lines(body, Precision::kNanos, kNow);
}

struct Verdict {
  std::string_view line;
  std::string_view error;  ///< after "unable to parse '<line>': "; empty = accepted
};

// Source: each line sent to InfluxDB 1.6.7 and its answer. Lines that its store refused (a field called time,
// a conflict of types) parse well and count as accepted here.
constexpr Verdict kObserved[] = {
    {"lp f=1 1", ""},
    {"lp f=1.5 2", ""},
    {"lp f=-1e3 3", ""},
    {"lp f=+2 4", "invalid boolean"},
    {"lp i=1i 5", ""},
    {"lp i=-9223372036854775808i 6", ""},
    {"lp i=9223372036854775808i 7",
     "unable to parse integer 9223372036854775808: strconv.ParseInt: parsing \"9223372036854775808\": value "
     "out of range"},
    {"lp b=t 8", ""},
    {"lp b=T,c=true 9", ""},
    {"lp b=True,c=TRUE,d=f,e=F,g=false,h=False,j=FALSE 10", ""},
    {"lp b=tRUE 11", "invalid boolean"},
    {"lp s=\"\" 12", ""},
    {"lp s=\"a\\\"b\\\\c,d e=f\" 13", ""},
    {"lp s=\"new\nline\" 14", ""},
    {"lp s='single' 15", "invalid boolean"},
    {"lp f=1i,f2=2u 16", "invalid number"},
    {"lp f=nan 17", "invalid number"},
    {"lp f=NaN 18", "invalid number"},
    {"lp f=inf 19", "invalid boolean"},
    {"lp f=0x10 20", "invalid number"},
    {"lp f=1_000 21", "invalid number"},
    {"lp f= 22", "missing field value"},
    {"lp =1 23", "missing field key"},
    {"lp f 24", "invalid field format"},
    {"lp 25", "invalid field format"},
    {",t=1 f=1 26", "missing measurement"},
    {"lp,t= f=1 27", "missing tag value"},
    {"lp,=v f=1 28", "missing tag key"},
    {"lp,t f=1 29", "missing tag value"},
    {"lp,t=a,t=b f=1 30", "duplicate tags"},
    {"lp,b=2,a=1 f=1 31", ""},
    {"lp,a=1,b=2 f=2 32", ""},
    {"lp\\ x f=1 33", ""},
    {"lp\\,x f=1 34", ""},
    {"lp,ta\\=g=v\\ 1\\,2 fi\\=e\\,l\\ d=1 35", ""},
    {"# comment", ""},
    {"", ""},
    {"   ", ""},
    {"lp  f=1  36", ""},
    {"lp f=1 , 37", "bad timestamp"},
    {"lp f=1, 38", "invalid field format"},
    {"lp, f=1 39", "missing tag key"},
    {"lp f=1 40 41", "point is invalid"},
    {"lp f=1 4x", "bad timestamp"},
    {"lp f=1 -5", ""},
    {"lp f=1 9223372036854775807", "time outside range -9223372036854775806 - 9223372036854775806"},
    {"lp f=1 -9223372036854775808", "time outside range -9223372036854775806 - 9223372036854775806"},
    {"lp f=1 9223372036854775806", ""},
    {"lp f=1 -9223372036854775806", ""},
    {"lp time=5 42", ""},
    {"lp,time=x f=1 43", ""},
    {"lp,host=\"q\" f=1 44", ""},
    {"lp f=\"x\" 45", ""},
    {"lp f=\"unterminated 46", "unbalanced quotes"},
    {"lp f=1 47\r", "bad timestamp"},
    {"lp f=.5 48", ""},
    {"lp f=5. 49", ""},
    {"lp f=1e400 50", "invalid float"},
    {"lp f=- 51", "invalid number"},
    {"lp f=--1 52", "invalid number"},
    {"lp f=1ii 53", "invalid number"},
    {"lp f=1.5i 54", "invalid number"},
    {"lp f=00012 55", ""},
    {"lp f=-0 56", ""},
    {"lp f=1,,g=2 57", "invalid field format"},
    {"lp,a=1,,b=2 f=1 58", "missing tag key"},
    {"lp f==1 59", "invalid boolean"},
    {"\tlp f=1 60", ""},
    {"lp\tf=1 61", "invalid field format"},
    {"lp,t=\xc3"
     "\xa9"
     " f=1 62",
     ""},
    {"lp f=t1 63", "invalid boolean"},
    {"lp,a=b=c f=1 64", "invalid tag format"},
    {"lp f=a\"b\" 65", "invalid boolean"},
    {"lp f=\"a\"b 66", ""},
    {"lp f=\"a\"\"b\" 67", ""},
    {"lp\\\\,a=b f=1 68", ""},
    {"lp,a=b\\ f=1 69", "invalid tag format"},
    {"lp,a=\\b f=1 70", ""},
    {"lp,_field=x f=1 71", ""},
    {"lp f\\\"x=1 72", ""},
    {"\"lp\" f=1 73", ""},
    {"lp,\"a\"=\"b\" \"f\"=1 74", ""},
};

TEST(ParseLines, JudgesEveryLineAsInfluxDb167Does) {
  for (const Verdict& verdict : kObserved) {
    const ParsedLines parsed = parse(verdict.line);
    if (verdict.error.empty()) {
      EXPECT_TRUE(parsed.errors.empty()) << verdict.line << " -> " << parsed.errors.front();
      continue;
    }
    EXPECT_TRUE(parsed.points.empty()) << verdict.line;
    ASSERT_EQ(parsed.errors.size(), 1U) << verdict.line;
    EXPECT_EQ(parsed.errors.front(),
              "unable to parse '" + std::string(verdict.line) + "': " + std::string(verdict.error));
  }
}

TEST(ParseLines, KeepsTheGoodLinesBesideTheBadOnes) {
  const auto parsed = parse("w,t=g v=1 20\nw,t=g v=bad 21\n\n# note\nw,t=g v=3 22\n");
  ASSERT_EQ(parsed.points.size(), 2U);
  EXPECT_EQ(parsed.points[0].time_ns, 20);
  EXPECT_EQ(parsed.points[1].time_ns, 22);
  EXPECT_EQ(parsed.errors, std::vector<std::string>{"unable to parse 'w,t=g v=bad 21': invalid boolean"});
}

TEST(ParseLines, RefusesCarriageReturns) {
  const auto parsed = parse("w v=4 4\r\nw v=5 5\r\n");
  EXPECT_TRUE(parsed.points.empty());
  EXPECT_EQ(parsed.errors, (std::vector<std::string>{"unable to parse 'w v=4 4\r': bad timestamp",
                                                     "unable to parse 'w v=5 5\r': bad timestamp"}));
}

TEST(ParseLines, ReadsEveryTypeOfValue) {
  const auto parsed = parse(R"(m f=1.5,i=-3i,s="a b,c=d",b=T,e=-2.5e-3,x=0.30000000000000004,z=f 7)");
  ASSERT_EQ(parsed.points.size(), 1U);
  const auto fields = parsed.points[0].fields;
  ASSERT_EQ(fields.size(), 7U);
  EXPECT_EQ(std::get<double>(fields[0].value), 1.5);
  EXPECT_EQ(std::get<std::int64_t>(fields[1].value), -3);
  EXPECT_EQ(std::get<std::string_view>(fields[2].value), "a b,c=d");
  EXPECT_EQ(std::get<bool>(fields[3].value), true);
  EXPECT_EQ(std::get<double>(fields[4].value), -2.5e-3);
  EXPECT_EQ(std::get<double>(fields[5].value), 0.30000000000000004);
  EXPECT_EQ(std::get<bool>(fields[6].value), false);
}

struct FloatCase {
  std::string_view text;
  double value;
};

TEST(ParseLines, RoundsNumbersToTheNearestDouble) {
  constexpr FloatCase kCases[] = {{"0.1", 0.1},
                                  {"123456789012345678", 123456789012345678.0},
                                  {"9007199254740993", 9007199254740993.0},
                                  {"1234567890.12345678", 1234567890.12345678},
                                  {"179769313486231570000000000000000000000", 1.7976931348623157e38},
                                  {"1e-400", 0.0},
                                  {"4.9e-324", 4.9e-324},
                                  {"-0", -0.0},
                                  {"00000000000000000000012", 12.0}};
  for (const FloatCase& c : kCases) {
    const auto parsed = parse("m f=" + std::string(c.text));
    ASSERT_EQ(parsed.points.size(), 1U) << c.text;
    EXPECT_EQ(std::get<double>(parsed.points[0].fields[0].value), c.value) << c.text;
  }
}

TEST(ParseLines, UnescapesNamesAndStringsOnly) {
  const auto parsed = parse(R"(m\,\ x\=,ta\=g=v\ 1\,2\y fi\=e\,l\"\ d="q\"b\\n\n" 1)");
  ASSERT_EQ(parsed.points.size(), 1U);
  EXPECT_EQ(parsed.points[0].measurement, "m, x=");
  EXPECT_EQ(parsed.points[0].tags[0].key, "ta=g");
  EXPECT_EQ(parsed.points[0].tags[0].value, R"(v 1,2\y)");
  EXPECT_EQ(parsed.points[0].fields[0].key, "fi=e,l\" d");
  EXPECT_EQ(std::get<std::string_view>(parsed.points[0].fields[0].value), R"(q"b\n\n)");
}

TEST(ParseLines, UnescapesAnEqualsSignInAMeasurementToo) {
  const ParsedLines lines = parse("aa\\=b v=1 1\nx\\=y\\,z v=1 1\na\\b v=1 1\n");
  ASSERT_EQ(lines.points.size(), 3U);
  EXPECT_EQ(lines.points[0].measurement, "aa=b");
  EXPECT_EQ(lines.points[1].measurement, "x=y,z");
  EXPECT_EQ(lines.points[2].measurement, "a\\b");
}

TEST(ParseLines, TheLastNewlineIsNoPartOfAnOpenText) {
  EXPECT_THAT(parse("m s=\"open\n").errors, ElementsAre("unable to parse 'm s=\"open': unbalanced quotes"));
  EXPECT_THAT(parse("m s=\"open\n\n").errors,
              ElementsAre("unable to parse 'm s=\"open\n': unbalanced quotes"));
}

TEST(ParseLines, KeepsNewlinesInsideQuotedValues) {
  const auto parsed = parse("m s=\"one\ntwo\" 1\nm f=2 2");
  ASSERT_EQ(parsed.points.size(), 2U);
  EXPECT_EQ(std::get<std::string_view>(parsed.points[0].fields[0].value), "one\ntwo");
  EXPECT_EQ(parsed.points[1].time_ns, 2);
}

TEST(ParseLines, SortsTags) {
  const auto parsed = parse("m,b=2,c=3,a=1 f=1");
  ASSERT_EQ(parsed.points.size(), 1U);
  const auto tags = parsed.points[0].tags;
  ASSERT_EQ(tags.size(), 3U);
  EXPECT_EQ(tags[0].key, "a");
  EXPECT_EQ(tags[0].value, "1");
  EXPECT_EQ(tags[2].key, "c");
}

TEST(ParseLines, KeepsItsViewsThroughAMove) {
  std::string body;
  for (int i = 0; i < 500; ++i) {
    body +=
        "m,a=x\\ y,n=" + std::to_string(i) + " f=" + std::to_string(i) + ",g=1i " + std::to_string(i) + "\n";
  }
  auto first = parse(body);
  const ParsedLines parsed = std::move(first);
  ASSERT_EQ(parsed.points.size(), 500U);
  for (int i = 0; i < 500; ++i) {
    const auto& point = parsed.points[static_cast<std::size_t>(i)];
    EXPECT_EQ(point.tags[0].value, "x y");
    EXPECT_EQ(point.tags[1].value, std::to_string(i));
    EXPECT_EQ(std::get<double>(point.fields[0].value), i);
    EXPECT_EQ(point.time_ns, i);
  }
}

TEST(ParseLines, ScalesTimesByThePrecisionAndCutsNowToIt) {
  struct Case {
    std::string_view precision;
    std::int64_t seven;
    std::int64_t now;
  };
  constexpr Case kCases[] = {{"ns", 7, kNow},
                             {"n", 7, kNow},
                             {"", 7, kNow},
                             {"fortnight", 7, kNow},
                             {"u", 7'000, 1'500'000'000'123'456'000},
                             {"ms", 7'000'000, 1'500'000'000'123'000'000},
                             {"s", 7'000'000'000, 1'500'000'000'000'000'000},
                             {"m", 420'000'000'000, 1'500'000'000'000'000'000},
                             {"h", 25'200'000'000'000, 1'499'997'600'000'000'000}};
  for (const Case& c : kCases) {
    const auto parsed = parse_lines("m f=1 7\nm f=1", parse_precision(c.precision), kNow);
    ASSERT_EQ(parsed.points.size(), 2U);
    EXPECT_EQ(parsed.points[0].time_ns, c.seven) << c.precision;
    EXPECT_EQ(parsed.points[1].time_ns, c.now) << c.precision;
  }
}

TEST(ParseLines, RefusesTimesThatOverflowInTheirPrecision) {
  const auto parsed = parse_lines("m f=1 9223372036854775806", Precision::kSeconds, kNow);
  ASSERT_EQ(parsed.errors.size(), 1U);
  EXPECT_EQ(parsed.errors[0],
            "unable to parse 'm f=1 9223372036854775806': time outside range -9223372036854775806 - "
            "9223372036854775806");
}

TEST(ParseLines, RefusesKeysLongerThanInfluxDbTakes) {
  const std::string name(65'536, 'm');
  const auto parsed = parse(name + " f=1");
  ASSERT_EQ(parsed.errors.size(), 1U);
  EXPECT_TRUE(parsed.errors[0].ends_with("max key length exceeded: 65536 > 65535"));
  EXPECT_TRUE(parse(std::string(60'000, 'm') + " f=1").errors.empty());
  EXPECT_EQ(parse(std::string(60'000, 'm') + " " + std::string(6'000, 'f') + "=1").errors.size(), 1U);
}

TEST(AppendLine, WritesTagsSortedAndTextEscaped) {
  Point point{.measurement = "g p,u",
              .tags = {{"node", "n 1"}, {"a=b", "x,y"}, {"none", ""}},
              .fields = {{"f", 1.5}, {"i", std::int64_t{-2}}, {"s", std::string("q\"\\")}, {"b", true}},
              .time_ns = 12};
  std::string out;
  ASSERT_TRUE(append_line(out, point));
  EXPECT_EQ(out, "g\\ p\\,u,a\\=b=x\\,y,node=n\\ 1 f=1.5,i=-2i,s=\"q\\\"\\\\\",b=true 12\n");
}

TEST(AppendLine, LeavesOutWhatLineProtocolCannotSay) {
  std::string out;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(append_line(out, Point{.measurement = "m", .fields = {{"f", nan}}}));
  EXPECT_EQ(out, "");
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(append_line(out, Point{.measurement = "m", .fields = {{"f", infinity}, {"g", 1.0}}}));
  EXPECT_EQ(out, "m g=1\n");
}

TEST(SeriesKey, EscapesAsLineProtocolDoes) {
  const Tags tags{{"ta=g", "v 1,2"}, {"z", "w"}};
  EXPECT_EQ(series_key("lp x", tags), "lp\\ x,ta\\=g=v\\ 1\\,2,z=w");
  EXPECT_EQ(series_key("lp", Tags{}), "lp");
}

TEST(TagValue, IsEmptyWhereTheTagIsMissing) {
  const Tags tags{{"a", "1"}, {"c", "3"}};
  EXPECT_EQ(tag_value(tags, "c"), "3");
  EXPECT_EQ(tag_value(tags, "b"), "");
}

}  // namespace
}  // namespace gpuscale::metrics
