// SPDX-License-Identifier: Apache-2.0
#include "tsdb/head_scan.h"

#include <bit>
#include <utility>

namespace gpuscale::tsdb {
namespace {

/// Far enough ahead for memory to answer, near enough for its answer to be there still.
constexpr std::size_t kAhead = 24;

/// Of each series what one head has; null where it has nothing.
using RowsOfSeries = std::vector<const RowBuffer*>;

RowsOfSeries find_rows(const SeriesBuffers& buffers, std::span<const SeriesId> ids) {
  RowsOfSeries rows;
  rows.reserve(ids.size());
  SeriesBuffers::Finder finder(buffers);
  for (const SeriesId id : ids) {
    const SeriesBuffer* held = finder.find(id);
    rows.push_back(held == nullptr ? nullptr : &held->rows);
  }
  return rows;
}

/// `newer` after what of `out` begins at `first`, or merged with it where they overlap; it is used up.
void add_newer(Column& out, std::size_t first, Column& newer) {
  if (newer.times.empty()) return;
  if (out.times.back() < newer.times.front()) return append_rows(out, newer, {0, newer.times.size()});
  Column older;
  older.type = out.type;
  append_rows(older, out, {first, out.times.size()});
  truncate(out, first);
  join(older, newer);
  append_rows(out, older, {0, older.times.size()});
}

/// Below it the rows of each series are nearer than those that came last of all.
constexpr std::size_t kFleet = 256;

bool is_recent(const SeriesBuffers& buffers, const HeadQuery& query, std::size_t series, FieldType type) {
  return query.wanted == Wanted::kAll && series >= kFleet && type != FieldType::kString &&
         buffers.recent().covers(query.range.min_ns);
}

/// As scan_heads(), out of the rows that came last.
std::vector<std::size_t> scan_recent(const SeriesBuffers& buffers, const HeadQuery& query,
                                     std::span<const SeriesId> ids, Column& out) {
  constexpr std::uint32_t kNobody = ~std::uint32_t{0};
  std::vector<std::uint32_t> index_of(buffers.all().size(), kNobody);  // by place
  SeriesBuffers::Finder finder(buffers);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (const auto place = finder.place(ids[i])) index_of[*place] = static_cast<std::uint32_t>(i);
  }
  struct Sample {
    std::uint32_t index;
    std::int64_t time;
    std::uint64_t bits;
  };
  std::vector<Sample> samples;
  std::vector<std::size_t> ends(ids.size());
  buffers.recent().each({query.field, out.type}, query.range,
                        [&](std::uint32_t place, std::int64_t time, std::uint64_t bits) {
                          const std::uint32_t index = index_of[place];
                          if (index == kNobody) return;
                          samples.push_back({index, time, bits});
                          ++ends[index];
                        });
  // Where the next sample of each series goes; its end once all have gone there.
  std::size_t at = out.times.size();
  for (std::size_t& end : ends) at += std::exchange(end, at);
  out.times.resize(at);
  const auto put = [&](auto& values, auto convert) {
    values.resize(at);
    for (const Sample& sample : samples) {
      const std::size_t to = ends[sample.index]++;
      out.times[to] = sample.time;
      values[to] = convert(sample.bits);
    }
  };
  if (out.type == FieldType::kFloat) {
    put(out.floats, [](std::uint64_t bits) { return std::bit_cast<double>(bits); });
  } else if (out.type == FieldType::kInteger) {
    put(out.integers, [](std::uint64_t bits) { return static_cast<std::int64_t>(bits); });
  } else {
    put(out.booleans, [](std::uint64_t bits) { return static_cast<std::uint8_t>(bits); });
  }
  return ends;
}

}  // namespace

std::vector<std::size_t> scan_heads(std::span<const Head* const> heads, const HeadQuery& query,
                                    std::span<const SeriesId> ids, Column& out) {
  std::vector<const SeriesBuffers*> touched;  // of the older head first
  for (const Head* head : heads) {
    if (head == nullptr) continue;
    const auto at = head->policies().find(query.policy);
    if (at != head->policies().end() && at->second.touches(query.range)) touched.push_back(&at->second);
  }
  std::vector<std::size_t> ends;
  if (touched.empty()) return ends;
  if (touched.size() == 1 && is_recent(*touched.front(), query, ids.size(), out.type))
    return scan_recent(*touched.front(), query, ids, out);
  std::vector<RowsOfSeries> found;
  found.reserve(touched.size());
  for (const SeriesBuffers* buffers : touched) found.push_back(find_rows(*buffers, ids));
  ends.reserve(ids.size());
  std::size_t place = 0;
  const auto collect = [&](const RowBuffer& rows, Column& to) {
    if (query.wanted == Wanted::kNewest) {
      rows.collect_newest(query.field, query.range, to, place);
    } else {
      rows.collect(query.field, query.range, to, place);
    }
  };
  Column newer;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::size_t first = out.times.size();
    for (const RowsOfSeries& rows : found) {
      if (i + 2 * kAhead < rows.size() && rows[i + 2 * kAhead] != nullptr) rows[i + 2 * kAhead]->fetch();
      if (i + kAhead < rows.size() && rows[i + kAhead] != nullptr) rows[i + kAhead]->fetch_newest(place);
      if (rows[i] == nullptr) continue;
      if (out.times.size() == first) {
        collect(*rows[i], out);
        continue;
      }
      reset(newer, out.type);
      collect(*rows[i], newer);
      add_newer(out, first, newer);
    }
    ends.push_back(out.times.size());
  }
  return ends;
}

}  // namespace gpuscale::tsdb
