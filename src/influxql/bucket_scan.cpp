// SPDX-License-Identifier: Apache-2.0
#include "influxql/bucket_scan.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "base/rfc3339.h"
#include "influxql/answer_cache.h"
#include "influxql/bucket_grid.h"
#include "influxql/condensed.h"
#include "influxql/field_values.h"
#include "influxql/number_totals.h"
#include "influxql/stretches.h"
#include "influxql/wrapping.h"
#include "tsdb/condense.h"

namespace gpuscale::influxql {

namespace {

/// Rows of each series among which its newest is looked for first, and how many times as many then.
constexpr double kRowsOfNewest = 16;
constexpr double kGrowthOfNewest = 16;
/// Totals worth keeping for the next statement.
constexpr std::size_t kMaxKept = 300'000;

std::optional<Fold> fold_of(std::string_view function) {
  if (function == "count") return Fold::kCount;
  if (function == "sum") return Fold::kSum;
  if (function == "mean") return Fold::kMean;
  if (function == "min") return Fold::kMin;
  if (function == "max") return Fold::kMax;
  if (function == "first") return Fold::kFirst;
  if (function == "last") return Fold::kLast;
  if (function == "spread") return Fold::kSpread;
  return std::nullopt;
}

bool selects(Fold fold) {
  return fold == Fold::kMin || fold == Fold::kMax || fold == Fold::kFirst || fold == Fold::kLast;
}

std::string key_text(const DataSourceRef& source, const ReadRequest& request) {
  std::string out;
  const auto add = [&out](std::string_view part) {
    out += std::to_string(part.size()) + ':';
    out += part;
  };
  add(source.database);
  add(source.measurement);
  add(request.filter ? print(request.filter) : "");
  for (const std::string& dimension : request.dimensions) add(dimension);
  out += '|';
  for (const std::string& dimension : request.limited_dimensions) add(dimension);
  return out + '|' + std::to_string(request.slimit) + '|' + std::to_string(request.soffset);
}

/// Which series go into which group, kept while no series comes or goes.
Result<std::shared_ptr<const SeriesGroups>> groups_of(Run& run, const DataSourceRef& source,
                                                      const ReadRequest& request, const std::string& key) {
  struct Kept {
    std::uint64_t version;
    std::shared_ptr<const SeriesGroups> groups;
  };
  const std::string name = "groups " + key;
  const std::uint64_t version = run.store().series_changes(source.database, source.measurement);
  if (version != 0) {
    if (const auto held = std::static_pointer_cast<const Kept>(run.answers().find(name));
        held && held->version == version)
      return held->groups;
  }
  GS_TRY(SeriesGroups made, group_series(run, source, request));
  auto groups = std::make_shared<const SeriesGroups>(std::move(made));
  const std::size_t bytes = groups->ids.size() * sizeof(tsdb::SeriesId) + groups->keys.size() * 200;
  if (version != 0) run.answers().keep(name, std::make_shared<const Kept>(Kept{version, groups}), bytes);
  return groups;
}

/// Totals by cell. A cell is a bucket of the statement, or an equal part of one where the window of a
/// statement moves on by less than a bucket. A rule's window ends at the moment of its look and its buckets
/// begin with it, so that from look to look nothing but such parts stays the same; of a dashboard's buckets
/// the first is cut ever shorter and the last grows.
template <typename T>
struct Totals {
  std::shared_ptr<const SeriesGroups> groups;
  Grid cells;
  tsdb::TimeRange frame;                ///< what the statement saw: of its outer cells mostly a part
  std::uint64_t version = 0;            ///< of the samples in the frame; 0 = may not be used again
  std::vector<NumberTotal<T>> by_cell;  ///< cells.count for each group

