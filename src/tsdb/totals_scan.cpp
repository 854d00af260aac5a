// SPDX-License-Identifier: Apache-2.0
#include "tsdb/totals_scan.h"

#include <algorithm>

namespace gpuscale::tsdb {
namespace {

/// What the samples of one series in one segment, or in the head, reach over.
struct Reach {
  std::size_t segment;
  TimeRange range;
};

/// The segments of a view that hold series of the scan alone, and share no stretch of a series' time.
class Apart {
 public:
  Apart(const ScanView& view, std::span<const SeriesId> ids)
      : view_(view),
        hints_(view.segments.size()),
        found_(view.segments.size()),
        mixed_(view.segments.size()) {
    for (std::size_t i = 0; i < ids.size(); ++i) look_at(i, ids[i]);
  }
  bool has(std::size_t segment) const {
    return !mixed_[segment] && found_[segment] == view_.segments[segment]->series().size();
  }

 private:
  void look_at(std::size_t index, SeriesId id) {
    std::int64_t latest = std::numeric_limits<std::int64_t>::min();
    bool ascending = true;
    reaches_.clear();
    const auto add = [&](std::size_t segment, TimeRange range) {
      ascending = ascending && range.min_ns > latest;
      latest = range.max_ns;
      reaches_.push_back({segment, range});
    };
    for (std::size_t s = 0; s < view_.segments.size(); ++s) {
      const Segment& segment = *view_.segments[s];
      const std::size_t position = segment.find(id, hints_[s]);
      if (position == Segment::kNone) continue;
      ++found_[s];
      add(s, {segment.extent(position).min_ns, segment.extent(position).max_ns});
    }
    if (const RowRange head = view_.head_rows(index); head.size() > 0)
      add(view_.segments.size(), {view_.head.times[head.begin], view_.head.times[head.end - 1]});
    if (!ascending) mark_mixed();
  }

  void mark_mixed() {
    std::sort(reaches_.begin(), reaches_.end(),
              [](const Reach& a, const Reach& b) { return a.range.min_ns < b.range.min_ns; });
    const Reach* longest = nullptr;  // of those before
    for (const Reach& reach : reaches_) {
      if (longest != nullptr && reach.range.min_ns <= longest->range.max_ns) {
        mark(reach.segment);
        mark(longest->segment);
      }
      if (longest == nullptr || reach.range.max_ns > longest->range.max_ns) longest = &reach;
    }
  }
  void mark(std::size_t segment) {
    if (segment < mixed_.size()) mixed_[segment] = true;
  }

  const ScanView& view_;
  std::vector<std::size_t> hints_;
  std::vector<std::size_t> found_;  ///< series of each segment that are asked for
  std::vector<bool> mixed_;
  std::vector<Reach> reaches_;  ///< kept for its memory
};

}  // namespace

Result<void> take_totals(ScanView& view, std::span<const SeriesId> ids, const FindTotals& find) {
  std::vector<std::shared_ptr<const SlotTotals>> totals(view.segments.size());
  bool any = false;
  for (std::size_t s = 0; s < view.segments.size(); ++s) {
    const Segment& segment = *view.segments[s];
    if (segment.series().size() > ids.size() || segment.holds(view.field) != true) continue;
    GS_TRY(totals[s], find(segment, view.field));
    if (totals[s] && totals[s]->type != view.type) totals[s] = nullptr;
    any = any || totals[s] != nullptr;
  }
  if (!any) return {};
  const Apart apart(view, ids);
  std::vector<std::shared_ptr<const Segment>> others;
  for (std::size_t s = 0; s < view.segments.size(); ++s) {
    if (totals[s] && apart.has(s)) {
      view.totalled.push_back({view.segments[s], totals[s], nullptr});
    } else {
      others.push_back(view.segments[s]);
    }
  }
  view.segments = std::move(others);
  return {};
}

RowRange whole_slots(const SlotTotals& totals, TimeRange range) {
  const auto begin = std::lower_bound(totals.first_ns.begin(), totals.first_ns.end(), range.min_ns);
  const auto end = std::upper_bound(totals.last_ns.begin(), totals.last_ns.end(), range.max_ns);
  const auto first = static_cast<std::size_t>(begin - totals.first_ns.begin());
  return {first, std::max(first, static_cast<std::size_t>(end - totals.last_ns.begin()))};
}

std::vector<TimeRange> cut_slots(const SlotTotals& totals, TimeRange range) {
  std::vector<TimeRange> out;
  const auto look_at = [&](std::size_t slot) {
    const TimeRange held{totals.first_ns[slot], totals.last_ns[slot]};
    const TimeRange part{std::max(held.min_ns, range.min_ns), std::min(held.max_ns, range.max_ns)};
    if (part.min_ns > part.max_ns || (part.min_ns == held.min_ns && part.max_ns == held.max_ns)) return;
    if (out.empty() || out.back().min_ns != part.min_ns) out.push_back(part);
  };
  for (const std::int64_t end : {range.min_ns, range.max_ns}) {
    // The last slot that begins before or with it.
    const auto behind = std::upper_bound(totals.first_ns.begin(), totals.first_ns.end(), end);
    if (behind != totals.first_ns.begin())
      look_at(static_cast<std::size_t>(behind - totals.first_ns.begin()) - 1);
  }
  return out;
}

}  // namespace gpuscale::tsdb
