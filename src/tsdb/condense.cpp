// SPDX-License-Identifier: Apache-2.0
#include "tsdb/condense.h"

#include <algorithm>
#include <deque>

#include "base/floor_division.h"

namespace gpuscale::tsdb {

namespace {

/// Series of which one field is condensed at once: their minutes of an hour take some megabytes.
constexpr std::size_t kSlice = 512;
constexpr std::int64_t kMinuteNs = 60'000'000'000;

std::int64_t floor_to(std::int64_t t, std::int64_t unit) {
  return t - base::floor_rest(t, unit);
}

template <typename T>
struct MinuteTotal {
  std::int64_t count = 0;
  T sum{};
  T least{};
  T most{};

  void add(T value) {
    if (count == 0 || value < least) least = value;
    if (count == 0 || value > most) most = value;
    if constexpr (std::is_same_v<T, double>) {
      sum += value;
    } else {
      // Whole numbers wrap around, as those of sum() do.
      sum = static_cast<T>(static_cast<std::uint64_t>(sum) + static_cast<std::uint64_t>(value));
    }
    ++count;
  }
};

/// The names of what a field becomes.
struct Names {
  explicit Names(const std::string& field)
      : count(field + std::string(kCountSuffix)),
        sum(field + std::string(kSumSuffix)),
        least(field + std::string(kMinSuffix)),
        most(field + std::string(kMaxSuffix)) {}
  std::string count;
  std::string sum;
  std::string least;
  std::string most;
};

bool numeric(const FieldInfo& field) {
  return field.type == FieldType::kFloat || field.type == FieldType::kInteger;
}

/// The rows of a slice of series, by series and minute.
class Rows {
 public:
  Rows(std::size_t series, std::int64_t begin, std::int64_t every, std::int64_t length)
      : begin_(begin),
        every_(every),
        buckets_(static_cast<std::size_t>(length / every)),
        cells_(series * buckets_) {}

  template <typename T>
  void add(std::size_t series, const Names& names, std::span<const std::int64_t> times,
           std::span<const T> values) {
    std::size_t i = 0;
    while (i < times.size()) {
      const auto bucket = static_cast<std::size_t>((times[i] - begin_) / every_);
      const std::int64_t end = start_of(bucket) + every_;
      MinuteTotal<T> total;
      for (; i < times.size() && times[i] < end; ++i) total.add(values[i]);
      std::vector<metrics::FieldView>& row = cells_[series * buckets_ + bucket];
      row.push_back({names.count, total.count});
      row.push_back({names.sum, total.sum});
      row.push_back({names.least, total.least});
      row.push_back({names.most, total.most});
    }
  }

  std::vector<metrics::PointView> points(const std::string& measurement, std::span<const SeriesInfo> series) {
    std::vector<metrics::PointView> out;
    for (std::size_t s = 0; s < series.size(); ++s) {
      std::vector<metrics::TagView>& tags = tags_.emplace_back();
      for (const metrics::Tag& tag : *series[s].tags) tags.push_back({tag.key, tag.value});
      for (std::size_t b = 0; b < buckets_; ++b) {
        const auto& row = cells_[s * buckets_ + b];
        if (!row.empty()) out.push_back({measurement, tags, row, start_of(b)});
      }
    }
    return out;
  }

 private:
  std::int64_t start_of(std::size_t bucket) const {
    return begin_ + static_cast<std::int64_t>(bucket) * every_;
  }

