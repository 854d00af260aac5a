// SPDX-License-Identifier: Apache-2.0
/// Times, values, directories, strips, batches and log entries as bytes and back.
#include <gtest/gtest.h>
#include <zstd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "tsdb/batch.h"
#include "tsdb/float_codec.h"
#include "tsdb/log_entry.h"
#include "tsdb/log_frame.h"
#include "tsdb/segment.h"

namespace gpuscale::tsdb {
namespace {

/// Samples as telemetry, people and malice make them.
class SampleMaker {
 public:
  explicit SampleMaker(std::uint32_t seed) : random_(seed) {}

  std::vector<std::int64_t> axis() {
    std::vector<std::int64_t> out;
    std::int64_t at =
        below(3) == 0 ? std::numeric_limits<std::int64_t>::min() + 2 : 1'700'000'000'000'000'000;
    const bool regular = below(2) == 0;
    for (std::size_t i = 1 + below(300); i > 0; --i) {
      out.push_back(at);
      at += regular ? 1'000'000'000 : static_cast<std::int64_t>(1 + below(5'000'000'000));
    }
    if (below(4) == 0) out.push_back(std::numeric_limits<std::int64_t>::max() - 1);
    return out;
  }

  Column column(const std::vector<std::int64_t>& axis) {
    Column column;
    column.type = static_cast<FieldType>(below(4));
    const std::size_t style = below(5);
    const bool full = below(2) == 0;
    for (const std::int64_t time : axis) {
      if (!full && below(3) == 0) continue;
      column.times.push_back(time);
      add(column, style);
    }
    return column;
  }

 private:
  std::size_t below(std::size_t bound) { return random_() % bound; }

