// SPDX-License-Identifier: Apache-2.0
/// The changing half of DiskStore: databases, policies, deletions, retention. Each is on disk before it is in
/// memory.
#include <algorithm>

#include "tsdb/block_codec.h"
#include "tsdb/disk_store.h"

namespace gpuscale::tsdb {
namespace {

Error no_database(std::string_view name) {
  return fail(Errc::kNotFound, "database not found: " + std::string(name));
}
Error no_policy(std::string_view name) {
  return fail(Errc::kNotFound, "retention policy not found: " + std::string(name));
}

}  // namespace

Result<void> DiskStore::create_database(std::string_view name, std::optional<RetentionPolicy> policy) {
  const std::scoped_lock change(change_mutex_);
  if (const DatabaseDef* known = catalogue_.find_database(name)) {
    const PolicyDef* present = known->find_policy("");
    if (policy && (present == nullptr || !(present->policy == *policy))) {
      return fail(Errc::kConflict, "retention policy conflicts with an existing policy");
    }
    return {};
  }
  const RetentionPolicy first = policy.value_or(RetentionPolicy{});
  std::int64_t id = 0;
  PolicyId policy_id = 0;
  GS_CHECK(writer_->transact(Work([&](db::Transaction& transaction) -> Result<void> {
    GS_TRY(id, tables::insert_database(transaction, name, first.name));
    GS_TRY(policy_id, tables::insert_policy(transaction, id, first));
    return {};
  })));
  const std::unique_lock lock(mutex_);
  DatabaseDef& made = catalogue_.add_database(id, name, first.name);
  catalogue_.add_policy(made, policy_id, first);
  return {};
}

Result<void> DiskStore::drop_database(std::string_view name) {
  const std::scoped_lock change(change_mutex_);
  const DatabaseDef* known = catalogue_.find_database(name);
  if (known == nullptr) return {};
  GS_CHECK(writer_->transact(
      Work([&](db::Transaction& transaction) { return tables::remove_database(transaction, known->id); })));
  const std::unique_lock lock(mutex_);
  for (const auto& policy : known->policies) {
    head_.drop_policy(policy->id);
    std::erase_if(extents_, [&](const auto& extent) { return extent.first.first == policy->id; });
  }
  catalogue_.forget_database(name);
  return {};
}

Result<void> DiskStore::create_retention_policy(std::string_view database, const RetentionPolicy& policy,
                                                bool make_default) {
  const std::scoped_lock change(change_mutex_);
  DatabaseDef* known = catalogue_.find_database(database);
  if (known == nullptr) return no_database(database);
  const PolicyDef* present = policy.name.empty() ? nullptr : known->find_policy(policy.name);
  if (present != nullptr && !(present->policy == policy)) {
    return fail(Errc::kConflict, "retention policy already exists");
  }
  PolicyId id = 0;
  GS_CHECK(writer_->transact(Work([&](db::Transaction& transaction) -> Result<void> {
    if (present == nullptr) {
      GS_TRY(id, tables::insert_policy(transaction, known->id, policy));
    }
    if (make_default) GS_CHECK(tables::set_default_policy(transaction, known->id, policy.name));
    return {};
  })));
  const std::unique_lock lock(mutex_);
  if (present == nullptr) catalogue_.add_policy(*known, id, policy);
  if (make_default) known->default_policy = policy.name;
  return {};
}

Result<void> DiskStore::alter_retention_policy(std::string_view database, const RetentionPolicy& policy,
                                               bool make_default) {
  const std::scoped_lock change(change_mutex_);
  DatabaseDef* known = catalogue_.find_database(database);
  if (known == nullptr) return no_database(database);
  PolicyDef* present = policy.name.empty() ? nullptr : known->find_policy(policy.name);
  if (present == nullptr) return no_policy(policy.name);
  GS_CHECK(writer_->transact(Work([&](db::Transaction& transaction) -> Result<void> {
    GS_CHECK(tables::update_policy(transaction, present->id, policy));
    if (make_default) GS_CHECK(tables::set_default_policy(transaction, known->id, policy.name));
    return {};
  })));
  const std::unique_lock lock(mutex_);
  present->policy = policy;
  if (make_default) known->default_policy = policy.name;
  return {};
}

Result<void> DiskStore::drop_retention_policy(std::string_view database, std::string_view name) {
  const std::scoped_lock change(change_mutex_);
  DatabaseDef* known = catalogue_.find_database(database);
  if (known == nullptr) return no_database(database);
  const PolicyDef* present = name.empty() ? nullptr : known->find_policy(name);
  if (present == nullptr) return {};
  const PolicyId id = present->id;
  GS_CHECK(writer_->transact(
      Work([&](db::Transaction& transaction) { return tables::remove_policy(transaction, id); })));
  const std::unique_lock lock(mutex_);
  head_.drop_policy(id);
  std::erase_if(extents_, [&](const auto& extent) { return extent.first.first == id; });
  catalogue_.forget_policy(*known, name);
  return {};
}

std::vector<SeriesId> DiskStore::series_of(const MeasurementDef& measurement) const {
  std::vector<SeriesId> ids;
  for (const auto& [hash, id] : measurement.series_by_hash) ids.push_back(id);
  return ids;
}

Result<void> DiskStore::forget_series(std::string_view database, const std::vector<SeriesId>& ids,
                                      const Work& work) {
  GS_CHECK(writer_->transact(work));
  const std::unique_lock lock(mutex_);
  DatabaseDef* known = catalogue_.find_database(database);
  for (const SeriesId id : ids) {
    head_.drop_series(id);
    for (const auto& policy : known->policies) extents_.erase({policy->id, id});
    catalogue_.forget_series(*known, id);
  }
  return {};
}

Result<void> DiskStore::drop_measurement(std::string_view database, std::string_view measurement) {
  const std::scoped_lock change(change_mutex_);
  DatabaseDef* known = catalogue_.find_database(database);
  if (known == nullptr) return no_database(database);
  std::vector<SeriesId> ids;
  std::int64_t measurement_id = 0;
  {
    // Writers define under the exclusive lock without the change's.
    const std::shared_lock lock(mutex_);
    const MeasurementDef* found = catalogue_.find_measurement(database, measurement);
    if (found == nullptr) return fail(Errc::kNotFound, "measurement not found: " + std::string(measurement));
    ids = series_of(*found);
    measurement_id = found->id;
  }
  GS_CHECK(forget_series(database, ids, [&](db::Transaction& transaction) {
    return tables::remove_measurement(transaction, measurement_id);
  }));
  const std::unique_lock lock(mutex_);
  catalogue_.forget_measurement(*known, measurement);
  return {};
}

Result<void> DiskStore::drop_series(std::string_view database, const std::vector<SeriesId>& ids) {
  const std::scoped_lock change(change_mutex_);
  if (catalogue_.find_database(database) == nullptr) return no_database(database);
  return forget_series(database, ids,
                       [&](db::Transaction& transaction) { return tables::remove_series(transaction, ids); });
}

Result<void> DiskStore::cut_blocks(db::Transaction& transaction, SeriesId series, TimeRange range) {
  GS_TRY(auto blocks, tables::select_blocks_of_series(transaction, series, range));
  for (tables::BlockRow& row : blocks) {
    auto block = decode_block(row.bytes);
    if (!block) return block.error().with_context("block " + std::to_string(row.id) + " of " + options_.path);
    const ColumnBlock left = without(*block, range);
    GS_CHECK(tables::delete_block(transaction, row.id));
    if (left.times.empty()) continue;
    row.min_ns = left.times.front();
    row.max_ns = left.times.back();
    row.bytes = encode_block(left);
    GS_CHECK(tables::insert_blocks(transaction, std::span(&row, 1)));
  }
  return {};
}

Result<void> DiskStore::delete_range(std::string_view database, const std::vector<SeriesId>& ids,
                                     TimeRange range) {
  const std::scoped_lock change(change_mutex_);
  if (catalogue_.find_database(database) == nullptr) return no_database(database);
  // In blocks a deletion lasts by itself; in the head the log would bring the samples back.
  GS_CHECK(seal());
  return writer_->transact(Work([&](db::Transaction& transaction) -> Result<void> {
    for (const SeriesId id : ids) GS_CHECK(cut_blocks(transaction, id, range));
    return {};
  }));
}

Result<void> DiskStore::enforce_retention(WallTime now) {
  const std::scoped_lock change(change_mutex_);
  for (const auto& database : catalogue_.databases()) {
    for (const auto& policy : database->policies) {
      if (policy->policy.duration <= Nanos{0}) continue;
      const std::int64_t floor = base::to_unix_nanos(now - policy->policy.duration);
      GS_CHECK(writer_->transact(Work([&](db::Transaction& transaction) {
        return tables::delete_blocks_before(transaction, policy->id, floor);
      })));
      const std::unique_lock lock(mutex_);
      policy->floor_ns = std::max(policy->floor_ns, floor);
    }
  }
  return {};
}

}  // namespace gpuscale::tsdb