  std::int64_t begin_;
  std::int64_t every_;
  std::size_t buckets_;
  std::vector<std::vector<metrics::FieldView>> cells_;
  std::deque<std::vector<metrics::TagView>> tags_;
};

}  // namespace

Result<void> Condenser::condense_series(const std::string& database, const Rollup& rollup,
                                        const std::string& measurement, const FieldInfo& field,
                                        std::span<const SeriesInfo> series, std::int64_t begin) {
  std::vector<SeriesId> ids;
  for (const SeriesInfo& info : series) ids.push_back(info.id);
  const Names names(field.key);
  Rows rows(series.size(), begin, rollup.every_ns, kStep);
  const auto add_to = [&names](Rows& to) {
    return [&names, &to](std::size_t index, const Column& column) -> Result<void> {
      if (column.type == FieldType::kFloat) to.add<double>(index, names, column.times, column.floats);
      if (column.type == FieldType::kInteger)
        to.add<std::int64_t>(index, names, column.times, column.integers);
      return {};
    };
  };
  const auto scan = [&](TimeRange range, const ScanSink& sink) {
    return store_.scan(database, rollup.policy, ids, field.key, range, sink);
  };
  auto scanned = scan({begin, begin + kStep - 1}, add_to(rows));
  if (!scanned && scanned.error().code() != Errc::kCorrupt) return scanned;
  if (!scanned) {
    // All but what cannot be read.
    note_damaged(database, rollup, measurement, field.key, scanned.error());
    rows = Rows(series.size(), begin, rollup.every_ns, kStep);
    for (std::int64_t at = begin; at < begin + kStep; at += rollup.every_ns) {
      std::vector<std::pair<std::size_t, Column>> columns;
      scanned =
          scan({at, at + rollup.every_ns - 1}, [&](std::size_t index, const Column& column) -> Result<void> {
            columns.emplace_back(index, column);
            return {};
          });
      if (!scanned && scanned.error().code() != Errc::kCorrupt) return scanned;
      if (!scanned) continue;
      for (const auto& [index, column] : columns) GS_CHECK(add_to(rows)(index, column));
    }
  }
  const std::string into = measurement + std::string(kMeasurementSuffix);
  const auto points = rows.points(into, series);
  if (points.empty()) return {};
  GS_TRY(const WriteOutcome outcome, store_.write(database, rollup.target, points));
  if (outcome.dropped > 0) note_refused(database, rollup, measurement, field.key, outcome);
  return {};
}

void Condenser::note_damaged(const std::string& database, const Rollup& rollup,
                             const std::string& measurement, const std::string& field, const Error& error) {
  if (!told_damaged_.insert({database, rollup.target, measurement, field}).second) return;
  log_.error("store.condensed_damaged", {{"database", database},
                                         {"policy", rollup.policy},
                                         {"measurement", measurement},
                                         {"field", field},
                                         {"error", error}});
}

void Condenser::note_refused(const std::string& database, const Rollup& rollup,
                             const std::string& measurement, const std::string& field,
                             const WriteOutcome& outcome) {
  store_.count_condensed_dropped(outcome.dropped);
  if (!told_.insert({database, rollup.target, measurement, field}).second) return;
  log_.error("store.condensed_refused", {{"database", database},
                                         {"policy", rollup.target},
                                         {"measurement", measurement},
                                         {"field", field},
                                         {"refused", outcome.dropped},
                                         {"stored", outcome.written},
                                         {"reason", outcome.first_reason}});
}

Result<bool> Condenser::condense_step(const std::string& database, const Rollup& rollup, std::int64_t begin,
                                      const std::function<bool()>& stop) {
  for (const std::string& measurement : store_.measurements(database)) {
    const std::vector<FieldInfo> fields = store_.fields(database, rollup.policy, measurement);
    std::vector<SeriesInfo> all = store_.series(database, measurement);
    std::erase_if(all, [&](const SeriesInfo& info) {
      return !store_.has_samples(database, rollup.policy, info.id, {begin, begin + kStep - 1});
    });
    // Field by field, as samples lie on the disk.
    for (const FieldInfo& field : fields) {
      for (std::size_t at = 0; numeric(field) && at < all.size(); at += kSlice) {
        if (stop && stop()) return false;
        const auto slice = std::span(all).subspan(at, std::min(kSlice, all.size() - at));
        GS_CHECK(condense_series(database, rollup, measurement, field, slice, begin));
      }
    }
  }
  return true;
}

Result<void> Condenser::condense_policy(const std::string& database, Rollup rollup, std::int64_t limit,
                                        const std::function<bool()>& stop, Progress& progress) {
  while (rollup.done_ns < limit) {
    const auto oldest = store_.oldest_sample(database, rollup.policy);
    std::int64_t begin = rollup.done_ns;
    // Hours without a sample need no work.
    begin = std::max(begin, oldest ? std::min(limit, floor_to(*oldest, kStep)) : limit);
    if (begin < limit) {
      GS_TRY(const bool whole, condense_step(database, rollup, begin, stop));
      if (!whole) {
        progress.stopped = true;
        return {};
      }
      rollup.first_ns = std::min(rollup.first_ns, begin);
      ++progress.hours;
      begin += kStep;
    }
    rollup.done_ns = begin;
    GS_CHECK(store_.set_rollup(database, rollup));
  }
  return {};
}

Result<std::size_t> Condenser::tick(WallTime now, const std::function<bool()>& stop) {
  Progress progress;
  Result<void> outcome;
  for (const DatabaseInfo& database : store_.databases()) {
    for (const Rollup& rollup : store_.rollups(database.name)) {
      const auto policy = std::find_if(database.policies.begin(), database.policies.end(),
                                       [&](const auto& p) { return p.name == rollup.policy; });
      if (policy == database.policies.end() || policy->duration.count() == 0) continue;
      const std::int64_t limit =
          floor_to(base::to_unix_nanos(now) - policy->duration.count() + kAhead, kStep);
      auto done = condense_policy(database.name, rollup, limit, stop, progress);
      if (progress.stopped) return progress.hours;
      if (!done && outcome) outcome = std::move(done);
    }
  }
  if (!outcome) return std::move(outcome).error();
  return progress.hours;
}

Result<void> begin_rollup(Store& store, const std::string& database, const std::string& target,
                          Nanos keep_raw, Nanos keep_condensed) {
  constexpr Nanos kDay = std::chrono::hours{24};
  const std::vector<DatabaseInfo> databases = store.databases();
  const auto info = std::find_if(databases.begin(), databases.end(),
                                 [&](const DatabaseInfo& d) { return d.name == database; });
  if (info == databases.end()) return fail(Errc::kNotFound, "database not found: " + database);
  if (info->default_policy.empty()) return {};
  const auto named = [&](const std::string& name) {
    return std::find_if(info->policies.begin(), info->policies.end(),
                        [&](const RetentionPolicy& p) { return p.name == name; });
  };
  if (named(target) != info->policies.end()) return {};
  RetentionPolicy condensed;
  condensed.name = target;
  condensed.duration = keep_condensed;
  condensed.shard_duration = 7 * kDay;
  GS_CHECK(store.create_retention_policy(database, condensed, false));
  Rollup rollup;
  rollup.policy = info->default_policy;
  rollup.target = target;
  rollup.every_ns = kMinuteNs;
  // Before the raw samples are given an end: none may expire uncondensed.
  GS_CHECK(store.set_rollup(database, rollup));
  RetentionPolicy raw = *named(info->default_policy);
  raw.duration = keep_raw;
  raw.shard_duration = kDay;
  return store.alter_retention_policy(database, raw, false);
}

}  // namespace gpuscale::tsdb
