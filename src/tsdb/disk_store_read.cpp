// SPDX-License-Identifier: Apache-2.0
/// The reading half of DiskStore: the catalogue and the samples.
#include <algorithm>
#include <array>

#include "tsdb/disk_store.h"
#include "tsdb/series_scan.h"
#include "tsdb/totals_codec.h"
#include "tsdb/totals_scan.h"

namespace gpuscale::tsdb {
namespace {

/// Of one scan: what it decodes is taken by one thread, which is half of the work.
constexpr std::size_t kMostHelpersOfAScan = 3;

}  // namespace

std::vector<DatabaseInfo> DiskStore::databases() const {
  const std::shared_lock lock(mutex_);
  std::vector<DatabaseInfo> out;
  for (const auto& database : catalogue_.databases()) {
    DatabaseInfo info{database->name, database->default_policy, {}};
    for (const auto& policy : database->policies) info.policies.push_back(policy->policy);
    out.push_back(std::move(info));
  }
  return out;
}

bool DiskStore::has_database(std::string_view name) const {
  const std::shared_lock lock(mutex_);
  return catalogue_.find_database(name) != nullptr;
}

std::vector<ContinuousQuery> DiskStore::continuous_queries(std::string_view database) const {
  const std::shared_lock lock(mutex_);
  const DatabaseDef* found = catalogue_.find_database(database);
  return found == nullptr ? std::vector<ContinuousQuery>() : found->continuous;
}

std::vector<std::string> DiskStore::measurements(std::string_view database) const {
  const std::shared_lock lock(mutex_);
  std::vector<std::string> out;
  if (const DatabaseDef* found = catalogue_.find_database(database)) {
    for (const auto& [name, measurement] : found->measurements) out.push_back(name);
  }
  return out;
}

std::vector<FieldInfo> DiskStore::fields(std::string_view database, std::string_view policy,
                                         std::string_view measurement) const {
  const std::shared_lock lock(mutex_);
  std::vector<FieldInfo> out;
  const PolicyDef* kept = find_policy(database, policy);
  const MeasurementDef* found = catalogue_.find_measurement(database, measurement);
  if (kept == nullptr || found == nullptr) return out;
  for (const auto& [key, field] : found->fields_of(kept->id)) out.push_back({field->key, field->type});
  return out;
}

std::vector<std::string> DiskStore::tag_keys(std::string_view database, std::string_view measurement) const {
  const std::shared_lock lock(mutex_);
  std::vector<std::string> keys;
  if (const MeasurementDef* found = catalogue_.find_measurement(database, measurement)) {
    for (const auto& [key, values] : found->tag_values) keys.push_back(key);
  }
  return keys;
}

std::vector<std::string> DiskStore::tag_values(std::string_view database, std::string_view measurement,
                                               std::string_view key) const {
  const std::shared_lock lock(mutex_);
  std::vector<std::string> out;
  const MeasurementDef* found = catalogue_.find_measurement(database, measurement);
  if (found == nullptr) return out;
  const auto values = found->tag_values.find(key);
  if (values == found->tag_values.end()) return out;
  for (const auto& [value, series] : values->second) out.push_back(value);
  return out;
}

std::shared_ptr<SortedSeries> DiskStore::sorted_series(const MeasurementDef& measurement) const {
  {
    const std::scoped_lock sorting(sort_mutex_);
    if (measurement.sorted && measurement.sorted_version == measurement.series_version)
      return measurement.sorted;
  }
  auto made = std::make_shared<SortedSeries>();
  made->all.reserve(measurement.series.size());
  measurement.series.each([&](const SeriesInfo& series) { made->all.push_back(series); });
  std::sort(made->all.begin(), made->all.end(),
            [](const SeriesInfo& a, const SeriesInfo& b) { return *a.tags < *b.tags; });
  const std::scoped_lock sorting(sort_mutex_);
  measurement.sorted = made;
  measurement.sorted_version = measurement.series_version;
  return made;
}

std::vector<SeriesInfo> DiskStore::series(std::string_view database, std::string_view measurement) const {
  std::shared_ptr<SortedSeries> sorted;
  {
    const std::shared_lock lock(mutex_);
    const MeasurementDef* found = catalogue_.find_measurement(database, measurement);
    if (found == nullptr) return {};
    sorted = sorted_series(*found);
  }
  return sorted->all;
}

std::size_t DiskStore::series_count(std::string_view database, std::string_view measurement) const {
  const std::shared_lock lock(mutex_);
  const MeasurementDef* found = catalogue_.find_measurement(database, measurement);
  return found == nullptr ? 0 : found->series.size();
}

std::vector<SeriesInfo> DiskStore::series_with(std::string_view database, std::string_view measurement,
                                               std::span<const metrics::Tag> required) const {
  std::shared_ptr<SortedSeries> sorted;
  {
    const std::shared_lock lock(mutex_);
    const MeasurementDef* found = catalogue_.find_measurement(database, measurement);
    if (found == nullptr) return {};
    sorted = sorted_series(*found);
  }
  std::vector<SeriesInfo> out;
  const std::scoped_lock sorting(sort_mutex_);
  const std::vector<std::uint32_t>* rarest = nullptr;
  for (const metrics::Tag& tag : required) {
    const SortedSeries::Positions& positions = sorted->positions_of(tag.key);
    const auto at = positions.find(tag.value);
    if (at == positions.end()) return {};
    if (rarest == nullptr || at->second.size() < rarest->size()) rarest = &at->second;
  }
  if (rarest == nullptr) return out;
  out.reserve(rarest->size());
  for (const std::uint32_t position : *rarest) out.push_back(sorted->all[position]);
  return out;
}

const PolicyDef* DiskStore::find_policy(std::string_view database, std::string_view policy) const {
  const DatabaseDef* held = catalogue_.find_database(database);
  return held == nullptr ? nullptr : held->find_policy(policy);
}

std::vector<Rollup> DiskStore::rollups(std::string_view database) const {
  const std::shared_lock lock(mutex_);
  std::vector<Rollup> out;
  const DatabaseDef* held = catalogue_.find_database(database);
  if (held == nullptr) return out;
  for (const auto& policy : held->policies) {
    if (policy->rollup) out.push_back(*policy->rollup);
  }
  return out;
}

std::int64_t DiskStore::floor_of(std::string_view database, std::string_view policy) const {
  const std::shared_lock lock(mutex_);
  const PolicyDef* kept = find_policy(database, policy);
  return kept == nullptr ? std::numeric_limits<std::int64_t>::min() : kept->gone_before_ns;
}

std::optional<std::int64_t> DiskStore::oldest_sample(std::string_view database,
                                                     std::string_view policy) const {
  const std::shared_lock structure(mutex_);
  const std::shared_lock lock(head_mutex_);
  const PolicyDef* kept = find_policy(database, policy);
  if (kept == nullptr) return std::nullopt;
  std::int64_t oldest = std::numeric_limits<std::int64_t>::max();
  for (const Head* head : {head_.get(), sealing_.get()}) {
    if (head != nullptr) oldest = std::min(oldest, head->oldest(kept->id));
  }
  for (const auto& [owner, list] : segments_) {
    if (owner.policy != kept->id) continue;
    for (const auto& segment : list) oldest = std::min(oldest, segment->range().min_ns);
  }
  if (oldest == std::numeric_limits<std::int64_t>::max()) return std::nullopt;
  return std::max(oldest, kept->floor_ns);
}

std::vector<RowSpread> DiskStore::spread_of(std::string_view database, std::string_view policy,
                                            std::string_view measurement, TimeRange range) const {
  const std::shared_lock structure(mutex_);
  const std::shared_lock lock(head_mutex_);
  const PolicyDef* kept = find_policy(database, policy);
  const MeasurementDef* found = catalogue_.find_measurement(database, measurement);
  std::vector<RowSpread> out;
  if (kept == nullptr || found == nullptr) return out;
  const auto add = [&](const RowSpread& spread) {
    if (spread.rows > 0 && spread.range.min_ns <= range.max_ns && spread.range.max_ns >= range.min_ns)
      out.push_back(spread);
  };
  if (const auto list = segments_.find({kept->id, found->id}); list != segments_.end()) {
    for (const auto& segment : list->second) add({segment->range(), segment->rows()});
  }
  for (const Head* head : {sealing_.get(), head_.get()}) {
    if (head != nullptr) add(head->spread({kept->id, found->id}));
  }
  return out;
}

std::uint64_t DiskStore::series_changes(std::string_view database, std::string_view measurement) const {
  const std::shared_lock lock(mutex_);
  const MeasurementDef* found = catalogue_.find_measurement(database, measurement);
  return found == nullptr ? 0 : found->series_version;
}

std::optional<SegmentOwner> DiskStore::owner_of(std::string_view database, std::string_view policy,
                                                std::string_view measurement, TimeRange range) const {
  const DatabaseDef* held = catalogue_.find_database(database);
  const PolicyDef* kept = held == nullptr ? nullptr : held->find_policy(policy);
  const MeasurementDef* found = catalogue_.find_measurement(database, measurement);
  if (kept == nullptr || found == nullptr || range.min_ns < kept->floor_ns) return std::nullopt;
  return SegmentOwner{kept->id, found->id};
}

std::uint64_t DiskStore::version_of(std::string_view database, std::string_view policy,
                                    std::string_view measurement, TimeRange range) const {
  const std::shared_lock structure(mutex_);
  const std::shared_lock lock(head_mutex_);
  return owner_of(database, policy, measurement, range) ? changes_.version() : 0;
}

std::optional<std::int64_t> DiskStore::changed_since(std::string_view database, std::string_view policy,
                                                     std::string_view measurement, TimeRange range,
                                                     std::uint64_t version) const {
  const std::shared_lock structure(mutex_);
  const std::shared_lock lock(head_mutex_);
  const auto owner = owner_of(database, policy, measurement, range);
  return owner ? changes_.first_since(*owner, range, version) : range.min_ns;
}

// --- samples
// -----------------------------------------------------------------------------------------------------

Result<std::shared_ptr<const Strip>> DiskStore::strip_of(const Segment& segment, FieldId field,
                                                         FieldType type, bool keep) const {
  const SegmentId id = segment.label().id;
  const std::optional<bool> expected = segment.holds(field);
  if (expected == false) return std::shared_ptr<const Strip>();
  const auto place = [&] {
    return "segment " + std::to_string(id) + ", field " + std::to_string(field) + " of " + options_.path;
  };
  const auto of_its_type = [&](std::shared_ptr<const Strip> strip) -> Result<std::shared_ptr<const Strip>> {
    if (!strip || strip->type() == type) return strip;
    return fail(Errc::kCorrupt, place() + ": its values are not of the type that the field is known to have");
  };
  if (const auto held = strips_.find(id, field); held.known) return of_its_type(held.piece);
  GS_TRY(std::string bytes, reading().read<std::string>([&](db::Transaction& transaction) {
    return tables::select_strip(transaction, id, field);
  }));
  std::shared_ptr<const Strip> strip;
  if (!bytes.empty()) {
    auto opened = Strip::open(std::move(bytes), segment.series().size());
    if (!opened) return std::move(opened).error().with_context(place());
    strip = *std::move(opened);
  } else if (expected) {
    return fail(Errc::kCorrupt, place() + ": its values are not found");
  }
  if (keep) strips_.keep(id, field, strip);
  return of_its_type(std::move(strip));
}

Result<std::shared_ptr<const SlotTotals>> DiskStore::totals_of(const Segment& segment, FieldId field) const {
  const SegmentId id = segment.label().id;
  if (const auto held = totals_.find(id, field); held.known) return held.piece;
  GS_TRY(const std::string bytes, reading().read<std::string>([&](db::Transaction& transaction) {
    return tables::select_totals(transaction, id, field);
  }));
  std::shared_ptr<const SlotTotals> totals;
  if (!bytes.empty()) {
    auto decoded = decode_totals(bytes, {field, segment.directory_sum()});
    if (decoded) {
      totals = *std::move(decoded);
    } else {
      // The samples are there.
      log_.error("store.damaged_totals",
                 {{"segment", id}, {"field", std::int64_t{field}}, {"error", decoded.error()}});
    }
  }
  totals_.keep(id, field, totals);
  return totals;
}

std::optional<ScanView> DiskStore::begin_view(std::string_view database, std::string_view policy,
                                              std::span<const SeriesId> ids, std::string_view field,
                                              TimeRange range, Wanted wanted,
                                              std::optional<Error>& damage) const {
  const std::shared_lock structure(mutex_);
  const std::shared_lock lock(head_mutex_);
  const DatabaseDef* held = catalogue_.find_database(database);
  const PolicyDef* kept = held == nullptr ? nullptr : held->find_policy(policy);
  if (kept == nullptr) return std::nullopt;
  const MeasurementDef* measurement = nullptr;
  for (const SeriesId id : ids) {
    const SeriesDef* series = catalogue_.find_series(id);
    if (series == nullptr) continue;
    measurement = series->measurement;
    break;
  }
  if (measurement == nullptr) return std::nullopt;
  const FieldDef* found = measurement->find_field(kept->id, field);
  if (found == nullptr) return std::nullopt;
  ScanView view;
  view.owner = {kept->id, measurement->id};
  view.field = found->id;
  view.type = found->type;
  view.range = {std::max(range.min_ns, kept->floor_ns), range.max_ns};
  for (const Damaged& damaged : damaged_) {
    if (damaged.owner != view.owner || damaged.range.max_ns < view.range.min_ns ||
        damaged.range.min_ns > view.range.max_ns)
      continue;
    damage = fail(Errc::kCorrupt,
                  "segment " + std::to_string(damaged.id) + " of " + options_.path + ": " + damaged.reason);
    return std::nullopt;
  }
  if (const auto list = segments_.find(view.owner); list != segments_.end()) {
    for (const auto& segment : list->second) {
      if (segment->touches(view.range) && segment->holds(view.field) != false)
        view.segments.push_back(segment);
    }
  }
  view.head.type = view.type;
  const std::array<const Head*, 2> heads{sealing_.get(), head_.get()};
  view.head_ends = scan_heads(heads, {view.owner.policy, view.field, view.range, wanted}, ids, view.head);
  return view;
}

Result<std::optional<ScanView>> DiskStore::view_of(std::string_view database, std::string_view policy,
                                                   std::span<const SeriesId> ids, std::string_view field,
                                                   TimeRange range, Wanted wanted, bool totals) const {
  // A segment may be joined away between the moment it is listed and the moment it is read.
  constexpr int kTries = 5;
  for (int attempt = 1;; ++attempt) {
    std::optional<Error> damage;
    auto view = begin_view(database, policy, ids, field, range, wanted, damage);
    if (damage) return *std::move(damage);
    if (!view) return std::optional<ScanView>();
    Result<void> loaded;
    if (totals) {
      loaded = take_totals(*view, ids, [this](const Segment& segment, FieldId wanted_field) {
        return totals_of(segment, wanted_field);
      });
    }
    if (loaded) loaded = load_strips(*view);
    if (loaded) return view;
    if (loaded.error().code() != Errc::kNotFound || attempt == kTries) return std::move(loaded).error();
  }
}

Result<void> DiskStore::load_strips(ScanView& view) const {
  const auto load = [&](const Segment& segment) { return strip_of(segment, view.field, view.type, true); };
  for (const auto& segment : view.segments) {
    GS_TRY(auto strip, load(*segment));
    view.strips.push_back(std::move(strip));
  }
  for (TotalledSegment& part : view.totalled) {
    if (cut_slots(*part.totals, view.range).empty()) continue;
    GS_TRY(part.strip, load(*part.segment));
  }
  return {};
}

Result<void> DiskStore::scan(std::string_view database, std::string_view policy,
                             std::span<const SeriesId> ids, std::string_view field, TimeRange range,
                             const ScanSink& sink) const {
  GS_TRY(auto view, view_of(database, policy, ids, field, range, Wanted::kAll));
  return view ? scan_view(*view, ids, sink) : Result<void>();
}

Result<void> DiskStore::scan_view(const ScanView& view, std::span<const SeriesId> ids,
                                  const ScanSink& sink) const {
  const bool large = ids.size() * view.segments.size() >= options_.limits.chunks_for_helpers;
  const ScanHelpers::Lent helpers =
      scan_helpers_.lend(large ? std::min(kMostHelpersOfAScan, ids.size() - 1) : 0);
  return scan_series(view, ids, helpers.count(), sink);
}

Result<void> DiskStore::scan_totals(std::string_view database, std::string_view policy,
                                    std::span<const SeriesId> ids, std::string_view field, TimeRange range,
                                    const TotalsSink& totals, const ScanSink& sink) const {
  GS_TRY(auto view, view_of(database, policy, ids, field, range, Wanted::kAll, true));
  if (!view) return {};
  for (const TotalledSegment& part : view->totalled) {
    const RowRange slots = whole_slots(*part.totals, view->range);
    if (slots.size() > 0) GS_CHECK(totals(*part.totals, slots.begin, slots.end));
    for (const TimeRange& cut : cut_slots(*part.totals, view->range)) {
      ScanView rest;
      rest.owner = view->owner;
      rest.field = view->field;
      rest.type = view->type;
      rest.range = cut;
      rest.segments.push_back(part.segment);
      rest.strips.push_back(part.strip);
      GS_CHECK(scan_view(rest, ids, sink));
    }
  }
  return scan_view(*view, ids, sink);
}

Result<void> DiskStore::scan_last(std::string_view database, std::string_view policy,
                                  std::span<const SeriesId> ids, std::string_view field, TimeRange range,
                                  const ScanSink& sink) const {
  GS_TRY(auto view, view_of(database, policy, ids, field, range, Wanted::kNewest));
  if (!view) return {};
  return scan_last_of_series(*view, ids, sink);
}

Result<Column> DiskStore::read(std::string_view database, std::string_view policy, SeriesId id,
                               std::string_view field, TimeRange range) const {
  Column out;
  GS_CHECK(scan(database, policy, std::span(&id, 1), field, range,
                [&out](std::size_t, const Column& column) -> Result<void> {
                  out = column;
                  return {};
                }));
  return out;
}

bool DiskStore::has_samples(std::string_view database, std::string_view policy, SeriesId id,
                            TimeRange range) const {
  Segments unsure;
  {
    const std::shared_lock structure(mutex_);
    const std::shared_lock lock(head_mutex_);
    const DatabaseDef* held = catalogue_.find_database(database);
    const PolicyDef* kept = held == nullptr ? nullptr : held->find_policy(policy);
    const SeriesDef* series = catalogue_.find_series(id);
    if (kept == nullptr || series == nullptr) return false;
    range.min_ns = std::max(range.min_ns, kept->floor_ns);
    for (const Head* head : {head_.get(), sealing_.get()}) {
      const RowBuffer* rows = head == nullptr ? nullptr : head->find(kept->id, id);
      if (rows != nullptr && rows->has_rows(range)) return true;
    }
    const SegmentOwner owner{kept->id, series->measurement->id};
    // What cannot be read is not known to be absent; the read that follows says what is wrong.
    if (std::any_of(damaged_.begin(), damaged_.end(), [&](const Damaged& d) { return d.owner == owner; }))
      return true;
    const auto list = segments_.find(owner);
    if (list == segments_.end()) return false;
    for (const auto& segment : list->second) {
      std::size_t hint = 0;
      const std::size_t position = segment->find(id, hint);
      if (position == Segment::kNone) continue;
      const AxisExtent& extent = segment->extent(position);
      if (extent.max_ns < range.min_ns || extent.min_ns > range.max_ns) continue;
      if (extent.min_ns >= range.min_ns || extent.max_ns <= range.max_ns) return true;
      unsure.push_back(segment);
    }
  }
  return std::any_of(unsure.begin(), unsure.end(), [&](const auto& segment) {
    std::size_t hint = 0;
    const auto times = segment->times(segment->axis_of(segment->find(id, hint)));
    return !times || rows_in(*times, range).size() > 0;
  });
}

}  // namespace gpuscale::tsdb