  /// What of a cell the statement saw.
  tsdb::TimeRange seen(std::size_t cell) const {
    if (cells.every == 0) return frame;
    return {std::max(cells.start(cell), frame.min_ns), std::min(cells.end(cell) - 1, frame.max_ns)};
  }
};

template <typename T>
class BucketScan {
 public:
  BucketScan(Run& run, const DataSourceRef& source, const ReadRequest& request, Fold fold, Grid grid,
             std::shared_ptr<const SeriesGroups> groups, std::optional<CondensedPart> condensed)
      : run_(run),
        source_(source),
        request_(request),
        fold_(fold),
        grid_(grid),
        condensed_(std::move(condensed)) {
    totals_.groups = std::move(groups);
    totals_.frame = {request.frame.min, request.frame.max};
  }

  Result<PointSet> run(const std::string& key) {
    const Plan plan = plan_for((std::is_same_v<T, double> ? "floats " : "integers ") + source_.policy + '|' +
                               request_.refs.front().name + '|' + std::to_string(static_cast<int>(fold_)) +
                               '|' + std::to_string(grid_.every) + '|' + key);
    totals_.cells = plan.cells;
    totals_.by_cell.resize(plan.cells.count * totals_.groups->keys.size());
    const bool keeping = totals_.by_cell.size() <= kMaxKept;
    // Before anything is read: what changes afterwards makes it old.
    if (keeping) {
      totals_.version =
          run_.store().version_of(source_.database, source_.policy, source_.measurement, totals_.frame);
    }
    const Stale stale = plan.kept && totals_.version != 0 ? take_over(*plan.kept) : Stale{true, 0};
    // As time goes on the first cell is cut ever shorter, while those behind it stay as they are.
    if (stale.first && stale.from > 0) GS_CHECK(read(totals_.seen(0)));
    if (stale.from < totals_.cells.count)
      GS_CHECK(read({totals_.seen(stale.from).min_ns, request_.frame.max}));
    PointSet out = points();
    if (keeping) {
      const std::size_t bytes = totals_.by_cell.size() * sizeof(NumberTotal<T>) + sizeof totals_;
      run_.answers().keep(plan.name, std::make_shared<const Totals<T>>(std::move(totals_)), bytes);
    }
    return out;
  }

 private:
  using Kept = std::shared_ptr<const Totals<T>>;

  struct Plan {
    std::string name;  ///< of what is kept
    Grid cells;
    Kept kept;
  };

  Kept find_kept(const std::string& name) const {
    auto kept = std::static_pointer_cast<const Totals<T>>(run_.answers().find(name));
    return kept && kept->groups == totals_.groups ? kept : nullptr;
  }

  /// About as long as the store tells changes apart.
  static std::int64_t part_of(std::int64_t every) {
    constexpr std::int64_t kAbout = 1'000'000'000;
    constexpr std::int64_t kMostTries = 64;
    const std::int64_t most = std::max<std::int64_t>(every / kAbout, 1);
    for (std::int64_t parts = most; parts > 1 && parts > most - kMostTries; --parts) {
      if (every % parts == 0) return every / parts;
    }
    return every;
  }

  /// By whole buckets where the window stands still or moves on by many of them, else by parts of them, if
  /// those are not too many.
  Plan plan_for(std::string name) const {
    const Kept whole = find_kept(name);
    const Plan by_buckets{name, grid_, whole};
    if (!whole || condensed_ || grid_.every == 0) return by_buckets;
    const std::int64_t shift = whole->cells.behind(grid_);
    const std::int64_t moved = request_.frame.max - whole->frame.max_ns;
    name += " by parts";
    const Kept parts = find_kept(name);
    if (!parts && shift == 0 && (moved <= 0 || moved >= grid_.every)) return by_buckets;
    std::int64_t step = shift == 0 ? part_of(grid_.every) : std::gcd(grid_.every, shift);
    if (parts) step = std::gcd(parts->cells.every, parts->cells.behind(grid_));
    if (step == grid_.every) return by_buckets;
    Grid cells{grid_.first, step, 0};
    cells.first = cells.start(cells.bucket_of(request_.frame.min));
    const std::int64_t span = request_.frame.max - cells.first;
    const std::size_t most = kMaxKept / std::max<std::size_t>(totals_.groups->keys.size(), 1);
    if (span / step >= static_cast<std::int64_t>(most)) return by_buckets;
    cells.count = cells.bucket_of(request_.frame.max) + 1;
    return {std::move(name), cells, parts && parts->cells.every == step ? parts : nullptr};
  }

