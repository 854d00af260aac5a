// SPDX-License-Identifier: Apache-2.0
#include "tsdb/chunk_codec.h"

#include <algorithm>
#include <array>

#include "tsdb/float_codec.h"
#include "tsdb/packed_integers.h"
#include "tsdb/sample_columns.h"

namespace gpuscale::tsdb {
namespace {

constexpr std::array<std::int64_t, 4> kTimeUnits = {1'000'000'000, 1'000'000, 1'000, 1};
constexpr std::uint8_t kRegular = 4;  ///< added to the unit where all steps are the same
/// Far above what a segment is given; keeps damaged bytes from asking for all memory.
constexpr std::uint64_t kMaxRows = 1U << 23U;
constexpr std::uint8_t kSomeAbsent = 1;

std::size_t time_unit(std::span<const std::int64_t> times) {
  for (std::size_t u = 0; u + 1 < kTimeUnits.size(); ++u) {
    if (std::all_of(times.begin(), times.end(), [u](std::int64_t t) { return t % kTimeUnits[u] == 0; }))
      return u;
  }
  return kTimeUnits.size() - 1;
}

Error damaged_times() {
  return fail(Errc::kCorrupt, "the times of a series do not decode");
}

struct AxisHead {
  AxisExtent extent;
  std::int64_t unit;
  bool regular;
};

bool read_axis_head(ByteReader& reader, AxisHead& head) {
  head.extent.rows = reader.varint();
  const std::uint8_t form = reader.byte();
  const std::uint8_t unit = form & 3U;
  head.regular = (form & kRegular) != 0;
  head.unit = kTimeUnits[unit];
  const std::int64_t first = reader.signed_varint();
  const std::uint64_t span = reader.varint();
  if (!reader.ok() || form > (kRegular | 3U) || head.extent.rows == 0 || head.extent.rows > kMaxRows)
    return false;
  const std::int64_t last = wrapping_add(first, static_cast<std::int64_t>(span));
  if (last < first || __builtin_mul_overflow(first, head.unit, &head.extent.min_ns)) return false;
  return !__builtin_mul_overflow(last, head.unit, &head.extent.max_ns);
}

void put_flags(std::string& out, std::span<const std::uint8_t> flags) {
  for (std::size_t i = 0; i < flags.size(); i += 8) {
    unsigned byte = 0;
    for (std::size_t bit = 0; bit < 8 && i + bit < flags.size(); ++bit) {
      if (flags[i + bit] != 0) byte |= 1U << bit;
    }
    out.push_back(static_cast<char>(byte));
  }
}

bool get_flags(ByteReader& reader, std::size_t count, std::vector<std::uint8_t>& flags) {
  const std::string_view bytes = reader.take((count + 7) / 8);
  if (!reader.ok()) return false;
  const std::size_t first = flags.size();
  flags.resize(first + count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto byte = static_cast<unsigned>(static_cast<unsigned char>(bytes[i / 8]));
    flags[first + i] = static_cast<std::uint8_t>((byte >> (i % 8)) & 1U);
  }
  return true;
}

bool decode_values(ByteReader& reader, std::size_t count, Column& column) {
  switch (column.type) {
    case FieldType::kFloat:
      return decode_floats(reader, count, column.floats);
    case FieldType::kInteger: {
      PackedRuns runs(reader, count);
      while (runs.next()) {
        const auto run = runs.values();
        column.integers.insert(column.integers.end(), run.begin(), run.end());
      }
      return runs.ok();
    }
    case FieldType::kBoolean:
      return get_flags(reader, count, column.booleans);
    case FieldType::kString:
      for (std::size_t i = 0; i < count && reader.ok(); ++i) column.strings.emplace_back(reader.text());
      return reader.ok();
  }
  return false;
}

}  // namespace

std::string encode_axis(std::span<const std::int64_t> times) {
  std::string out;
  const std::size_t unit = time_unit(times);
  std::vector<std::int64_t> steps;
  steps.reserve(times.size());
  for (std::size_t i = 1; i < times.size(); ++i)
    steps.push_back(wrapping_sub(times[i] / kTimeUnits[unit], times[i - 1] / kTimeUnits[unit]));
  const bool regular =
      std::all_of(steps.begin(), steps.end(), [&](std::int64_t step) { return step == steps.front(); });
  put_varint(out, times.size());
  out.push_back(static_cast<char>(unit | (regular ? kRegular : 0U)));
  const std::int64_t first = times.front() / kTimeUnits[unit];
  put_signed(out, first);
  put_varint(out,
             static_cast<std::uint64_t>(times.back() / kTimeUnits[unit]) - static_cast<std::uint64_t>(first));
  if (!regular) pack_integers(out, steps);
  return out;
}

Result<AxisExtent> axis_extent(std::string_view bytes) {
  ByteReader reader(bytes);
  AxisHead head{};
  if (!read_axis_head(reader, head)) return damaged_times();
  return head.extent;
}

Result<std::vector<std::int64_t>> decode_axis(std::string_view bytes) {
  ByteReader reader(bytes);
  AxisHead head{};
  if (!read_axis_head(reader, head)) return damaged_times();
  const std::size_t rows = head.extent.rows;
  std::vector<std::int64_t> times;
  if (head.regular) {
    const auto span =
        static_cast<std::uint64_t>(head.extent.max_ns) - static_cast<std::uint64_t>(head.extent.min_ns);
    if (rows > 1 ? (span == 0 || span % (rows - 1) != 0) : span != 0) return damaged_times();
    times.resize(rows);
    const auto step = static_cast<std::int64_t>(rows > 1 ? span / (rows - 1) : 0);
    std::int64_t at = head.extent.min_ns;
    for (std::int64_t& time : times) {
      time = at;
      at = wrapping_add(at, step);
    }
    return times;
  }
  if (rows / PackedRuns::kMost > reader.left()) return damaged_times();
  times.reserve(rows);
  times.push_back(head.extent.min_ns);
  std::int64_t scaled = head.extent.min_ns / head.unit;
  PackedRuns runs(reader, rows - 1);
  while (runs.next()) {
    for (const std::int64_t step : runs.values()) {
      scaled = wrapping_add(scaled, step);
      std::int64_t time = 0;
      if (__builtin_mul_overflow(scaled, head.unit, &time) || time <= times.back()) return damaged_times();
      times.push_back(time);
    }
  }
  if (!runs.ok() || times.back() != head.extent.max_ns) return damaged_times();
  return times;
}

std::string encode_chunk(std::span<const std::int64_t> axis, const Column& column) {
  std::string out;
  const bool full = column.times.size() == axis.size();
  out.push_back(static_cast<char>(full ? 0 : kSomeAbsent));
  if (!full) {
    std::vector<std::uint8_t> present(axis.size());
    std::size_t at = 0;
    for (std::size_t row = 0; row < axis.size() && at < column.times.size(); ++row) {
      if (column.times[at] != axis[row]) continue;
      present[row] = 1;
      ++at;
    }
    put_flags(out, present);
  }
  switch (column.type) {
    case FieldType::kFloat:
      encode_floats(out, column.floats);
      break;
    case FieldType::kInteger:
      pack_integers(out, column.integers);
      break;
    case FieldType::kBoolean:
      put_flags(out, column.booleans);
      break;
    case FieldType::kString:
      for (const std::string& text : column.strings) put_text(out, text);
      break;
  }
  return out;
}

Result<void> decode_chunk(std::string_view bytes, std::span<const std::int64_t> axis, Column& column) {
  reset(column, column.type);
  ByteReader reader(bytes);
  const std::uint8_t form = reader.byte();
  bool good = reader.ok() && form <= kSomeAbsent;
  if (good && form == 0) {
    column.times.assign(axis.begin(), axis.end());
  } else if (good) {
    std::vector<std::uint8_t> present;
    good = get_flags(reader, axis.size(), present);
    for (std::size_t row = 0; row < present.size(); ++row) {
      if (present[row] != 0) column.times.push_back(axis[row]);
    }
  }
  if (!good || !decode_values(reader, column.times.size(), column) || !reader.at_end())
    return fail(Errc::kCorrupt, "the values of a series do not decode");
  return {};
}

Result<void> append_chunk_rows(std::string_view bytes, std::span<const std::int64_t> axis, RowRange rows,
                               Column& column) {
  if (rows.size() == 0) return {};
  const bool numbers = column.type == FieldType::kFloat || column.type == FieldType::kInteger;
  if (!numbers || bytes.empty() || bytes.front() != 0) {
    Column whole;
    whole.type = column.type;
    GS_CHECK(decode_chunk(bytes, axis, whole));
    append_rows(column, whole, rows_in(whole.times, {axis[rows.begin], axis[rows.end - 1]}));
    return {};
  }
  const auto part = axis.subspan(rows.begin, rows.size());
  column.times.insert(column.times.end(), part.begin(), part.end());
  ByteReader reader(bytes.substr(1));
  bool good = false;
  if (column.type == FieldType::kFloat) {
    good = decode_floats_at(reader, axis.size(), rows, column.floats);
  } else {
    PackedRuns runs(reader, axis.size());
    good = each_run_at(runs, rows, [&](std::span<const std::int64_t> values) {
      column.integers.insert(column.integers.end(), values.begin(), values.end());
    });
  }
  if (!good || (rows.end == axis.size() && !reader.at_end()))
    return fail(Errc::kCorrupt, "the values of a series do not decode");
  return {};
}

}  // namespace gpuscale::tsdb
