// SPDX-License-Identifier: Apache-2.0
#include "tsdb/totals_codec.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/floor_division.h"
#include "tsdb/byte_code.h"
#include "tsdb/chunk_codec.h"
#include "tsdb/float_codec.h"
#include "tsdb/packed_integers.h"

namespace gpuscale::tsdb {
namespace {

/// Slots of a segment: three days by the second, and 13 MiB while they are added up.
constexpr std::uint64_t kMostSlots = 1U << 18U;
/// Samples of a segment for each second of its time, at least.
constexpr std::uint64_t kRowsOfASecond = 8;

std::int64_t slot_of(std::int64_t time) {
  return base::floor_divided(time, kSlotNs);
}

Error damaged_totals() {
  return fail(Errc::kCorrupt, "the totals of a field do not decode");
}

void put_numbers(std::string& out, const std::vector<std::int64_t>& values) {
  std::string bytes;
  pack_integers(bytes, values);
  put_text(out, bytes);
}

void put_numbers(std::string& out, const std::vector<double>& values) {
  std::string bytes;
  encode_floats(bytes, values);
  put_text(out, bytes);
}

bool get_numbers(ByteReader& from, std::size_t count, std::vector<std::int64_t>& values) {
  ByteReader reader(from.text());
  values.reserve(count);
  PackedRuns runs(reader, count);
  while (runs.next()) values.insert(values.end(), runs.values().begin(), runs.values().end());
  return from.ok() && runs.ok() && reader.at_end();
}

bool get_numbers(ByteReader& from, std::size_t count, std::vector<double>& values) {
  ByteReader reader(from.text());
  values.reserve(count);
  return from.ok() && decode_floats(reader, count, values) && reader.at_end();
}

template <typename T>
bool get_all(ByteReader& reader, std::size_t count, SlotTotals::Numbers<T>& numbers) {
  return get_numbers(reader, count, numbers.sums) && get_numbers(reader, count, numbers.leasts) &&
         get_numbers(reader, count, numbers.mosts);
}

/// Each in a slot of its own.
bool make_sense(const SlotTotals& totals) {
  for (std::size_t i = 0; i < totals.size(); ++i) {
    if (totals.counts[i] <= 0 || totals.last_ns[i] < totals.first_ns[i] ||
        slot_of(totals.last_ns[i]) != slot_of(totals.first_ns[i]))
      return false;
    if (i > 0 && slot_of(totals.first_ns[i]) <= slot_of(totals.first_ns[i - 1])) return false;
  }
  return true;
}

template <typename T>
void keep_places(std::vector<T>& values, const std::vector<std::size_t>& places) {
  for (std::size_t i = 0; i < places.size(); ++i) values[i] = values[places[i]];
  values.resize(places.size());
  values.shrink_to_fit();
}

}  // namespace

TotalsBuilder::TotalsBuilder(FieldType type, TimeRange range, std::size_t rows) {
  totals_.type = type;
  const bool numeric = type == FieldType::kFloat || type == FieldType::kInteger;
  const auto slots = static_cast<std::uint64_t>(slot_of(range.max_ns) - slot_of(range.min_ns)) + 1;
  if (!numeric || slots > kMostSlots || slots > rows / kRowsOfASecond) return;
  // The second that the earliest times of all lie in begins before them.
  if (range.min_ns < std::numeric_limits<std::int64_t>::min() + kSlotNs) return;
  begin_ns_ = range.min_ns - base::floor_rest(range.min_ns, kSlotNs);
  totals_.first_ns.resize(slots);
  totals_.last_ns.resize(slots);
  totals_.counts.resize(slots);
  const auto make_room = [slots](auto& numbers) {
    numbers.sums.resize(slots);
    numbers.leasts.resize(slots);
    numbers.mosts.resize(slots);
  };
  if (type == FieldType::kFloat) {
    make_room(totals_.floats);
  } else {
    make_room(totals_.integers);
  }
}

void TotalsBuilder::add(const Column& column) {
  if (totals_.size() == 0) return;
  if (totals_.type == FieldType::kFloat) {
    add_numbers(column.times, column.floats);
  } else {
    add_numbers(column.times, column.integers);
  }
}

template <typename T>
void TotalsBuilder::add_numbers(const std::vector<std::int64_t>& times, const std::vector<T>& values) {
  SlotTotals::Numbers<T>& numbers = totals_.numbers<T>();
  for (std::size_t i = 0; i < times.size(); ++i) {
    const std::size_t slot = static_cast<std::uint64_t>(times[i] - begin_ns_) / kSlotNs;
    const T value = values[i];
    if (totals_.counts[slot]++ == 0) {
      totals_.first_ns[slot] = totals_.last_ns[slot] = times[i];
      numbers.sums[slot] = numbers.leasts[slot] = numbers.mosts[slot] = value;
      continue;
    }
    totals_.first_ns[slot] = std::min(totals_.first_ns[slot], times[i]);
    totals_.last_ns[slot] = std::max(totals_.last_ns[slot], times[i]);
    if constexpr (std::is_same_v<T, double>) {
      numbers.sums[slot] += value;
    } else {
      numbers.sums[slot] = wrapping_add(numbers.sums[slot], value);
    }
    numbers.leasts[slot] = std::min(numbers.leasts[slot], value);
    numbers.mosts[slot] = std::max(numbers.mosts[slot], value);
  }
}

template <typename T>
void TotalsBuilder::close_gaps() {
  std::vector<std::size_t> filled;
  for (std::size_t i = 0; i < totals_.size(); ++i) {
    if (totals_.counts[i] > 0) filled.push_back(i);
  }
  keep_places(totals_.first_ns, filled);
  keep_places(totals_.last_ns, filled);
  keep_places(totals_.counts, filled);
  keep_places(totals_.numbers<T>().sums, filled);
  keep_places(totals_.numbers<T>().leasts, filled);
  keep_places(totals_.numbers<T>().mosts, filled);
}

std::optional<SlotTotals> TotalsBuilder::take(std::size_t worth) && {
  std::uint64_t samples = 0;
  std::uint64_t filled = 0;
  for (const std::int64_t count : totals_.counts) {
    samples += static_cast<std::uint64_t>(count);
    filled += count > 0 ? 1U : 0U;
  }
  if (filled == 0 || samples / filled < worth) return std::nullopt;
  if (totals_.type == FieldType::kInteger) {
    close_gaps<std::int64_t>();
    return std::move(totals_);
  }
  // One that is no number, or infinite, makes such a sum.
  const std::vector<double>& sums = totals_.floats.sums;
  if (!std::all_of(sums.begin(), sums.end(), [](double sum) { return std::isfinite(sum); }))
    return std::nullopt;
  close_gaps<double>();
  return std::move(totals_);
}

std::string encode_totals(const SlotTotals& totals, const TotalsPlace& place) {
  std::string out;
  put_varint(out, place.field);
  put_fixed(out, place.directory_sum);
  out.push_back(static_cast<char>(totals.type));
  put_text(out, encode_axis(totals.first_ns));
  std::vector<std::int64_t> spans(totals.size());
  for (std::size_t i = 0; i < spans.size(); ++i) spans[i] = totals.last_ns[i] - totals.first_ns[i];
  put_numbers(out, spans);
  put_numbers(out, totals.counts);
  const auto put_all = [&out](const auto& numbers) {
    put_numbers(out, numbers.sums);
    put_numbers(out, numbers.leasts);
    put_numbers(out, numbers.mosts);
  };
  if (totals.type == FieldType::kFloat) {
    put_all(totals.floats);
  } else {
    put_all(totals.integers);
  }
  return with_checksum(std::move(out));
}

Result<std::shared_ptr<const SlotTotals>> decode_totals(std::string_view bytes, const TotalsPlace& place) {
  const auto body = without_checksum(bytes);
  if (!body) return fail(Errc::kCorrupt, "the checksum of the totals of a field does not fit");
  ByteReader reader(*body);
  if (reader.varint() != place.field || reader.fixed() != place.directory_sum)
    return fail(Errc::kCorrupt, "the totals are those of another field or segment");
  auto totals = std::make_shared<SlotTotals>();
  const std::uint8_t type = reader.byte();
  const std::string_view axis = reader.text();
  if (!reader.ok() || (type != static_cast<std::uint8_t>(FieldType::kFloat) &&
                       type != static_cast<std::uint8_t>(FieldType::kInteger)))
    return damaged_totals();
  totals->type = static_cast<FieldType>(type);
  GS_TRY(const AxisExtent extent, axis_extent(axis));
  if (extent.rows > kMostSlots) return damaged_totals();
  GS_TRY(totals->first_ns, decode_axis(axis));
  const std::size_t slots = totals->size();
  if (!get_numbers(reader, slots, totals->last_ns) || !get_numbers(reader, slots, totals->counts))
    return damaged_totals();
  const bool whole = totals->type == FieldType::kFloat ? get_all(reader, slots, totals->floats)
                                                       : get_all(reader, slots, totals->integers);
  if (!whole || !reader.at_end()) return damaged_totals();
  for (std::size_t i = 0; i < slots; ++i)
    totals->last_ns[i] = wrapping_add(totals->last_ns[i], totals->first_ns[i]);
  if (!make_sense(*totals)) return damaged_totals();
  return std::shared_ptr<const SlotTotals>(std::move(totals));
}

std::size_t bytes_of(const SlotTotals& totals) {
  return sizeof totals + totals.size() * 6 * sizeof(std::int64_t);
}

}  // namespace gpuscale::tsdb
