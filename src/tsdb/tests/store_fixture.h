// SPDX-License-Identifier: Apache-2.0
/// A store in a folder of its own, written in line protocol.
#pragma once
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/testing/manual_clock.h"
#include "db/database.h"
#include "metrics/line_protocol.h"
#include "tsdb/copy_store.h"
#include "tsdb/store.h"

namespace gpuscale::tsdb {

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "gpuscale-tsdb-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    path_ = folder_ + "/metrics.db";
  }
  ~StoreTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  void SetUp() override { reopen(); }

  void reopen(StoreLimits limits = {}) {
    store_.reset();
    auto store = Store::open({path_, limits}, clock_, log::Log::silent());
    ASSERT_TRUE(store) << store.error().message();
    store_ = *std::move(store);
    ASSERT_TRUE(store_->create_database("db", std::nullopt));
  }
  /// In an empty folder.
  void begin_anew() {
    store_.reset();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
    reopen();
  }
  /// As a bad disk, or another version, would leave it.
  static void change_file(const std::string& path, const std::string& sql) {
    const auto file = *db::Database::open(path);
    ASSERT_TRUE(file->transact(std::function<Result<void>(db::Transaction&)>(
        [&sql](db::Transaction& transaction) { return transaction.execute(sql); })));
  }
  /// @param what a table, and conditions
  std::int64_t count_rows(const std::string& what) {
    const auto file = *db::Database::open(path_);
    const auto rows = file->read<std::int64_t>([&](db::Transaction& transaction) -> Result<std::int64_t> {
      GS_TRY(auto select, transaction.prepare("SELECT count(*) FROM " + what));
      GS_CHECK(select.step());
      return select.integer(0);
    });
    EXPECT_TRUE(rows) << rows.error().message();
    return rows ? *rows : -1;
  }
  /// Strips and totals whose segment has no row.
  std::int64_t pieces_of_no_segment() {
    const std::string none = " WHERE segment NOT IN (SELECT id FROM tsdb_segments)";
    return count_rows("tsdb_strips" + none) + count_rows("tsdb_totals" + none);
  }
  /// Leaves it as kill -9 would now: acknowledged samples are in the log alone. Not open.
  void crash() {
    const std::string left = folder_ + "/left" + std::to_string(++crashes_) + ".db";
    ASSERT_TRUE(copy_store(path_, left));
    store_.reset();
    path_ = left;
  }
  void reopen_after_crash() {
    crash();
    reopen();
  }
  Result<WriteOutcome> write(const std::string& lines, const std::string& policy = "") {
    const auto parsed = metrics::parse_lines(lines, metrics::Precision::kNanos, 0);
    EXPECT_TRUE(parsed.errors.empty());
    return store_->write("db", policy, parsed.points);
  }
  void must_write(const std::string& lines, const std::string& policy = "") {
    const auto outcome = write(lines, policy);
    ASSERT_TRUE(outcome) << outcome.error().message();
    ASSERT_EQ(outcome->dropped, 0U) << outcome->first_reason;
  }
  SeriesId id_of(const std::string& measurement, std::size_t index = 0) {
    const auto all = store_->series("db", measurement);
    return index < all.size() ? all[index].id : 0;
  }
  /// "1:10 2:20" of a float or integer field of the first series.
  std::string samples(const std::string& measurement, const std::string& field, TimeRange range = {},
                      const std::string& policy = "", std::size_t index = 0) {
    const auto column = store_->read("db", policy, id_of(measurement, index), field, range);
    if (!column) return column.error().message();
    std::string out;
    for (std::size_t i = 0; i < column->times.size(); ++i) {
      if (!out.empty()) out += ' ';
      out += std::to_string(column->times[i]) + ':';
      switch (column->type) {
        case FieldType::kFloat:
          out += std::to_string(static_cast<int>(column->floats[i]));
          break;
        case FieldType::kInteger:
          out += std::to_string(column->integers[i]);
          break;
        case FieldType::kString:
          out += column->strings[i];
          break;
        case FieldType::kBoolean:
          out += column->booleans[i] != 0 ? "true" : "false";
          break;
      }
    }
    return out;
  }

  std::string folder_;
  std::string path_;
  int crashes_ = 0;
  base::testing::ManualClock clock_;
  std::unique_ptr<Store> store_;
};

}  // namespace gpuscale::tsdb
