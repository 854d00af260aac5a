// SPDX-License-Identifier: Apache-2.0
/// A tsdb::Store of plain maps, for tests of what stands on a store. Not thread-safe.
#pragma once
#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "metrics/line_protocol.h"
#include "tsdb/store.h"

namespace gpuscale::influxql::testing {

class MemoryStore : public tsdb::Store {
 public:
  std::vector<tsdb::DatabaseInfo> databases() const override {
    std::vector<tsdb::DatabaseInfo> out;
    for (const Database& database : databases_) out.push_back(database.info);
    return out;
  }

  Result<void> create_database(std::string_view name, std::optional<tsdb::RetentionPolicy> policy) override {
    if (const Database* present = find(name)) {
      if (policy && !(default_of(*present) == *policy))
        return fail(Errc::kConflict, "retention policy conflicts");
      return {};
    }
    const tsdb::RetentionPolicy first = policy.value_or(tsdb::RetentionPolicy{});
    databases_.push_back({{std::string(name), first.name, {first}}, {}, {}, {}});
    return {};
  }
  Result<void> drop_database(std::string_view name) override {
    std::erase_if(databases_, [&](const Database& d) { return d.info.name == name; });
    return {};
  }
  Result<void> create_retention_policy(std::string_view database, const tsdb::RetentionPolicy& policy,
                                       bool make_default) override {
    Database* db = find(database);
    if (db == nullptr) return missing(database);
    db->info.policies.push_back(policy);
    if (make_default) db->info.default_policy = policy.name;
    return {};
  }
  Result<void> alter_retention_policy(std::string_view database, const tsdb::RetentionPolicy& policy,
                                      bool make_default) override {
    Database* db = find(database);
    if (db == nullptr) return missing(database);
    for (auto& present : db->info.policies) {
      if (present.name == policy.name) present = policy;
    }
    if (make_default) db->info.default_policy = policy.name;
    return {};
  }
  Result<void> drop_retention_policy(std::string_view database, std::string_view name) override {
    Database* db = find(database);
    if (db == nullptr) return missing(database);
    std::erase_if(db->info.policies, [&](const auto& policy) { return policy.name == name; });
    if (db->info.default_policy == name) db->info.default_policy.clear();
    return {};
  }

  std::vector<tsdb::ContinuousQuery> continuous_queries(std::string_view database) const override {
    const Database* db = find(database);
    return db == nullptr ? std::vector<tsdb::ContinuousQuery>() : db->continuous;
  }
  Result<void> create_continuous_query(std::string_view database,
                                       const tsdb::ContinuousQuery& query) override {
    Database* db = find(database);
    if (db == nullptr) return missing(database);
    const bool taken = std::any_of(db->continuous.begin(), db->continuous.end(),
                                   [&](const auto& other) { return other.name == query.name; });
    if (taken) return fail(Errc::kConflict, "continuous query already exists");
    db->continuous.push_back(query);
    return {};
  }
  Result<void> drop_continuous_query(std::string_view database, std::string_view name) override {
    if (Database* db = find(database))
      std::erase_if(db->continuous, [&](const auto& query) { return query.name == name; });
    return {};
  }

  Result<tsdb::WriteOutcome> write(std::string_view database, std::string_view policy,
                                   std::span<const metrics::PointView> points) override {
    Database* db = find(database);
    if (db == nullptr) return fail(Errc::kNotFound, "database not found: \"" + std::string(database) + "\"");
    const std::string where(policy.empty() ? std::string_view(db->info.default_policy) : policy);
    const bool known = std::any_of(db->info.policies.begin(), db->info.policies.end(),
                                   [&](const auto& p) { return p.name == where; });
    if (!known) return fail(Errc::kNotFound, "retention policy not found: " + where);
    tsdb::WriteOutcome out;
    for (const metrics::PointView& point : points) put(*db, where, point, out);
    return out;
  }
  /// Line protocol into a database, for short tests; false where a line is bad.
  bool load(std::string_view database, std::string_view policy, const std::string& lines) {
    const metrics::ParsedLines parsed = metrics::parse_lines(lines, metrics::Precision::kNanos, 0);
    return write(database, policy, parsed.points).has_value() && parsed.errors.empty();
  }