  void add(Column& column, std::size_t style) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    constexpr double kOdd[] = {0.0,
                               -0.0,
                               std::numeric_limits<double>::quiet_NaN(),
                               kInfinity,
                               -kInfinity,
                               std::numeric_limits<double>::denorm_min(),
                               std::numeric_limits<double>::max()};
    constexpr std::int64_t kOddIntegers[] = {std::numeric_limits<std::int64_t>::min(),
                                             std::numeric_limits<std::int64_t>::max(), 0, -1};
    switch (column.type) {
      case FieldType::kFloat:
        column.floats.push_back(style == 0 ? kOdd[below(7)]
                                : style == 4
                                    ? 42.5
                                    : static_cast<double>(below(10'000)) / (style == 1 ? 100.0 : 7.0));
        break;
      case FieldType::kInteger:
        column.integers.push_back(style == 0   ? kOddIntegers[below(4)]
                                  : style == 1 ? static_cast<std::int64_t>(column.integers.size()) * 3
                                               : static_cast<std::int64_t>(below(100)) - 50);
        break;
      case FieldType::kBoolean:
        column.booleans.push_back(static_cast<std::uint8_t>(below(2)));
        break;
      case FieldType::kString:
        column.strings.push_back(std::string(below(20), style == 0 ? '\0' : 'x') +
                                 (style == 1 ? "温度\"\n" : ""));
        break;
    }
  }

  std::mt19937 random_;
};

std::vector<std::uint64_t> bits_of(const std::vector<double>& values) {
  std::vector<std::uint64_t> out;
  for (const double value : values) out.push_back(std::bit_cast<std::uint64_t>(value));
  return out;
}

void expect_same(const Column& a, const Column& b, std::uint32_t seed) {
  ASSERT_EQ(a.type, b.type) << seed;
  ASSERT_EQ(a.times, b.times) << seed;
  ASSERT_EQ(bits_of(a.floats), bits_of(b.floats)) << seed;
  ASSERT_EQ(a.integers, b.integers) << seed;
  ASSERT_EQ(a.booleans, b.booleans) << seed;
  ASSERT_EQ(a.strings, b.strings) << seed;
}

TEST(ChunkCodec, GivesBackWhatItWasGivenBitByBit) {
  for (std::uint32_t seed = 0; seed < 1'000; ++seed) {
    SampleMaker maker(seed);
    const auto axis = maker.axis();
    const auto times = decode_axis(encode_axis(axis));
    ASSERT_TRUE(times) << seed << ": " << times.error().message();
    ASSERT_EQ(*times, axis) << seed;
    const Column column = maker.column(axis);
    Column back;
    back.type = column.type;
    const auto done = decode_chunk(encode_chunk(axis, column), axis, back);
    ASSERT_TRUE(done) << seed << ": " << done.error().message();
    expect_same(column, back, seed);
  }
}

TEST(ChunkCodec, GivesSomeRowsAsItGivesAll) {
  for (std::uint32_t seed = 0; seed < 1'000; ++seed) {
    SampleMaker maker(seed);
    const auto axis = maker.axis();
    const Column column = maker.column(axis);
    std::mt19937 random(seed);
    RowRange rows{random() % axis.size(), 0};
    rows.end = rows.begin + random() % (axis.size() - rows.begin + 1);
    Column expected = column;
    if (rows.size() == 0) {
      reset(expected, column.type);
    } else {
      restrict(expected, {axis[rows.begin], axis[rows.end - 1]});
    }
    // Behind what is there already.
    Column some;
    reset(some, column.type);
    if (!column.times.empty()) append_rows(some, column, {0, 1});
    if (!column.times.empty()) some.times.front() = axis.front() - 1;
    Column before = some;
    join(before, expected);
    expected = std::move(before);
    ASSERT_TRUE(append_chunk_rows(encode_chunk(axis, column), axis, rows, some)) << seed;
    expect_same(expected, some, seed);
  }
}

TEST(ChunkCodec, DamageIsAnErrorOrOtherValuesButNeverACrash) {
  std::mt19937 random(5);
  int refused = 0;
  for (std::uint32_t seed = 0; seed < 500; ++seed) {
    SampleMaker maker(seed);
    const auto axis = maker.axis();
    const Column column = maker.column(axis);
    std::string bytes = encode_chunk(axis, column);
    std::string times = encode_axis(axis);
    for (std::string* text : {&bytes, &times}) {
      (*text)[random() % text->size()] ^= static_cast<char>(1U << (random() % 8));
      if (random() % 2 == 0) text->resize(random() % text->size());
    }
    Column back;
    back.type = column.type;
    if (!decode_chunk(bytes, axis, back)) ++refused;
    if (axis.size() > 2) (void)append_chunk_rows(bytes, axis, {1, axis.size() - 1}, back);
    if (!decode_axis(times)) ++refused;
  }
  EXPECT_GT(refused, 300);
}

TEST(ChunkCodec, TelemetryShrinksTenfold) {
  std::mt19937 random(9);
  std::vector<std::int64_t> axis;
  Column utilization;
  int walk = 500;
  for (int i = 0; i < 3'600; ++i) {
    axis.push_back(1'700'000'000'000'000'000 + i * 1'000'000'000LL);
    walk = std::clamp(walk + static_cast<int>(random() % 41) - 20, 0, 1'000);
    utilization.floats.push_back(walk / 10.0);
  }
  utilization.times = axis;
  EXPECT_LT(encode_axis(axis).size(), 20U);
  EXPECT_LT(encode_chunk(axis, utilization).size() * 10, 3'600U * 8U);
}

TEST(FloatCodec, ValuesAtTheEdgesOfWhatIsScaledAtOnceAreKeptToTheBit) {
  std::mt19937_64 random(11);
  for (const int exponent : {0, 20, 46, 49, 50, 51, 52, 53, 54, 60}) {
    for (int round = 0; round < 200; ++round) {
      std::vector<double> values;
      for (int i = 0; i < 70; ++i) {
        const double integer = std::ldexp(1.0, exponent) + static_cast<double>(random() % 9) - 4;
        const double value = integer / (round % 2 == 0 ? 1 : 10);
        values.push_back(random() % 2 == 0 ? value : -value);
      }
      if (round % 7 == 0) values[random() % values.size()] = -0.0;
      if (round % 11 == 0) values[random() % values.size()] = std::numeric_limits<double>::quiet_NaN();
      std::string bytes;
      encode_floats(bytes, values);
      std::vector<double> back;
      ByteReader reader(bytes);
      ASSERT_TRUE(decode_floats(reader, values.size(), back));
      ASSERT_EQ(bits_of(back), bits_of(values)) << exponent << " " << round;
      // Whole numbers and tenths of this size have an integer each.
      const bool plain = round % 7 != 0 && round % 11 != 0 && exponent >= 20 && exponent <= 49;
      if (plain) {
        ASSERT_EQ(bytes[0], round % 2) << exponent << " " << round;
      }
    }
  }
}

/// A segment of three series; the first two share their times.
struct Sealed {
  std::string directory;
  std::string strip;
};
Sealed sealed() {
  const std::vector<std::int64_t> together = {10, 20};
  const std::vector<std::int64_t> alone = {15};
  DirectoryWriter directory;
  directory.add(3, together);
  directory.add(4, together);
  directory.add(9, alone);
  StripWriter strip(FieldType::kInteger);
  Column both;
  both.type = FieldType::kInteger;
  both.times = together;
  both.integers = {1, 2};
  strip.add(together, both);
  strip.add(together, Column{.type = FieldType::kInteger});
  Column one;
  one.type = FieldType::kInteger;
  one.times = alone;
  one.integers = {7};
  strip.add(alone, one);
  return {std::move(directory).take(), std::move(strip).take()};
}

TEST(Segment, FindsItsSeriesAndTheirChunks) {
  const auto segment = Segment::decode({}, sealed().directory);
  ASSERT_TRUE(segment) << segment.error().message();
  const auto strip = Strip::open(sealed().strip, (*segment)->series().size());
  ASSERT_TRUE(strip) << strip.error().message();
  EXPECT_EQ((*segment)->range().min_ns, 10);
  EXPECT_EQ((*segment)->range().max_ns, 20);
  EXPECT_EQ((*segment)->rows(), 5U);
  std::size_t hint = 0;
  EXPECT_EQ((*segment)->find(9, hint), 2U);
  EXPECT_EQ((*segment)->find(3, hint), 0U);
  EXPECT_EQ((*segment)->find(4, hint), 1U);
  EXPECT_EQ((*segment)->find(5, hint), Segment::kNone);
  EXPECT_EQ((*segment)->axis_of(0), (*segment)->axis_of(1));
  EXPECT_NE((*segment)->axis_of(0), (*segment)->axis_of(2));
  EXPECT_TRUE((*strip)->chunk(1).empty());
  Column column;
  column.type = FieldType::kInteger;
  ASSERT_TRUE(decode_chunk((*strip)->chunk(2), *(*segment)->times((*segment)->axis_of(2)), column));
  EXPECT_EQ(column.integers, std::vector<std::int64_t>{7});
}

TEST(Segment, AnyDamageIsSeen) {
  const Sealed whole = sealed();
  for (std::size_t at = 0; at < whole.directory.size(); ++at) {
    std::string bytes = whole.directory;
    bytes[at] ^= 4;
    EXPECT_FALSE(Segment::decode({}, bytes)) << at;
    EXPECT_FALSE(Segment::decode({}, whole.directory.substr(0, at))) << at;
  }
  for (std::size_t at = 0; at < whole.strip.size(); ++at) {
    std::string bytes = whole.strip;
    bytes[at] ^= 4;
    EXPECT_FALSE(Strip::open(bytes, 3)) << at;
  }
  EXPECT_FALSE(Strip::open(whole.strip, 4)) << "of another directory";
}

TEST(Batch, GivesBackRowsOfManyShapes) {
  const std::vector<CellName> wide = {{1, FieldType::kFloat}, {2, FieldType::kInteger}};
  const std::vector<CellName> narrow = {{3, FieldType::kString}, {4, FieldType::kBoolean}};
  BatchWriter writer(7);
  for (int i = 0; i < 3; ++i) {
    const CellValue numbers[] = {{std::bit_cast<std::uint64_t>(1.5), {}},
                                 {static_cast<std::uint64_t>(-i), {}}};
    writer.add_row(5, 100 + i, wide, numbers);
    const CellValue others[] = {{0, "text"}, {1, {}}};
    writer.add_row(6, 50, narrow, others);
  }
  EXPECT_EQ(writer.rows(), 6U);
  const std::string bytes = std::move(writer).take();
  BatchReader reader(bytes);
  EXPECT_EQ(reader.policy(), 7U);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(reader.next_row());
    EXPECT_EQ(reader.series(), 5U);
    EXPECT_EQ(reader.time_ns(), 100 + i);
    ASSERT_EQ(reader.shape().size(), 2U);
    EXPECT_EQ(std::bit_cast<double>(reader.cells()[0].bits), 1.5);
    EXPECT_EQ(static_cast<std::int64_t>(reader.cells()[1].bits), -i);
    ASSERT_TRUE(reader.next_row());
    EXPECT_EQ(reader.cells()[0].text, "text");
    EXPECT_EQ(reader.cells()[1].bits, 1U);
  }
  EXPECT_FALSE(reader.next_row());
  EXPECT_TRUE(reader.ok());
}

std::vector<std::string> batches_of(std::string_view bytes) {
  std::vector<std::string> out;
  EXPECT_TRUE(each_batch(bytes, [&out](std::string_view batch) -> Result<void> {
    out.emplace_back(batch);
    return {};
  }));
  return out;
}

TEST(LogFrame, GivesBackItsBatches) {
  const std::string large(300'000, 'x');
  const std::vector<std::string_view> batches = {"", "a", large, std::string_view("\0b", 2)};
  std::string file = "before it";
  put_frame(file, 5, 17, batches);
  const std::string_view frame = std::string_view(file).substr(9);
  const auto head = FrameHead::read(frame);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->sequence, 17);
  const std::string_view rest = frame.substr(FrameHead::kBytes);
  EXPECT_TRUE(head->fits(5, rest));
  EXPECT_FALSE(head->fits(6, rest)) << "written with another salt";
  EXPECT_FALSE(head->fits(FileHead::kNoSalt, rest));
  EXPECT_EQ(batches_of(rest), (std::vector<std::string>{"", "a", large, std::string("\0b", 2)}));
}

TEST(LogFrame, TellsEveryDamagedByte) {
  std::string frame;
  put_frame(frame, 5, 3, std::vector<std::string_view>{"abc", "defghij"});
  for (std::size_t i = 0; i < frame.size(); ++i) {
    std::string damaged = frame;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    const auto head = FrameHead::read(damaged);
    EXPECT_FALSE(head && head->fits(5, std::string_view(damaged).substr(FrameHead::kBytes))) << "byte " << i;
  }
  EXPECT_FALSE(FrameHead::read(""));
  EXPECT_FALSE(FrameHead::read(std::string_view(frame).substr(0, FrameHead::kBytes - 1)));
}

TEST(LogFrame, ABatchThatRunsPastTheEndIsDamage) {
  std::string bytes;
  put_text(bytes, "whole");
  put_varint(bytes, 100);
  bytes += "not a hundred";
  int seen = 0;
  const auto done = each_batch(bytes, [&seen](std::string_view) -> Result<void> {
    ++seen;
    return {};
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Errc::kCorrupt);
  EXPECT_EQ(seen, 1);
}

TEST(LogEntry, DamageIsAnError) {
  const std::string plain(1'000, 'y');
  std::string entry(ZSTD_compressBound(plain.size()), '\0');
  entry.resize(ZSTD_compress(entry.data(), entry.size(), plain.data(), plain.size(), 1));
  EXPECT_EQ(*decode_log_entry(entry), plain);
  for (const std::string& bytes :
       {std::string(), std::string("rubbish"), entry.substr(0, entry.size() / 2)}) {
    const auto back = decode_log_entry(bytes);
    ASSERT_FALSE(back);
    EXPECT_EQ(back.error().code(), Errc::kCorrupt);
  }
}

}  // namespace
}  // namespace gpuscale::tsdb
