// SPDX-License-Identifier: Apache-2.0
#include "tsdb/catalogue.h"

#include <algorithm>
#include <iterator>

namespace gpuscale::tsdb {
void NewDefinitions::append(NewDefinitions later) {
  std::move(later.measurements.begin(), later.measurements.end(), std::back_inserter(measurements));
  std::move(later.fields.begin(), later.fields.end(), std::back_inserter(fields));
  std::move(later.policy_fields.begin(), later.policy_fields.end(), std::back_inserter(policy_fields));
  std::move(later.series.begin(), later.series.end(), std::back_inserter(series));
}

const FieldsByKey& MeasurementDef::fields_of(PolicyId policy) const {
  static const FieldsByKey kNone;
  const auto found = fields_by_policy.find(policy);
  return found == fields_by_policy.end() ? kNone : found->second;
}

const FieldDef* MeasurementDef::find_field(PolicyId policy, std::string_view key) const {
  const FieldsByKey& known = fields_of(policy);
  const auto found = known.find(key);
  return found == known.end() ? nullptr : found->second;
}

const FieldDef* MeasurementDef::find_field(FieldId wanted) const {
  const auto known =
      std::find_if(fields.begin(), fields.end(), [wanted](const auto& field) { return field->id == wanted; });
  return known == fields.end() ? nullptr : known->get();
}

const SortedSeries::Positions& SortedSeries::positions_of(std::string_view key) {
  const auto [at, fresh] = by_tag.try_emplace(std::string(key));
  if (fresh) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::string_view value = metrics::tag_value(*all[i].tags, key);
      if (!value.empty()) at->second[value].push_back(static_cast<std::uint32_t>(i));
    }
  }
  return at->second;
}

PolicyDef* DatabaseDef::find_policy(std::string_view policy_name) const {
  const std::string_view wanted = policy_name.empty() ? std::string_view(default_policy) : policy_name;
  for (const auto& policy : policies) {
    if (policy->policy.name == wanted) return policy.get();
  }
  return nullptr;
}

DatabaseDef* Catalogue::find_database(std::string_view name) const {
  for (const auto& database : databases_) {
    if (database->name == name) return database.get();
  }
  return nullptr;
}

MeasurementDef* Catalogue::find_measurement(std::string_view database, std::string_view measurement) const {
  const DatabaseDef* db = find_database(database);
  if (db == nullptr) return nullptr;
  const auto it = db->measurements.find(measurement);
  return it == db->measurements.end() ? nullptr : it->second.get();
}

const SeriesDef* Catalogue::find_series(SeriesId id) const {
  const auto it = series_.find(id);
  return it == series_.end() ? nullptr : &it->second;
}

PolicyDef* Catalogue::find_policy(PolicyId id) const {
  const auto it = policies_.find(id);
  return it == policies_.end() ? nullptr : it->second;
}

MeasurementDef& Catalogue::make_measurement(DatabaseDef& database, std::string_view name) {
  MeasurementDef& made = add_measurement(database, last_measurement_ + 1, name);
  unsaved_.measurements.push_back({made.id, database.id, made.name});
  return made;
}

const FieldDef& Catalogue::make_field(MeasurementDef& measurement, PolicyId policy, std::string_view key,
                                      FieldType type) {
  const auto known =
      std::find_if(measurement.fields.begin(), measurement.fields.end(),
                   [&](const auto& field) { return field->key == key && field->type == type; });
  const FieldDef* field = known == measurement.fields.end() ? nullptr : known->get();
  if (field == nullptr) {
    field = &add_field(measurement, last_field_ + 1, key, type);
    unsaved_.fields.push_back({field->id, measurement.id, field->key, type});
  }
  measurement.fields_by_policy[policy][field->key] = field;
  unsaved_.policy_fields.push_back({policy, field->id, measurement.id});
  return *field;
}

void Catalogue::note_field(MeasurementDef& measurement, PolicyId policy, FieldId id) {
  if (add_field_of_policy(measurement, policy, id))
    unsaved_.policy_fields.push_back({policy, id, measurement.id});
}

SeriesId Catalogue::make_series(DatabaseDef& database, MeasurementDef& measurement,
                                std::span<const metrics::TagView> tags) {
  auto owned = std::make_shared<metrics::Tags>();
  owned->reserve(tags.size());
  for (const metrics::TagView& tag : tags) owned->push_back({std::string(tag.key), std::string(tag.value)});
  const SeriesId id = last_series_ + 1;
  unsaved_.series.push_back({id, measurement.id, owned});
  add_series(database, measurement, id, std::move(owned));
  return id;
}

DatabaseDef& Catalogue::add_database(std::int64_t id, std::string_view name,
                                     std::string_view default_policy) {
  auto database = std::make_unique<DatabaseDef>();
  database->id = id;
  database->name = name;
  database->default_policy = default_policy;
  return *databases_.emplace_back(std::move(database));
}