  Result<void> drop_measurement(std::string_view database, std::string_view measurement) override {
    if (Database* db = find(database)) {
      std::erase_if(db->series, [&](const auto& s) { return s.measurement == measurement; });
      std::erase_if(db->fields, [&](const auto& entry) { return entry.first.second == measurement; });
    }
    return {};
  }
  Result<void> drop_series(std::string_view database, const std::vector<tsdb::SeriesId>& ids) override {
    if (Database* db = find(database)) {
      std::erase_if(db->series,
                    [&](const auto& s) { return std::find(ids.begin(), ids.end(), s.info.id) != ids.end(); });
      forget_empty(*db);
    }
    return {};
  }
  Result<void> delete_range(std::string_view database, const std::vector<tsdb::SeriesId>& ids,
                            tsdb::TimeRange range) override {
    Database* db = find(database);
    if (db == nullptr) return {};
    for (Series& series : db->series) {
      if (std::find(ids.begin(), ids.end(), series.info.id) == ids.end()) continue;
      for (auto& [key, samples] : series.columns) {
        std::erase_if(samples,
                      [&](const auto& s) { return s.first >= range.min_ns && s.first <= range.max_ns; });
      }
    }
    std::erase_if(db->series, [](const Series& series) {
      return std::all_of(series.columns.begin(), series.columns.end(),
                         [](const auto& c) { return c.second.empty(); });
    });
    forget_empty(*db);
    return {};
  }
  Result<void> enforce_retention(WallTime) override { return {}; }

  std::vector<std::string> measurements(std::string_view database) const override {
    std::set<std::string> out;
    if (const Database* db = find(database)) {
      for (const Series& series : db->series) out.insert(series.measurement);
    }
    return {out.begin(), out.end()};
  }
  std::vector<tsdb::FieldInfo> fields(std::string_view database, std::string_view policy,
                                      std::string_view measurement) const override {
    std::vector<tsdb::FieldInfo> out;
    const Database* db = find(database);
    if (db == nullptr) return out;
    const auto found = db->fields.find({policy_of(*db, policy), std::string(measurement)});
    if (found == db->fields.end()) return out;
    for (const auto& [key, type] : found->second) out.push_back({key, type});
    return out;
  }
  std::vector<std::string> tag_keys(std::string_view database, std::string_view measurement) const override {
    std::set<std::string> out;
    for (const tsdb::SeriesInfo& info : series(database, measurement)) {
      for (const auto& tag : *info.tags) out.insert(tag.key);
    }
    return {out.begin(), out.end()};
  }
  std::vector<tsdb::SeriesInfo> series(std::string_view database,
                                       std::string_view measurement) const override {
    std::vector<tsdb::SeriesInfo> out;
    const Database* db = find(database);
    if (db == nullptr) return out;
    for (const Series& series : db->series) {
      if (series.measurement == measurement) out.push_back(series.info);
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return *a.tags < *b.tags; });
    return out;
  }
  bool has_samples(std::string_view database, std::string_view policy, tsdb::SeriesId id,
                   tsdb::TimeRange range) const override {
    const Database* db = find(database);
    if (db == nullptr) return false;
    for (const Series& series : db->series) {
      if (series.info.id != id) continue;
      for (const auto& [key, samples] : series.columns) {
        if (key.first != policy_of(*db, policy)) continue;
        const auto at = samples.lower_bound(range.min_ns);
        if (at != samples.end() && at->first <= range.max_ns) return true;
      }
    }
    return false;
  }

  Result<tsdb::Column> read(std::string_view database, std::string_view policy, tsdb::SeriesId id,
                            std::string_view field, tsdb::TimeRange range) const override {
    tsdb::Column out;
    ++reads;
    const Database* db = find(database);
    if (db == nullptr) return out;
    for (const Series& series : db->series) {
      if (series.info.id != id) continue;
      const auto fields = db->fields.find({policy_of(*db, policy), series.measurement});
      if (fields == db->fields.end() || !fields->second.contains(std::string(field))) continue;
      out.type = fields->second.at(std::string(field));
      const auto column = series.columns.find({policy_of(*db, policy), std::string(field)});
      if (column == series.columns.end()) continue;
      for (auto at = column->second.lower_bound(range.min_ns);
           at != column->second.end() && at->first <= range.max_ns; ++at) {
        append(out, at->first, at->second);
      }
    }
    return out;
  }

