// SPDX-License-Identifier: Apache-2.0
/// Properties over random input with a fixed seed: what is written is read back, and no input whatever breaks
/// the parser or makes its two readers disagree.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <iterator>
#include <random>
#include <utility>

#include "metrics/line_exact.h"
#include "metrics/line_protocol.h"

namespace gpuscale::metrics {
namespace {

constexpr std::uint64_t kSeed = 20'170'714;

class Random {
 public:
  std::uint64_t below(std::uint64_t n) { return engine_() % n; }
  std::string text(std::string_view alphabet, std::size_t min, std::size_t max) {
    std::string out;
    const std::size_t size = min + below(max - min + 1);
    while (out.size() < size) out.push_back(alphabet[below(alphabet.size())]);
    return out;
  }
  std::uint64_t bits() { return engine_(); }

 private:
  std::mt19937_64 engine_{kSeed};
};

constexpr std::string_view kNameAlphabet = "abcXYZ019_-. ,=\"'/\xc3\xa9";
constexpr std::string_view kStringAlphabet = "ab 01,=\"\\\n'\t\r";

FieldValue random_value(Random& random) {
  switch (random.below(4)) {
    case 0: {
      const auto bits = random.bits();
      double value = 0;
      static_assert(sizeof value == sizeof bits);
      std::memcpy(&value, &bits, sizeof value);
      return std::isfinite(value) ? value : 0.25;
    }
    case 1:
      return static_cast<std::int64_t>(random.bits());
    case 2:
      return random.text(kStringAlphabet, 0, 12);
    default:
      return random.below(2) == 0;
  }
}

Point random_point(Random& random) {
  Point point;
  point.measurement = "m" + random.text(kNameAlphabet, 0, 8);
  for (std::uint64_t i = 0, n = random.below(5); i < n; ++i) {
    point.tags.push_back(
        {std::to_string(i) + random.text(kNameAlphabet, 0, 6), random.text(kNameAlphabet, 1, 9)});
  }
  for (std::uint64_t i = 0, n = 1 + random.below(6); i < n; ++i) {
    // A quote in a field key is written plain and read plain; only InfluxDB's own \" would be unescaped.
    point.fields.push_back(
        {"f" + std::to_string(i) + random.text(kNameAlphabet, 0, 6), random_value(random)});
  }
  if (random.below(4) != 0) point.time_ns = static_cast<std::int64_t>(random.bits() >> 2U);
  return point;
}

TEST(LineProtocol, ReadsBackWhatItWrote) {
  Random random;
  constexpr std::int64_t kNow = 77;
  for (int round = 0; round < 3'000; ++round) {
    const Point point = random_point(random);
    std::string line;
    ASSERT_TRUE(append_line(line, point));
    const auto parsed = parse_lines(line, Precision::kNanos, kNow);
    ASSERT_TRUE(parsed.errors.empty()) << line << parsed.errors.front();
    ASSERT_EQ(parsed.points.size(), 1U) << line;
    const PointView& view = parsed.points.front();
    EXPECT_EQ(view.measurement, point.measurement);
    EXPECT_EQ(view.time_ns, point.time_ns.value_or(kNow));
    ASSERT_EQ(view.tags.size(), point.tags.size()) << line;
    for (std::size_t i = 0; i < view.tags.size(); ++i) {
      EXPECT_EQ(view.tags[i].key, point.tags[i].key) << line;
      EXPECT_EQ(view.tags[i].value, point.tags[i].value) << line;
    }
    ASSERT_EQ(view.fields.size(), point.fields.size()) << line;
    for (std::size_t i = 0; i < view.fields.size(); ++i) {
      EXPECT_EQ(view.fields[i].key, point.fields[i].key) << line;
      std::visit(
          [&](const auto& value) {
            using Value = std::decay_t<decltype(value)>;
            if constexpr (std::is_same_v<Value, std::string_view>) {
              EXPECT_EQ(value, std::get<std::string>(point.fields[i].value)) << line;
            } else {
              EXPECT_EQ(value, std::get<Value>(point.fields[i].value)) << line;
            }
          },
          view.fields[i].value);
    }
  }
}

std::string dump(const ParsedLines& parsed) {
  std::string out;
  for (const PointView& point : parsed.points) {
    out += std::string(point.measurement) + "|" + std::to_string(point.time_ns);
    for (const TagView& tag : point.tags) out += "|" + std::string(tag.key) + "=" + std::string(tag.value);
    for (const FieldView& field : point.fields) {
      out += "|" + std::string(field.key) + ":" + std::to_string(field.value.index()) + ":";
      std::visit(
          [&](const auto& value) {
            if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string_view>) {
              out += value;
            } else {
              out.append(reinterpret_cast<const char*>(&value), sizeof value);
            }
          },
          field.value);
    }
    out += "\n";
  }
  for (const std::string& error : parsed.errors) out += error + "\n";
  return out;
}

/// What the reader says beside the points is true, whatever else it is.
void expect_hints_to_hold(const ParsedLines& parsed, const std::string& body) {
  for (std::size_t i = 0; i < parsed.points.size(); ++i) {
    const PointView& point = parsed.points[i];
    if (!point.tag_text.empty()) {
      ASSERT_EQ(point.tag_text, line_tags(point.tags)) << body;
      for (const TagView& tag : point.tags)
        ASSERT_EQ((std::string(tag.key) + std::string(tag.value)).find('\\'), std::string::npos) << body;
    }
    if (!point.same_keys) continue;
    ASSERT_GT(i, 0U) << body;
    const auto before = parsed.points[i - 1].fields;
    ASSERT_TRUE(std::equal(point.fields.begin(), point.fields.end(), before.begin(), before.end(),
                           [](const FieldView& a, const FieldView& b) { return a.key == b.key; }))
        << body;
  }
}

/// The same body through the exact reader alone.
ParsedLines parse_exactly(std::string_view body, std::int64_t now) {
  ParsedLines out;
  std::vector<std::pair<std::size_t, std::size_t>> extents;
  for (std::size_t at = 0; at < body.size(); ++at) {
    const std::size_t end = find_line_end(body, at);
    std::string_view line = body.substr(at, end - at);
    at = end;
    while (!line.empty() && (line[0] == ' ' || line[0] == '\t' || line[0] == '\0')) line.remove_prefix(1);
    if (line.empty() || line[0] == '#') continue;
    if (line.ends_with('\n')) line.remove_suffix(1);
    const auto tags = out.tag_storage.size();
    const auto fields = out.field_storage.size();
    PointView point{};
    if (auto error = parse_exact_line(line, {Precision::kNanos, now}, out, point); !error.empty()) {
      out.errors.push_back("unable to parse '" + std::string(line) + "': " + error);
      out.tag_storage.cut(tags);
      out.field_storage.cut(fields);
      continue;
    }
    out.points.push_back(point);
    extents.emplace_back(tags, fields);
  }
  for (std::size_t i = 0; i < out.points.size(); ++i) {
    const bool last = i + 1 == out.points.size();
    const auto tags_end = last ? out.tag_storage.size() : extents[i + 1].first;
    const auto fields_end = last ? out.field_storage.size() : extents[i + 1].second;
    out.points[i].tags = out.tag_storage.part(extents[i].first, tags_end - extents[i].first);
    out.points[i].fields = out.field_storage.part(extents[i].second, fields_end - extents[i].second);
  }
  return out;
}

TEST(LineProtocol, QuickAndExactReadersAgreeOnMutatedBodies) {
  constexpr std::string_view kSeedBody =
      "gpu,cluster=c,node=n1 utilization_gpu=97.5,memory_used_bytes=123i,ok=true,s=\"x y\" "
      "1500000000000000000\n"
      "gpu,node=n\\ 2 f=1e5,g=-3i,h=F 12\n# c\n\nm f=0.1\n";
  constexpr std::string_view kBytes =
      "\n\n ,,==\"\"\\\\\t\r#-+.eE0199itTfFNnu\x00\xff"
      "abc";
  Random random;
  for (int round = 0; round < 40'000; ++round) {
    std::string body(kSeedBody);
    for (std::uint64_t i = 0, n = 1 + random.below(6); i < n && !body.empty(); ++i) {
      const std::size_t at = random.below(body.size());
      switch (random.below(4)) {
        case 0:
          body[at] = kBytes[random.below(kBytes.size())];
          break;
        case 1:
          body.insert(at, 1, kBytes[random.below(kBytes.size())]);
          break;
        case 2:
          body.erase(at, 1 + random.below(4));
          break;
        default:
          body.resize(at);
      }
    }
    const ParsedLines parsed = parse_lines(body, Precision::kNanos, 5);
    ASSERT_EQ(dump(parsed), dump(parse_exactly(body, 5))) << body;
    expect_hints_to_hold(parsed, body);
  }
}

TEST(LineProtocol, LinesThatLookLikeTheOneBeforeAreKnown) {
  const ParsedLines parsed = parse_lines(
      "gpu,node=a u=1,p=2 10\ngpu,node=b u=3,p=4i 10\ngpu,node=b u=3 10\nnonsense\ngpu,node=b u=4 11\n"
      "gpu,node=b v=4 11\ngpu,node=b  v=5 11\ngpu,node=b\\x v=6 11\ngpu,node=b v=7\n",
      Precision::kNanos, 5);
  std::vector<bool> same;
  std::vector<std::string_view> tags;
  for (const PointView& point : parsed.points) {
    same.push_back(point.same_keys);
    tags.push_back(point.tag_text);
  }
  // Those of the exact reader, whose spaces or backslashes are odd, and those behind it claim nothing.
  EXPECT_EQ(same, (std::vector<bool>{false, true, false, true, false, false, false, false}));
  EXPECT_EQ(tags, (std::vector<std::string_view>{",node=a", ",node=b", ",node=b", ",node=b", ",node=b", "",
                                                 "", ",node=b"}));
}

/// What each part holds is dumped before the next one replaces it.
TEST(LineProtocol, ABodyReadInPartsHasTheSamePoints) {
  Random random;
  constexpr std::string_view kLines[] = {
      "gpu,cluster=c,node=n1 a=97.5,b=123i,ok=true,s=\"x\ny\" 1500000000000000000\n",
      "gpu,node=n\\ 2 f=1e5,g=-3i 12\n",
      "m f=0.1\n",
      "# a comment\n",
      "\n",
      "broken\n",
      "m f=bad 3\n",
      "  m\\,x,t=\\=v f=\"q\\\"q\"\n"};
  for (int round = 0; round < 2'000; ++round) {
    std::string body;
    for (std::uint64_t i = 0, n = random.below(30); i < n; ++i)
      body += kLines[random.below(std::size(kLines))];
    if (random.below(2) == 0 && !body.empty()) body.pop_back();
    ParsedLines whole = parse_lines(body, Precision::kNanos, 5);
    const std::vector<std::string> errors = std::exchange(whole.errors, {});
    LineReader reader(body, Precision::kNanos, 5);
    ParsedLines part;
    std::string parts;
    std::size_t points = 0;
    const std::size_t most = 1 + random.below(7);
    while (reader.read(most, part)) {
      ASSERT_LE(part.points.size(), most);
      points += part.points.size();
      expect_hints_to_hold(part, body);
      const std::vector<std::string> so_far = std::exchange(part.errors, {});
      parts += dump(part);
      part.errors = so_far;
    }
    EXPECT_TRUE(part.points.empty());
    ASSERT_EQ(points, whole.points.size());
    ASSERT_EQ(parts, dump(whole)) << body;
    ASSERT_EQ(part.errors, errors) << body;
  }
}

}  // namespace
}  // namespace gpuscale::metrics
