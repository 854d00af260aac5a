// SPDX-License-Identifier: Apache-2.0
/// Private to the room: what exists - databases, policies, measurements, fields, series - in memory, with the
/// ids that log and blocks use. Not thread-safe: the store guards it. Ids are never used again.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tsdb/series_index.h"
#include "tsdb/store.h"

namespace gpuscale::tsdb {

using FieldId = std::uint32_t;
using PolicyId = std::uint32_t;

struct FieldDef {
  FieldId id;
  std::string key;
  FieldType type;
};

/// Every series of a measurement ascending by tags, and where among them those with a value of a tag stand:
/// for the tags that were asked for. Guarded by the store's sort mutex, except for `all`, which never
/// changes.
struct SortedSeries {
  using Positions = std::unordered_map<std::string_view, std::vector<std::uint32_t>>;
  std::vector<SeriesInfo> all;
  std::map<std::string, Positions, std::less<>> by_tag;

  const Positions& positions_of(std::string_view key);
};

using FieldsByKey = std::map<std::string_view, const FieldDef*>;

struct MeasurementDef {
  std::int64_t id;
  std::string name;
  std::vector<std::unique_ptr<FieldDef>> fields;  ///< in order of creation; no two of one key and type
  /// Those that were ever written to a policy. There each key has one type; in another policy it may have
  /// another, as where means of integers are kept.
  std::map<PolicyId, FieldsByKey> fields_by_policy;
  SeriesIndex series;
  /// How many series have each value of each tag.
  std::map<std::string, std::map<std::string, std::size_t, std::less<>>, std::less<>> tag_values;
  std::uint64_t series_version = 0;  ///< grows with every series that comes or goes; unique in the catalogue
  /// As of `sorted_version`; guarded by the store's sort mutex.
  mutable std::shared_ptr<SortedSeries> sorted;
  mutable std::uint64_t sorted_version = 0;

  const FieldsByKey& fields_of(PolicyId policy) const;
  const FieldDef* find_field(PolicyId policy, std::string_view key) const;
  const FieldDef* find_field(FieldId wanted) const;
};

struct SeriesDef {
  MeasurementDef* measurement;
  std::shared_ptr<const metrics::Tags> tags;
  std::uint64_t hash;  ///< of their index_text()
};

struct PolicyDef {
  PolicyId id;
  RetentionPolicy policy;
  std::optional<Rollup> rollup;
  /// Samples before this are not shown: what duration and clock said when they were last looked at.
  std::int64_t floor_ns = std::numeric_limits<std::int64_t>::min();
  /// The highest floor that there was: samples before it may be gone, also where the floor has sunk since.
  std::int64_t gone_before_ns = std::numeric_limits<std::int64_t>::min();
};

struct DatabaseDef {
  std::int64_t id;
  std::string name;
  std::string default_policy;
  std::vector<std::unique_ptr<PolicyDef>> policies;  ///< in order of creation
  std::map<std::string, std::unique_ptr<MeasurementDef>, std::less<>> measurements;
  std::vector<ContinuousQuery> continuous;  ///< in order of creation
  std::size_t series_count = 0;

  /// "" = the default one; nullptr where there is none.
  PolicyDef* find_policy(std::string_view policy_name) const;
};

/// Definitions made by writes that no transaction has saved yet, in order of creation.
struct NewDefinitions {
  struct Measurement {
    std::int64_t id;
    std::int64_t database;
    std::string name;
  };
  struct Field {
    FieldId id;
    std::int64_t measurement;
    std::string key;
    FieldType type;
  };
  /// A field in a policy that had none of its key.
  struct FieldOfPolicy {
    PolicyId policy;
    FieldId field;
    std::int64_t measurement;
  };
  struct Series {
    SeriesId id;
    std::int64_t measurement;
    std::shared_ptr<const metrics::Tags> tags;
  };
  std::vector<Measurement> measurements;
  std::vector<Field> fields;
  std::vector<FieldOfPolicy> policy_fields;
  std::vector<Series> series;

  bool empty() const {
    return measurements.empty() && fields.empty() && policy_fields.empty() && series.empty();
  }
  /// Those of `later` after these.
  void append(NewDefinitions later);
};

class Catalogue {
 public:
  // --- looking up
  // ----------------------------------------------------------------------------------------------
  DatabaseDef* find_database(std::string_view name) const;
  MeasurementDef* find_measurement(std::string_view database, std::string_view measurement) const;
  const SeriesDef* find_series(SeriesId id) const;
  PolicyDef* find_policy(PolicyId id) const;
  const std::vector<std::unique_ptr<DatabaseDef>>& databases() const { return databases_; }
  std::size_t series_count() const { return series_.size(); }

  // --- definitions made by writes: they also go to unsaved()
  // ---------------------------------------------------
  MeasurementDef& make_measurement(DatabaseDef& database, std::string_view name);
  /// The field for a policy that has none of this key; one that another policy has, where the type is the
  /// same.
  const FieldDef& make_field(MeasurementDef& measurement, PolicyId policy, std::string_view key,
                             FieldType type);
  /// Of samples that were written before policies were told apart; nothing where it is known.
  void note_field(MeasurementDef& measurement, PolicyId policy, FieldId field);
  SeriesId make_series(DatabaseDef& database, MeasurementDef& measurement,
                       std::span<const metrics::TagView> tags);
  NewDefinitions& unsaved() { return unsaved_; }

  // --- definitions read from disk, or already written there
  // ----------------------------------------------------
  DatabaseDef& add_database(std::int64_t id, std::string_view name, std::string_view default_policy);
  PolicyDef& add_policy(DatabaseDef& database, PolicyId id, const RetentionPolicy& policy);
  MeasurementDef& add_measurement(DatabaseDef& database, std::int64_t id, std::string_view name);
  FieldDef& add_field(MeasurementDef& measurement, FieldId id, std::string_view key, FieldType type);
  /// False where the policy has one of its key, or there is no such field.
  bool add_field_of_policy(MeasurementDef& measurement, PolicyId policy, FieldId field);
  void add_series(DatabaseDef& database, MeasurementDef& measurement, SeriesId id,
                  std::shared_ptr<const metrics::Tags> tags);
  /// The next ids are above what any file ever held.
  void start_ids_after(std::int64_t measurement, FieldId field, SeriesId series);

  // --- forgetting
  // ----------------------------------------------------------------------------------------------
  void forget_database(std::string_view name);
  void forget_policy(DatabaseDef& database, std::string_view name);
  void forget_measurement(DatabaseDef& database, std::string_view name);
  void forget_series(DatabaseDef& database, SeriesId id);

 private:
  std::vector<std::unique_ptr<DatabaseDef>> databases_;  // in order of creation
  std::unordered_map<SeriesId, SeriesDef> series_;
  std::unordered_map<PolicyId, PolicyDef*> policies_;
  NewDefinitions unsaved_;
  std::uint64_t version_ = 0;
  std::int64_t last_measurement_ = 0;
  FieldId last_field_ = 0;
  SeriesId last_series_ = 0;
};

}  // namespace gpuscale::tsdb
