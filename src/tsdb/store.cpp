// SPDX-License-Identifier: Apache-2.0
/// What a store does by its other functions, unless it knows better.
#include "tsdb/store.h"

#include <algorithm>
#include <set>

namespace gpuscale::tsdb {

bool Store::has_database(std::string_view name) const {
  const std::vector<DatabaseInfo> all = databases();
  return std::any_of(all.begin(), all.end(), [name](const DatabaseInfo& info) { return info.name == name; });
}

Result<void> Store::create_continuous_query(std::string_view, const ContinuousQuery&) {
  return fail(Errc::kUnsupported, "this store keeps no continuous queries");
}

Result<void> Store::drop_continuous_query(std::string_view, std::string_view) {
  return {};
}

Result<void> Store::set_rollup(std::string_view, const Rollup&) {
  return fail(Errc::kUnsupported, "this store condenses nothing");
}

std::vector<SeriesInfo> Store::series_with(std::string_view database, std::string_view measurement,
                                           std::span<const metrics::Tag> required) const {
  std::vector<SeriesInfo> all = series(database, measurement);
  std::erase_if(all, [&](const SeriesInfo& info) {
    return std::any_of(required.begin(), required.end(), [&](const metrics::Tag& tag) {
      return metrics::tag_value(*info.tags, tag.key) != tag.value;
    });
  });
  return all;
}

Result<void> Store::scan(std::string_view database, std::string_view policy, std::span<const SeriesId> ids,
                         std::string_view field, TimeRange range, const ScanSink& sink) const {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    GS_TRY(const Column column, read(database, policy, ids[i], field, range));
    if (!column.times.empty()) GS_CHECK(sink(i, column));
  }
  return {};
}

Result<void> Store::scan_last(std::string_view database, std::string_view policy,
                              std::span<const SeriesId> ids, std::string_view field, TimeRange range,
                              const ScanSink& sink) const {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    GS_TRY(const Column column, read(database, policy, ids[i], field, range));
    if (column.times.empty()) continue;
    GS_TRY(const Column last, read(database, policy, ids[i], field, {column.times.back(), range.max_ns}));
    GS_CHECK(sink(i, last));
  }
  return {};
}

Result<void> Store::scan_totals(std::string_view database, std::string_view policy,
                                std::span<const SeriesId> ids, std::string_view field, TimeRange range,
                                const TotalsSink& /*totals*/, const ScanSink& sink) const {
  return scan(database, policy, ids, field, range, sink);
}

std::vector<std::string> Store::tag_values(std::string_view database, std::string_view measurement,
                                           std::string_view key) const {
  std::set<std::string> values;
  for (const SeriesInfo& info : series(database, measurement)) {
    const std::string_view value = metrics::tag_value(*info.tags, key);
    if (!value.empty()) values.emplace(value);
  }
  return {values.begin(), values.end()};
}

}  // namespace gpuscale::tsdb
