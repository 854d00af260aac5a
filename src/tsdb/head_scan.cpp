// SPDX-License-Identifier: Apache-2.0
#include "tsdb/head_scan.h"

namespace gpuscale::tsdb {
namespace {

/// Far enough ahead for memory to answer, near enough for its answer to be there still.
constexpr std::size_t kAhead = 12;

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

}  // namespace

std::vector<std::size_t> scan_heads(std::span<const Head* const> heads, const HeadQuery& query,
                                    std::span<const SeriesId> ids, Column& out) {
  std::vector<RowsOfSeries> found;  // of the older head first
  for (const Head* head : heads) {
    if (head == nullptr) continue;
    const auto at = head->policies().find(query.policy);
    if (at != head->policies().end() && at->second.touches(query.range))
      found.push_back(find_rows(at->second, ids));
  }
  std::vector<std::size_t> ends;
  if (found.empty()) return ends;
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