  /// What must be read: the first cell, and all from `from` on (0: everything; the number of cells: nothing).
  struct Stale {
    bool first;
    std::size_t from;
  };

  /// Takes over what still holds.
  Stale take_over(const Totals<T>& kept) {
    const Grid& cells = totals_.cells;
    std::int64_t shift = 0;
    if (cells.every != 0) {
      if (kept.cells.behind(cells) != 0) return {true, 0};
      shift = (cells.first - kept.cells.first) / cells.every;
    }
    const auto changed = run_.store().changed_since(source_.database, source_.policy, source_.measurement,
                                                    totals_.frame, kept.version);
    const auto valid = [&](std::size_t c) {
      const std::int64_t at = static_cast<std::int64_t>(c) + shift;
      if (kept.version == 0 || at < 0 || at >= static_cast<std::int64_t>(kept.cells.count)) return false;
      const tsdb::TimeRange now = totals_.seen(c);
      const tsdb::TimeRange then = kept.seen(static_cast<std::size_t>(at));
      return now.min_ns == then.min_ns && now.max_ns == then.max_ns && (!changed || now.max_ns < *changed);
    };
    Stale stale{!valid(0), 1};
    while (stale.from < cells.count && valid(stale.from)) ++stale.from;
    if (stale.first && stale.from == 1) return {true, 0};
    for (std::size_t g = 0; g < totals_.groups->keys.size(); ++g) {
      const auto* from = kept.by_cell.data() + g * kept.cells.count;
      auto* to = totals_.by_cell.data() + g * cells.count;
      for (std::size_t c = stale.first ? 1 : 0; c < stale.from; ++c)
        to[c] = from[static_cast<std::size_t>(static_cast<std::int64_t>(c) + shift)];
    }
    return stale;
  }

  /// The part that is kept by the minute alone: the series of that measurement have the same tags.
  Result<void> read_condensed(tsdb::TimeRange range) {
    DataSourceRef source = source_;
    source.policy = condensed_->policy;
    source.measurement = condensed_->measurement;
    ReadRequest all = request_;
    all.slimit = all.soffset = 0;  // settled already: they chose our groups
    GS_TRY(const SeriesGroups found, group_series(run_, source, all));
    std::map<std::vector<std::string>, std::size_t> places;  // of our groups, by the values of their tags
    for (std::size_t g = 0; g < totals_.groups->keys.size(); ++g) places[totals_.groups->keys[g].tags] = g;
    const auto scan = [&](std::string_view suffix, const auto& add_to) -> Result<void> {
      std::size_t group = 0;
      return run_.store().scan(source.database, source.policy, found.ids,
                               request_.refs.front().name + std::string(suffix), range,
                               [&](std::size_t index, const tsdb::Column& column) -> Result<void> {
                                 while (index >= found.ends[group]) ++group;
                                 const auto place = places.find(found.keys[group].tags);
                                 if (place == places.end()) return {};
                                 GS_CHECK(run_.count_points(column.times.size()));
                                 add_to(totals_.by_cell.data() + place->second * totals_.cells.count, column);
                                 return {};
                               });
    };
    const auto values = [this](NumberTotal<T>* cells, const tsdb::Column& column) { add(cells, column); };
    if (fold_ == Fold::kMin || fold_ == Fold::kSpread) GS_CHECK(scan(tsdb::kMinSuffix, values));
    if (fold_ == Fold::kMax || fold_ == Fold::kSpread) GS_CHECK(scan(tsdb::kMaxSuffix, values));
    if (fold_ == Fold::kSum || fold_ == Fold::kMean) {
      GS_CHECK(scan(tsdb::kSumSuffix, [&](NumberTotal<T>* cells, const tsdb::Column& column) {
        for (std::size_t i = 0; i < column.times.size(); ++i)
          cell_at(cells, column.times[i]).add_sum(numbers_of<T>(column)[i], 0);
      }));
    }
    if (fold_ == Fold::kCount || fold_ == Fold::kSum || fold_ == Fold::kMean) {
      GS_CHECK(scan(tsdb::kCountSuffix, [&](NumberTotal<T>* cells, const tsdb::Column& column) {
        for (std::size_t i = 0; i < column.times.size(); ++i)
          cell_at(cells, column.times[i]).add_sum(T{}, column.integers[i]);
      }));
    }
    return {};
  }

