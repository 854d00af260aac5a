// SPDX-License-Identifier: Apache-2.0
/// A store that keeps nothing but what was asked of it, and fails when told to.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tsdb/store.h"

namespace gpuscale::api::testing {

class FakeStore : public tsdb::Store {
 public:
  struct Written {
    std::string database;
    std::string policy;
    std::vector<std::string> measurements;
    std::vector<std::int64_t> times;
  };

  std::vector<Written> writes;
  std::optional<Error> next_error;  ///< of the next write
  std::optional<tsdb::WriteOutcome> next_outcome;
  std::vector<tsdb::DatabaseInfo> known{{"gpuscale", "autogen", {tsdb::RetentionPolicy{}}}};

  std::vector<tsdb::DatabaseInfo> databases() const override { return known; }
  Result<void> create_database(std::string_view name, std::optional<tsdb::RetentionPolicy>) override {
    known.push_back({std::string(name), "autogen", {tsdb::RetentionPolicy{}}});
    return {};
  }
  Result<void> drop_database(std::string_view name) override {
    std::erase_if(known, [name](const auto& database) { return database.name == name; });
    return {};
  }
  Result<void> create_retention_policy(std::string_view, const tsdb::RetentionPolicy&, bool) override {
    return {};
  }
  Result<void> alter_retention_policy(std::string_view, const tsdb::RetentionPolicy&, bool) override {
    return {};
  }
  Result<void> drop_retention_policy(std::string_view, std::string_view) override { return {}; }

  Result<tsdb::WriteOutcome> write(std::string_view database, std::string_view policy,
                                   std::span<const metrics::PointView> points) override {
    if (next_error) {
      const Error error = *next_error;
      next_error.reset();
      return error;
    }
    Written& written = writes.emplace_back(Written{std::string(database), std::string(policy), {}, {}});
    for (const auto& point : points) {
      written.measurements.emplace_back(point.measurement);
      written.times.push_back(point.time_ns);
    }
    return next_outcome ? *next_outcome : tsdb::WriteOutcome{points.size(), 0, ""};
  }

  Result<void> drop_measurement(std::string_view, std::string_view) override { return {}; }
  Result<void> drop_series(std::string_view, const std::vector<tsdb::SeriesId>&) override { return {}; }
  Result<void> delete_range(std::string_view, const std::vector<tsdb::SeriesId>&, tsdb::TimeRange) override {
    return {};
  }
  Result<void> enforce_retention(WallTime) override { return {}; }

  std::vector<std::string> measurements(std::string_view) const override { return {}; }
  std::vector<tsdb::FieldInfo> fields(std::string_view, std::string_view, std::string_view) const override {
    return {};
  }
  std::vector<std::string> tag_keys(std::string_view, std::string_view) const override { return {}; }
  std::vector<tsdb::SeriesInfo> series(std::string_view, std::string_view) const override { return {}; }
  bool has_samples(std::string_view, std::string_view, tsdb::SeriesId, tsdb::TimeRange) const override {
    return false;
  }
  Result<tsdb::Column> read(std::string_view, std::string_view, tsdb::SeriesId, std::string_view,
                            tsdb::TimeRange) const override {
    return tsdb::Column{};
  }
  tsdb::StoreStats stats() const override {
    return {.points_written = 12, .points_dropped = 3, .commits = 2, .series = 5};
  }
  Result<void> flush() override { return {}; }
};

}  // namespace gpuscale::api::testing
