// SPDX-License-Identifier: Apache-2.0
/// The reading half of DiskStore: the catalogue and the samples.
#include <algorithm>
#include <set>

#include "tsdb/block_codec.h"
#include "tsdb/disk_store.h"

namespace gpuscale::tsdb {

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

std::vector<std::string> DiskStore::measurements(std::string_view database) const {
  const std::shared_lock lock(mutex_);
  std::vector<std::string> out;
  if (const DatabaseDef* found = catalogue_.find_database(database)) {
    for (const auto& [name, measurement] : found->measurements) out.push_back(name);
  }
  return out;
}

std::vector<FieldInfo> DiskStore::fields(std::string_view database, std::string_view measurement) const {
  const std::shared_lock lock(mutex_);
  std::vector<FieldInfo> out;
  if (const MeasurementDef* found = catalogue_.find_measurement(database, measurement)) {
    for (const auto& [key, field] : found->fields_by_key) out.push_back({field->key, field->type});
  }
  return out;
}

std::vector<std::string> DiskStore::tag_keys(std::string_view database, std::string_view measurement) const {
  const std::shared_lock lock(mutex_);
  std::set<std::string_view> keys;
  if (const MeasurementDef* found = catalogue_.find_measurement(database, measurement)) {
    for (const auto& [hash, id] : found->series_by_hash) {
      for (const metrics::Tag& tag : *catalogue_.find_series(id)->tags) keys.insert(tag.key);
    }
  }
  return {keys.begin(), keys.end()};
}

std::vector<SeriesInfo> DiskStore::series(std::string_view database, std::string_view measurement) const {
  std::vector<SeriesInfo> out;
  {
    const std::shared_lock lock(mutex_);
    const MeasurementDef* found = catalogue_.find_measurement(database, measurement);
    if (found == nullptr) return out;
    out.reserve(found->series_by_hash.size());
    for (const auto& [hash, id] : found->series_by_hash)
      out.push_back({id, catalogue_.find_series(id)->tags});
  }
  std::sort(out.begin(), out.end(),
            [](const SeriesInfo& a, const SeriesInfo& b) { return *a.tags < *b.tags; });
  return out;
}

std::optional<DiskStore::Source> DiskStore::source_of(std::string_view database, std::string_view policy,
                                                      SeriesId id, std::string_view field,
                                                      TimeRange range) const {
  const std::shared_lock lock(mutex_);
  const DatabaseDef* held = catalogue_.find_database(database);
  const PolicyDef* kept = held == nullptr ? nullptr : held->find_policy(policy);
  const SeriesDef* series = catalogue_.find_series(id);
  if (kept == nullptr || series == nullptr) return std::nullopt;
  const auto found = series->measurement->fields_by_key.find(field);
  if (found == series->measurement->fields_by_key.end()) return std::nullopt;
  Source source;
  source.policy = kept->id;
  source.field = found->second->id;
  source.type = found->second->type;
  source.range = {std::max(range.min_ns, kept->floor_ns), range.max_ns};
  source.generation = generation_;
  source.head.type = source.type;
  if (const ColumnBlock* block = head_.find(kept->id, id)) {
    source.head = extract(*block, source.field, source.type, source.range);
  }
  const auto extent = extents_.find({kept->id, id});
  source.in_blocks = extent != extents_.end() && extent->second.max_ns >= source.range.min_ns &&
                     extent->second.min_ns <= source.range.max_ns;
  return source;
}

Result<Column> DiskStore::read(std::string_view database, std::string_view policy, SeriesId id,
                               std::string_view field, TimeRange range) const {
  auto source = source_of(database, policy, id, field, range);
  if (!source) return Column{};
  if (!source->in_blocks) return std::move(source->head);
  // Blocks of a later generation were in the head when the source was taken.
  GS_TRY(const auto blocks, reading().read<std::vector<tables::BlockRow>>([&](db::Transaction& transaction) {
    return tables::select_blocks(transaction, source->policy, id, source->range, source->generation);
  }));
  Column column;
  column.type = source->type;
  for (const tables::BlockRow& row : blocks) {
    auto block = decode_block(row.bytes);
    if (!block) return block.error().with_context("block " + std::to_string(row.id) + " of " + options_.path);
    column = merge(std::move(column), extract(*block, source->field, source->type, source->range));
  }
  return merge(std::move(column), std::move(source->head));
}

bool DiskStore::has_samples(std::string_view database, std::string_view policy, SeriesId id,
                            TimeRange range) const {
  PolicyId kept_id = 0;
  std::int64_t generation = 0;
  {
    const std::shared_lock lock(mutex_);
    const DatabaseDef* held = catalogue_.find_database(database);
    const PolicyDef* kept = held == nullptr ? nullptr : held->find_policy(policy);
    if (kept == nullptr || catalogue_.find_series(id) == nullptr) return false;
    range.min_ns = std::max(range.min_ns, kept->floor_ns);
    if (const ColumnBlock* block = head_.find(kept->id, id)) {
      const RowRange rows = rows_in(block->times, range);
      if (rows.begin < rows.end) return true;
    }
    const auto extent = extents_.find({kept->id, id});
    if (extent == extents_.end() || extent->second.max_ns < range.min_ns ||
        extent->second.min_ns > range.max_ns) {
      return false;
    }
    kept_id = kept->id;
    generation = generation_;
  }
  const auto blocks = reading().read<std::vector<tables::BlockRow>>([&](db::Transaction& transaction) {
    return tables::select_blocks(transaction, kept_id, id, range, generation);
  });
  // What cannot be read is not known to be absent; the read that follows says what is wrong.
  if (!blocks) return true;
  return std::any_of(blocks->begin(), blocks->end(), [&](const tables::BlockRow& row) {
    if (row.min_ns >= range.min_ns || row.max_ns <= range.max_ns) return true;
    const auto block = decode_block(row.bytes);
    if (!block) return true;
    const RowRange rows = rows_in(block->times, range);
    return rows.begin < rows.end;
  });
}

}  // namespace gpuscale::tsdb