  NumberTotal<T>& cell_at(NumberTotal<T>* cells, std::int64_t time) const {
    return cells[totals_.cells.bucket_of(time)];
  }

  /// A part of a long range after the other, so that what is read of the disk is not all held at once.
  Result<void> read(tsdb::TimeRange range) {
    const RowMap rows(run_.store().spread_of(source_.database, source_.policy, source_.measurement, range));
    if (fold_ == Fold::kLast && grid_.every == 0) return read_newest(rows, range);
    while (true) {
      const std::int64_t end = rows.reach(range, packed_rows_at_once(run_.limits()), true);
      GS_CHECK(read_part({range.min_ns, end}));
      if (end >= range.max_ns) return {};
      range.min_ns = end + 1;
    }
  }

  Result<void> read_part(tsdb::TimeRange range) {
    if (condensed_ && range.min_ns < condensed_->end) {
      GS_CHECK(read_condensed({range.min_ns, std::min(range.max_ns, condensed_->end - 1)}));
      range.min_ns = condensed_->end;
      if (range.min_ns > range.max_ns) return {};
    }
    const SeriesGroups& groups = *totals_.groups;
    std::size_t group = 0;
    const auto sink = [&](std::size_t index, const tsdb::Column& column) -> Result<void> {
      while (index >= groups.ends[group]) ++group;
      GS_CHECK(run_.count_points(column.times.size()));
      add(totals_.by_cell.data() + group * totals_.cells.count, column);
      return {};
    };
    const std::string& field = request_.refs.front().name;
    if (groups.keys.size() == 1 && slots_will_do()) return read_totals(field, range, sink);
    return run_.store().scan(source_.database, source_.policy, groups.ids, field, range, sink);
  }

  /// From the end of the range on, until each group has its newest sample: most have it soon.
  Result<void> read_newest(const RowMap& rows, tsdb::TimeRange range) {
    const SeriesGroups& groups = *totals_.groups;
    std::vector<tsdb::SeriesId> left = groups.ids;
    std::vector<std::size_t> group_of;
    for (std::size_t g = 0; g < groups.ends.size(); ++g) group_of.resize(groups.ends[g], g);
    std::vector<bool> found(groups.keys.size());
    double size = kRowsOfNewest * static_cast<double>(left.size());
    while (!left.empty()) {
      const std::int64_t begin = rows.reach(range, std::min(size, packed_rows_at_once(run_.limits())), false);
      const auto sink = [&](std::size_t index, const tsdb::Column& column) -> Result<void> {
        found[group_of[index]] = true;
        GS_CHECK(run_.count_points(column.times.size()));
        add(totals_.by_cell.data() + group_of[index] * totals_.cells.count, column);
        return {};
      };
      GS_CHECK(run_.store().scan_last(source_.database, source_.policy, left, request_.refs.front().name,
                                      {begin, range.max_ns}, sink));
      if (begin <= range.min_ns) return {};
      range.max_ns = begin - 1;
      std::size_t kept = 0;
      for (std::size_t i = 0; i < left.size(); ++i) {
        if (found[group_of[i]]) continue;
        left[kept] = left[i];
        group_of[kept++] = group_of[i];
      }
      left.resize(kept);
      group_of.resize(kept);
      size *= kGrowthOfNewest;
    }
    return {};
  }

