// SPDX-License-Identifier: Apache-2.0
/// The changing half of DiskStore: databases, policies, deletions, retention. Each is on disk before it is in
/// memory.
#include <algorithm>
#include <iterator>
#include <unordered_set>

#include "tsdb/batch.h"
#include "tsdb/disk_store.h"
#include "tsdb/within_memory.h"

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

void DiskStore::forget_segments(const std::function<bool(const SegmentOwner&)>& gone) {
  for (auto at = segments_.begin(); at != segments_.end();) {
    if (!gone(at->first)) {
      ++at;
      continue;
    }
    for (const auto& segment : at->second) forget_pieces(*segment);
    at = segments_.erase(at);
  }
  std::erase_if(damaged_, [&](const Damaged& damaged) { return gone(damaged.owner); });
  changes_.note_all();
}

Result<void> DiskStore::drop_database(std::string_view name) {
  const std::scoped_lock upkeep(upkeep_mutex_);
  const std::scoped_lock change(change_mutex_);
  const DatabaseDef* known = catalogue_.find_database(name);
  if (known == nullptr) return {};
  GS_CHECK(writer_->transact(
      Work([&](db::Transaction& transaction) { return tables::remove_database(transaction, known->id); })));
  const std::unique_lock lock(mutex_);
  for (const auto& policy : known->policies) {
    head_->drop_policy(policy->id);
    if (sealing_) sealing_->drop_policy(policy->id);
    forget_segments([&](const SegmentOwner& owner) { return owner.policy == policy->id; });
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
  // At once: what is written from now on may be as old as the new duration says, and is to be seen.
  set_floor(*present, clock_.wall());
  if (make_default) known->default_policy = policy.name;
  return {};
}

Result<void> DiskStore::drop_retention_policy(std::string_view database, std::string_view name) {
  const std::scoped_lock upkeep(upkeep_mutex_);
  const std::scoped_lock change(change_mutex_);
  DatabaseDef* known = catalogue_.find_database(database);
  if (known == nullptr) return no_database(database);
  const PolicyDef* present = name.empty() ? nullptr : known->find_policy(name);
  if (present == nullptr) return {};
  const PolicyId id = present->id;
  GS_CHECK(writer_->transact(
      Work([&](db::Transaction& transaction) { return tables::remove_policy(transaction, id); })));
  const std::unique_lock lock(mutex_);
  head_->drop_policy(id);
  if (sealing_) sealing_->drop_policy(id);
  forget_segments([&](const SegmentOwner& owner) { return owner.policy == id; });
  for (const auto& other : known->policies) {
    if (other->rollup && other->rollup->target == name) other->rollup.reset();
  }
  catalogue_.forget_policy(*known, name);
  return {};
}

Result<void> DiskStore::set_rollup(std::string_view database, const Rollup& rollup) {
  const std::scoped_lock change(change_mutex_);
  DatabaseDef* known = catalogue_.find_database(database);
  if (known == nullptr) return no_database(database);
  PolicyDef* policy = rollup.policy.empty() ? nullptr : known->find_policy(rollup.policy);
  const PolicyDef* target = rollup.target.empty() ? nullptr : known->find_policy(rollup.target);
  if (policy == nullptr) return no_policy(rollup.policy);
  if (target == nullptr) return no_policy(rollup.target);
  GS_CHECK(writer_->transact(Work([&](db::Transaction& transaction) {
    return tables::save_rollup(transaction, policy->id, target->id, rollup);
  })));
  const std::unique_lock lock(mutex_);
  policy->rollup = rollup;
  return {};
}

Result<void> DiskStore::create_continuous_query(std::string_view database, const ContinuousQuery& query) {
  const std::scoped_lock change(change_mutex_);
  DatabaseDef* known = catalogue_.find_database(database);
  if (known == nullptr) return no_database(database);
  if (std::any_of(known->continuous.begin(), known->continuous.end(),
                  [&](const ContinuousQuery& other) { return other.name == query.name; }))
    return fail(Errc::kConflict, "continuous query already exists");
  GS_CHECK(writer_->transact(Work([&](db::Transaction& transaction) {
    return tables::insert_continuous_query(transaction, known->id, query);
  })));
  const std::unique_lock lock(mutex_);
  known->continuous.push_back(query);
  return {};
}

Result<void> DiskStore::drop_continuous_query(std::string_view database, std::string_view name) {
  const std::scoped_lock change(change_mutex_);
  DatabaseDef* known = catalogue_.find_database(database);
  if (known == nullptr) return {};
  GS_CHECK(writer_->transact(Work([&](db::Transaction& transaction) {
    return tables::remove_continuous_query(transaction, known->id, name);
  })));
  const std::unique_lock lock(mutex_);
  std::erase_if(known->continuous, [&](const ContinuousQuery& query) { return query.name == name; });
  return {};
}

std::vector<SeriesId> DiskStore::series_of(const MeasurementDef& measurement) const {
  std::vector<SeriesId> ids;
  measurement.series.each([&](const SeriesInfo& series) { ids.push_back(series.id); });
  return ids;
}

Result<void> DiskStore::forget_series(std::string_view database, const std::vector<SeriesId>& ids,
                                      const Work& work) {
  GS_CHECK(writer_->transact(work));
  const std::unique_lock lock(mutex_);
  forget_in_memory(database, ids);
  return {};
}

void DiskStore::forget_in_memory(std::string_view database, const std::vector<SeriesId>& ids) {
  DatabaseDef* known = catalogue_.find_database(database);
  for (const SeriesId id : ids) {
    head_->drop_series(id);
    if (sealing_) sealing_->drop_series(id);
    catalogue_.forget_series(*known, id);
  }
  // In segments nobody asks for what the catalogue does not know; joining them leaves it out.
  changes_.note_all();
}

Result<void> DiskStore::drop_measurement(std::string_view database, std::string_view measurement) {
  const std::scoped_lock upkeep(upkeep_mutex_);
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
  forget_segments([&](const SegmentOwner& owner) { return owner.measurement == measurement_id; });
  catalogue_.forget_measurement(*known, measurement);
  return {};
}

Result<void> DiskStore::drop_series(std::string_view database, const std::vector<SeriesId>& ids) {
  const std::scoped_lock upkeep(upkeep_mutex_);
  const std::scoped_lock change(change_mutex_);
  if (catalogue_.find_database(database) == nullptr) return no_database(database);
  GS_CHECK(forget_series(
      database, ids, [&](db::Transaction& transaction) { return tables::remove_series(transaction, ids); }));
  if (is_catalogue_damaged_) return {};
  Segments dead;
  {
    const std::shared_lock lock(mutex_);
    for (const auto& [owner, list] : segments_) {
      std::copy_if(list.begin(), list.end(), std::back_inserter(dead), [this](const auto& segment) {
        const auto& series = segment->series();
        return std::none_of(series.begin(), series.end(),
                            [this](SeriesId id) { return catalogue_.find_series(id) != nullptr; });
      });
    }
  }
  return remove_segments(dead);
}

Result<void> DiskStore::remove_segments(const Segments& gone) {
  if (gone.empty()) return {};
  GS_CHECK(writer_->transact(Work([&](db::Transaction& transaction) -> Result<void> {
    for (const auto& segment : gone) GS_CHECK(tables::delete_segment(transaction, segment->label().id));
    return {};
  })));
  const std::unique_lock lock(mutex_);
  for (const auto& segment : gone) {
    std::erase(segments_[segment->label().owner], segment);
    forget_pieces(*segment);
  }
  changes_.note_all();
  return {};
}

Result<void> DiskStore::cut_samples(std::string_view database, const std::vector<SeriesId>& ids,
                                    TimeRange range) {
  std::map<SegmentOwner, Segments> touched;
  Cut cut{{ids.begin(), ids.end()}, range};
  {
    const std::shared_lock lock(mutex_);
    const DatabaseDef* known = catalogue_.find_database(database);
    if (known == nullptr) return no_database(database);
    for (const auto& [owner, list] : segments_) {
      const bool ours = std::any_of(known->policies.begin(), known->policies.end(),
                                    [&](const auto& policy) { return policy->id == owner.policy; });
      if (!ours) continue;
      for (const auto& segment : list) {
        std::size_t hint = 0;
        const bool holds = std::any_of(
            ids.begin(), ids.end(), [&](SeriesId id) { return segment->find(id, hint) != Segment::kNone; });
        if (holds && segment->touches(range)) touched[owner].push_back(segment);
      }
    }
  }
  for (const auto& [owner, list] : touched) {
    for (const auto& segment : list) {
      RebuildRequest request = rebuild_request(owner, {segment});
      request.cut = cut;
      request.level = segment->label().level;
      request.generation = segment->label().generation;
      GS_CHECK(replace_sources(std::move(request)));
    }
  }
  return {};
}

Result<void> DiskStore::delete_range(std::string_view database, const std::vector<SeriesId>& ids,
                                     TimeRange range) {
  // All that they have: no segment need be written anew for that.
  constexpr TimeRange kAll;
  if (range.min_ns <= kAll.min_ns && range.max_ns >= kAll.max_ns) return drop_series(database, ids);
  if (is_catalogue_damaged_) {
    return fail(Errc::kUnavailable,
                "no range is deleted while the catalogue is damaged (store.damaged_catalogue in the server's "
                "log): restore a backup");
  }
  const std::scoped_lock upkeep(upkeep_mutex_);
  // In segments a deletion lasts by itself; in the head the log would bring the samples back.
  GS_CHECK(seal_head());
  GS_CHECK(seal_head());
  const auto cut = within_memory([&] { return cut_samples(database, ids, range); });
  {
    // Some segments may have been cut before one that failed.
    const std::unique_lock lock(mutex_);
    changes_.note_all();
  }
  GS_CHECK(cut);
  return forget_emptied(database, ids);
}

/// Series without any sample left are no longer shown, as InfluxDB has it.
Result<void> DiskStore::forget_emptied(std::string_view database, const std::vector<SeriesId>& ids) {
  std::vector<SeriesId> empty;
  std::vector<std::string> policies;
  const std::scoped_lock change(change_mutex_);
  {
    const std::shared_lock lock(mutex_);
    const DatabaseDef* known = catalogue_.find_database(database);
    if (known == nullptr) return no_database(database);
    for (const auto& policy : known->policies) policies.push_back(policy->policy.name);
  }
  for (const SeriesId id : ids) {
    if (std::none_of(policies.begin(), policies.end(),
                     [&](const std::string& policy) { return has_samples(database, policy, id, {}); }))
      empty.push_back(id);
  }
  if (empty.empty()) return {};
  // Nobody may resolve points to these series until they are forgotten: samples that arrived meanwhile,
  // outside of the range that was deleted, are to stay.
  const std::unique_lock lock(mutex_);
  keep_expected(empty);
  GS_CHECK(writer_->transact(
      Work([&](db::Transaction& transaction) { return tables::remove_series(transaction, empty); })));
  forget_in_memory(database, empty);
  return {};
}

void DiskStore::keep_expected(std::vector<SeriesId>& ids) {
  std::unordered_set<SeriesId> expected;
  const auto note = [&expected](const std::vector<Pending>& batches) {
    for (const Pending& pending : batches) {
      BatchReader reader(pending.bytes);
      while (reader.next_row()) expected.insert(reader.series());
    }
  };
  const std::scoped_lock queue(queue_mutex_);
  note(queue_);
  if (in_commit_ != nullptr) note(*in_commit_);
  std::erase_if(ids, [&expected](SeriesId id) { return expected.contains(id); });
}

void DiskStore::set_floor(PolicyDef& policy, WallTime now) {
  std::int64_t floor = std::numeric_limits<std::int64_t>::min();
  if (policy.policy.duration > Nanos{0}) floor = base::to_unix_nanos(now - policy.policy.duration);
  if (policy.rollup) floor = std::min(floor, policy.rollup->done_ns);
  const bool sinks = floor < policy.floor_ns;
  policy.floor_ns = floor;
  // A clock that was ahead for a while must not declare gone what comes now.
  policy.gone_before_ns = std::min(std::max(policy.gone_before_ns, floor), base::to_unix_nanos(now));
  // Answers that were kept lack what is seen again.
  if (sinks) changes_.note_all();
}

Result<void> DiskStore::enforce_retention(WallTime now) {
  const std::scoped_lock upkeep(upkeep_mutex_);
  const std::scoped_lock change(change_mutex_);
  {
    // First of all, so that what cannot be deleted is hidden nevertheless, and what came back is seen.
    const std::unique_lock lock(mutex_);
    for (const auto& database : catalogue_.databases()) {
      for (const auto& policy : database->policies) set_floor(*policy, now);
    }
  }
  discard_unfinished();
  for (const auto& database : catalogue_.databases()) {
    for (const auto& policy : database->policies) {
      Segments gone;
      for (const auto& [owner, list] : segments_) {
        if (owner.policy != policy->id) continue;
        std::copy_if(list.begin(), list.end(), std::back_inserter(gone),
                     [&](const auto& segment) { return segment->range().max_ns < policy->floor_ns; });
      }
      GS_CHECK(remove_segments(gone));
    }
  }
  return {};
}

}  // namespace gpuscale::tsdb