  tsdb::StoreStats stats() const override { return {}; }
  Result<void> flush() override { return {}; }

  mutable int reads = 0;

 private:
  struct Series {
    std::string measurement;
    tsdb::SeriesInfo info;
    std::map<std::pair<std::string, std::string>, std::map<std::int64_t, metrics::FieldValue>> columns;
  };
  struct Database {
    tsdb::DatabaseInfo info;
    std::vector<Series> series;
    /// By policy and measurement.
    std::map<std::pair<std::string, std::string>, std::map<std::string, metrics::FieldType>> fields;
    std::vector<tsdb::ContinuousQuery> continuous;
  };

  static Error missing(std::string_view database) {
    return fail(Errc::kNotFound, "database not found: " + std::string(database));
  }
  static tsdb::RetentionPolicy default_of(const Database& db) {
    for (const auto& policy : db.info.policies) {
      if (policy.name == db.info.default_policy) return policy;
    }
    return {};
  }
  static std::string policy_of(const Database& db, std::string_view policy) {
    return std::string(policy.empty() ? std::string_view(db.info.default_policy) : policy);
  }
  const Database* find(std::string_view name) const {
    const auto found = std::find_if(databases_.begin(), databases_.end(),
                                    [&](const auto& d) { return d.info.name == name; });
    return found == databases_.end() ? nullptr : &*found;
  }
  Database* find(std::string_view name) { return const_cast<Database*>(std::as_const(*this).find(name)); }

  static void forget_empty(Database& db) {
    std::erase_if(db.fields, [&](const auto& entry) {
      return std::none_of(db.series.begin(), db.series.end(),
                          [&](const Series& s) { return s.measurement == entry.first.second; });
    });
  }

  static metrics::FieldValue owned(const metrics::FieldView& field) {
    return std::visit(
        [](const auto& value) -> metrics::FieldValue {
          if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string_view>) {
            return std::string(value);
          } else {
            return value;
          }
        },
        field.value);
  }

  void put(Database& db, const std::string& policy, const metrics::PointView& point,
           tsdb::WriteOutcome& out) {
    const std::string measurement(point.measurement);
    auto& types = db.fields[{policy, measurement}];
    for (const metrics::FieldView& field : point.fields) {
      const auto type = metrics::type_of(owned(field));
      const auto [at, fresh] = types.emplace(std::string(field.key), type);
      if (at->second == type) continue;
      ++out.dropped;
      if (out.first_reason.empty()) {
        out.first_reason = "field type conflict: input field \"" + std::string(field.key) +
                           "\" on measurement \"" + measurement + "\" is type " +
                           std::string(metrics::to_string(type)) + ", already exists as type " +
                           std::string(metrics::to_string(at->second));
      }
      return;
    }
    metrics::Tags tags;
    for (const auto& tag : point.tags) tags.push_back({std::string(tag.key), std::string(tag.value)});
    std::sort(tags.begin(), tags.end());
    Series& series = series_for(db, measurement, tags);
    for (const auto& field : point.fields) {
      series.columns[{policy, std::string(field.key)}][point.time_ns] = owned(field);
    }
    ++out.written;
  }

  Series& series_for(Database& db, const std::string& measurement, const metrics::Tags& tags) {
    for (Series& series : db.series) {
      if (series.measurement == measurement && *series.info.tags == tags) return series;
    }
    return db.series.emplace_back(
        Series{measurement, {++next_id_, std::make_shared<const metrics::Tags>(tags)}, {}});
  }

  static void append(tsdb::Column& out, std::int64_t time, const metrics::FieldValue& value) {
    out.times.push_back(time);
    if (const auto* number = std::get_if<double>(&value)) out.floats.push_back(*number);
    if (const auto* integer = std::get_if<std::int64_t>(&value)) out.integers.push_back(*integer);
    if (const auto* text = std::get_if<std::string>(&value)) out.strings.push_back(*text);
    if (const auto* flag = std::get_if<bool>(&value)) out.booleans.push_back(*flag ? 1 : 0);
  }

  std::vector<Database> databases_;
  tsdb::SeriesId next_id_ = 0;
};

}  // namespace gpuscale::influxql::testing