  /// Whether what a slot came to is enough: its cell takes all of it, and when in it something was is not
  /// asked.
  bool slots_will_do() const {
    if (fold_ == Fold::kFirst || fold_ == Fold::kLast) return false;
    const Grid& cells = totals_.cells;
    if (cells.every == 0) return !selects(fold_);
    return cells.every % tsdb::kSlotNs == 0 && cells.first % tsdb::kSlotNs == 0;
  }

  Result<void> read_totals(const std::string& field, tsdb::TimeRange range, const tsdb::ScanSink& sink) {
    const auto add_slots = [this](const tsdb::SlotTotals& totals, std::size_t begin,
                                  std::size_t end) -> Result<void> {
      const tsdb::SlotTotals::Numbers<T>& numbers = totals.numbers<T>();
      for (std::size_t i = begin; i < end; ++i) {
        GS_CHECK(run_.count_points(static_cast<std::size_t>(totals.counts[i])));
        NumberTotal<T> slot;
        slot.count = totals.counts[i];
        slot.time = totals.first_ns[i];
        slot.value = fold_ == Fold::kMax ? numbers.mosts[i] : numbers.leasts[i];
        if (fold_ == Fold::kSum || fold_ == Fold::kMean) slot.value = numbers.sums[i];
        slot.most = numbers.mosts[i];
        cell_at(totals_.by_cell.data(), slot.time).merge(fold_, slot);
      }
      return {};
    };
    return run_.store().scan_totals(source_.database, source_.policy, totals_.groups->ids, field, range,
                                    add_slots, sink);
  }

  void add(NumberTotal<T>* cells, const tsdb::Column& column) const {
    const std::span<const std::int64_t> times = column.times;
    const std::span<const T> values = numbers_of<T>(column);
    const Grid& grid = totals_.cells;
    if (grid.every == 0) return cells->add(fold_, times, values);
    // Mostly each cell is the one behind the last, and holds as many: then neither is searched for.
    std::size_t cell = 0;
    std::size_t held = 1;
    for (std::size_t i = 0; i < times.size(); i += held) {
      const bool is_next = i > 0 && times[i] < grid.end(cell + 1);
      cell = is_next ? cell + 1 : grid.bucket_of(times[i]);
      const std::int64_t end = grid.end(cell);
      std::size_t behind = std::min(i + held, times.size());
      while (times[behind - 1] >= end) --behind;
      while (behind < times.size() && times[behind] < end) ++behind;
      held = behind - i;
      cells[cell].add(fold_, times.subspan(i, held), values.subspan(i, held));
    }
  }

  Value result(const NumberTotal<T>& total) const {
    switch (fold_) {
      case Fold::kCount:
        return total.count;
      case Fold::kMean:
        return static_cast<double>(total.value) / static_cast<double>(total.count);
      case Fold::kSpread:
        if constexpr (std::is_same_v<T, double>) {
          return total.most - total.value;
        } else {
          return wrap_sub(total.most, total.value);
        }
      default:
        return total.value;
    }
  }

  /// Of one group, by bucket.
  std::vector<NumberTotal<T>> buckets_of(std::size_t group) const {
    const Grid& cells = totals_.cells;
    const auto* by_cell = totals_.by_cell.data() + group * cells.count;
    std::vector<NumberTotal<T>> out(grid_.count);
    for (std::size_t c = 0; c < cells.count; ++c)
      out[grid_.bucket_of(cells.start(c))].merge(fold_, by_cell[c]);
    return out;
  }