PolicyDef& Catalogue::add_policy(DatabaseDef& database, PolicyId id, const RetentionPolicy& policy) {
  PolicyDef& made = *database.policies.emplace_back(std::make_unique<PolicyDef>(PolicyDef{id, policy}));
  policies_[id] = &made;
  return made;
}

MeasurementDef& Catalogue::add_measurement(DatabaseDef& database, std::int64_t id, std::string_view name) {
  auto measurement = std::make_unique<MeasurementDef>();
  measurement->id = id;
  measurement->name = name;
  last_measurement_ = std::max(last_measurement_, id);
  return *(database.measurements[std::string(name)] = std::move(measurement));
}

FieldDef& Catalogue::add_field(MeasurementDef& measurement, FieldId id, std::string_view key,
                               FieldType type) {
  FieldDef& made =
      *measurement.fields.emplace_back(std::make_unique<FieldDef>(FieldDef{id, std::string(key), type}));
  last_field_ = std::max(last_field_, id);
  return made;
}

bool Catalogue::add_field_of_policy(MeasurementDef& measurement, PolicyId policy, FieldId id) {
  const FieldDef* known = measurement.find_field(id);
  return known != nullptr && measurement.fields_by_policy[policy].emplace(known->key, known).second;
}

void Catalogue::add_series(DatabaseDef& database, MeasurementDef& measurement, SeriesId id,
                           std::shared_ptr<const metrics::Tags> tags) {
  const std::string text = index_text(*tags);
  const std::uint64_t hash = hash_text(text);
  measurement.series.add({id, tags}, text, hash);
  measurement.series_version = ++version_;
  for (const metrics::Tag& tag : *tags) ++measurement.tag_values[tag.key][tag.value];
  series_[id] = {&measurement, std::move(tags), hash};
  ++database.series_count;
  last_series_ = std::max(last_series_, id);
}

void Catalogue::start_ids_after(std::int64_t measurement, FieldId field, SeriesId series) {
  last_measurement_ = std::max(last_measurement_, measurement);
  last_field_ = std::max(last_field_, field);
  last_series_ = std::max(last_series_, series);
}

void Catalogue::forget_database(std::string_view name) {
  DatabaseDef* database = find_database(name);
  if (database == nullptr) return;
  while (!database->measurements.empty()) {
    const std::string first = database->measurements.begin()->first;
    forget_measurement(*database, first);
  }
  for (const auto& policy : database->policies) policies_.erase(policy->id);
  std::erase_if(databases_, [&](const auto& entry) { return entry.get() == database; });
}

void Catalogue::forget_policy(DatabaseDef& database, std::string_view name) {
  const PolicyDef* policy = name.empty() ? nullptr : database.find_policy(name);
  if (policy == nullptr) return;
  policies_.erase(policy->id);
  for (const auto& [measurement_name, measurement] : database.measurements)
    measurement->fields_by_policy.erase(policy->id);
  std::erase_if(unsaved_.policy_fields, [&](const auto& entry) { return entry.policy == policy->id; });
  std::erase_if(database.policies, [&](const auto& entry) { return entry.get() == policy; });
}

void Catalogue::forget_measurement(DatabaseDef& database, std::string_view name) {
  const auto it = database.measurements.find(name);
  if (it == database.measurements.end()) return;
  const MeasurementDef& measurement = *it->second;
  measurement.series.each([&](const SeriesInfo& series) {
    series_.erase(series.id);
    --database.series_count;
  });
  const std::int64_t id = measurement.id;
  std::erase_if(unsaved_.policy_fields, [id](const auto& entry) { return entry.measurement == id; });
  std::erase_if(unsaved_.measurements, [id](const auto& entry) { return entry.id == id; });
  std::erase_if(unsaved_.fields, [id](const auto& entry) { return entry.measurement == id; });
  std::erase_if(unsaved_.series, [id](const auto& entry) { return entry.measurement == id; });
  database.measurements.erase(it);
}

void Catalogue::forget_series(DatabaseDef& database, SeriesId id) {
  const auto it = series_.find(id);
  if (it == series_.end()) return;
  it->second.measurement->series_version = ++version_;
  for (const metrics::Tag& tag : *it->second.tags) {
    const auto key = it->second.measurement->tag_values.find(tag.key);
    const auto value = key->second.find(tag.value);
    if (--value->second == 0) key->second.erase(value);
    if (key->second.empty()) it->second.measurement->tag_values.erase(key);
  }
  it->second.measurement->series.remove(id, it->second.hash);
  series_.erase(it);
  --database.series_count;
  std::erase_if(unsaved_.series, [id](const auto& unsaved) { return unsaved.id == id; });
}

}  // namespace gpuscale::tsdb