  PointSet points() const {
    PointSet out;
    out.reserve(totals_.groups->keys.size());
    const TimeFrame& frame = request_.frame;
    const bool whole = totals_.cells.every == grid_.every;
    std::vector<NumberTotal<T>> merged;
    for (std::size_t g = 0; g < totals_.groups->keys.size(); ++g) {
      if (!whole) merged = buckets_of(g);
      const NumberTotal<T>* totals = whole ? totals_.by_cell.data() + g * grid_.count : merged.data();
      Points points;
      if (grid_.count > 1) {
        points.times.reserve(grid_.count);
        points.values.reserve(grid_.count);
      }
      for (std::size_t n = 0; n < grid_.count; ++n) {
        const std::size_t b = frame.ascending ? n : grid_.count - 1 - n;
        const NumberTotal<T>& total = totals[b];
        if (total.count == 0) continue;
        const std::int64_t start = grid_.every == 0 ? frame.window(frame.min).start : grid_.start(b);
        points.times.push_back(selects(fold_) ? total.time : start);
        points.values.push_back(result(total));
      }
      if (!points.times.empty()) out.emplace_hint(out.end(), totals_.groups->keys[g], std::move(points));
    }
    return out;
  }

  Run& run_;
  const DataSourceRef& source_;
  const ReadRequest& request_;
  const Fold fold_;
  const Grid grid_;  ///< the buckets asked for
  const std::optional<CondensedPart> condensed_;
  Totals<T> totals_;
};

/// Whether whole minutes give what the statement asks for: its buckets consist of them, and it does not ask
/// when in a minute something was.
bool exact_by_parts(const CondensedPart& part, const Grid& grid, Fold fold) {
  if (fold == Fold::kFirst || fold == Fold::kLast) return false;
  if (grid.every == 0) return !selects(fold);
  return grid.every % part.every_ns == 0 && grid.first % part.every_ns == 0;
}

/// The condensed part of the frame, which begins with a whole minute from then on.
std::optional<CondensedPart> usable_part(Run& run, const DataSourceRef& source, TimeFrame& frame,
                                         const Grid& grid, Fold fold) {
  auto part = condensed_part(run, source, frame);
  if (!part) return std::nullopt;
  if (!exact_by_parts(*part, grid, fold)) {
    note_expired(run, source, frame);
    return std::nullopt;
  }
  const std::int64_t rest = base::floor_rest(frame.min, part->every_ns);
  if (rest != 0 && frame.min != kMinTime) {
    frame.min += part->every_ns - rest;
    run.note("what lies so far back is kept by the minute: the answer begins with the first whole one, " +
             base::format_rfc3339(base::from_unix_nanos(frame.min)));
  }
  return part;
}

}  // namespace

Result<std::optional<PointSet>> scan_buckets(Run& run, const std::vector<DataSourceRef>& sources,
                                             const ReadRequest& asked, std::string_view function) {
  ReadRequest request = asked;
  const auto fold = fold_of(function);
  if (!fold || sources.size() != 1 || sources.front().subquery || request.refs.size() != 1)
    return std::optional<PointSet>();
  const DataSourceRef& source = sources.front();
  const auto field = source.fields.find(request.refs.front().name);
  if (field == source.fields.end() || field->second != request.refs.front().type ||
      (field->second != DataType::kFloat && field->second != DataType::kInteger))
    return std::optional<PointSet>();
  const std::string key = key_text(source, request);
  GS_TRY(const auto groups, groups_of(run, source, request, key));
  if (groups->filters_rows) return std::optional<PointSet>();
  const auto grid = grid_of(request.frame, groups->keys.size());
  if (!grid) return std::optional<PointSet>();
  GS_CHECK(run.count_series(groups->ids.size()));
  GS_CHECK(run.check());
  const auto condensed = usable_part(run, source, request.frame, *grid, *fold);
  if (field->second == DataType::kFloat) {
    GS_TRY(auto points, BucketScan<double>(run, source, request, *fold, *grid, groups, condensed).run(key));
    return std::optional<PointSet>(std::move(points));
  }
  GS_TRY(auto points,
         BucketScan<std::int64_t>(run, source, request, *fold, *grid, groups, condensed).run(key));
  return std::optional<PointSet>(std::move(points));
}

}  // namespace gpuscale::influxql
