// SPDX-License-Identifier: Apache-2.0
#include "tsdb/condense.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "tests/store_fixture.h"

namespace gpuscale::tsdb {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kCondenseHour = 3'600'000'000'000;
constexpr std::int64_t kCondenseMinute = 60'000'000'000;
constexpr std::int64_t kFirstHour = 471'300;  ///< hours of these tests count from here

class CondenseTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    at_hour(1000);
    ASSERT_TRUE(begin_rollup(*store_, "db", "minutes", std::chrono::hours{48}, std::chrono::hours{2000}));
  }
  std::string at(std::int64_t hours, std::int64_t more = 0) const {
    return std::to_string((kFirstHour + hours) * kCondenseHour + more);
  }
  void at_hour(std::int64_t hours) {
    clock_.jump_wall(base::from_unix_nanos((kFirstHour + hours) * kCondenseHour) - clock_.wall());
  }
  std::vector<std::int64_t> integers(const std::string& field) {
    const auto column = store_->read("db", "minutes", id_of("m_1m"), field, {});
    EXPECT_TRUE(column);
    return column->integers;
  }
  std::vector<double> floats(const std::string& field) {
    const auto column = store_->read("db", "minutes", id_of("m_1m"), field, {});
    EXPECT_TRUE(column);
    return column->floats;
  }
};

TEST_F(CondenseTest, KeepsWhatEachMinuteComesToBeforeItExpires) {
  must_write("m,w=a f=1.5,i=4i,s=\"x\" " + at(953) + "\nm,w=a f=2.5,i=-1i " + at(953, 1000) + "\nm,w=a f=7 " +
             at(953, kCondenseMinute) + "\n");
  Condenser condenser(*store_);
  EXPECT_EQ(*condenser.tick(clock_.wall()), 1U);
  EXPECT_EQ(integers("f_count"), (std::vector<std::int64_t>{2, 1}));
  EXPECT_EQ(floats("f_sum"), (std::vector<double>{4, 7}));
  EXPECT_EQ(floats("f_min"), (std::vector<double>{1.5, 7}));
  EXPECT_EQ(floats("f_max"), (std::vector<double>{2.5, 7}));
  EXPECT_EQ(integers("i_sum"), (std::vector<std::int64_t>{3}));
  EXPECT_EQ(integers("i_min"), (std::vector<std::int64_t>{-1}));
  EXPECT_EQ(*condenser.tick(clock_.wall()), 0U);
  const auto fields = store_->fields("db", "", "m");
  EXPECT_EQ(fields.size(), 3U);  // SELECT * shows no field of the other measurement
}

TEST_F(CondenseTest, NothingExpiresUncondensedAndItLastsOverARestart) {
  must_write("m,w=a f=1 " + at(953) + "\nm,w=a f=2 " + at(990) + "\n");
  ASSERT_TRUE(store_->flush());
  at_hour(1100);
  ASSERT_TRUE(store_->enforce_retention(clock_.wall()));
  EXPECT_EQ(samples("m", "f"), at(953) + ":1 " + at(990) + ":2");
  reopen();
  Condenser condenser(*store_);
  EXPECT_EQ(*condenser.tick(clock_.wall()), 101U);  // from the hour of the first sample on
  ASSERT_TRUE(store_->enforce_retention(clock_.wall()));
  EXPECT_EQ(samples("m", "f"), "");
  EXPECT_EQ(floats("f_sum"), (std::vector<double>{1, 2}));
}

TEST_F(CondenseTest, WhatExpiredIsNotAskedOfTheSamplesAgainWhereTheyAreKeptLonger) {
  must_write("m,w=a f=1 " + at(953) + "\n");
  ASSERT_TRUE(store_->flush());
  must_write("m,w=a f=2 " + at(990) + "\n");
  at_hour(1003);
  Condenser condenser(*store_);
  ASSERT_TRUE(condenser.tick(clock_.wall()));
  ASSERT_TRUE(store_->enforce_retention(clock_.wall()));
  const std::int64_t floor = (kFirstHour + 955) * kCondenseHour;
  EXPECT_EQ(store_->floor_of("db", ""), floor);
  ASSERT_TRUE(
      store_->alter_retention_policy("db", {.name = "autogen", .duration = std::chrono::hours{500}}, false));
  must_write("m,w=a f=3 " + at(600) + "\n");
  EXPECT_EQ(samples("m", "f"), at(600) + ":3 " + at(990) + ":2");
  EXPECT_EQ(store_->floor_of("db", ""), floor) << "the minutes answer for what is gone";
  ASSERT_TRUE(store_->delete_range("db", {id_of("m")}, {0, floor}));
  reopen();
  EXPECT_EQ(store_->floor_of("db", ""), store_->rollups("db").front().done_ns) << "and after a restart";
}

TEST_F(CondenseTest, WhatTheMinutesRefuseIsToldOnceAndHoldsUpNothingElse) {
  must_write("m,w=a f=1i,g=1 " + at(953) + "\n");
  Condenser first(*store_);
  ASSERT_TRUE(first.tick(clock_.wall()));
  ASSERT_TRUE(store_->drop_measurement("db", "m"));
  must_write("m,w=a f=2.5,g=2 " + at(955) + "\nm,w=a f=3.5 " + at(956) + "\nz,w=a f=4 " + at(955) + "\n");
  ASSERT_TRUE(store_->flush());
  at_hour(1005);
  ASSERT_TRUE(store_->create_database("later", std::nullopt));
  ASSERT_TRUE(begin_rollup(*store_, "later", "minutes", std::chrono::hours{48}, std::chrono::hours{2000}));

  const std::string told = folder_ + "/log";
  Condenser condenser(*store_, *log::Log::to_file(told, log::Level::kDebug, log::Format::kText));
  ASSERT_TRUE(condenser.tick(clock_.wall()));
  const std::int64_t limit = (kFirstHour + 959) * kCondenseHour;
  EXPECT_EQ(store_->rollups("db").front().done_ns, limit);
  EXPECT_EQ(store_->rollups("later").front().done_ns, limit);
  EXPECT_EQ(store_->read("db", "minutes", id_of("z_1m"), "f_sum", {})->floats, std::vector<double>{4});
  EXPECT_EQ(floats("g_sum"), (std::vector<double>{1, 2})) << "other fields of the measurement";
  ASSERT_TRUE(store_->enforce_retention(clock_.wall()));
  EXPECT_EQ(samples("m", "f"), "") << "they expire";

  std::ifstream file(told);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(text, HasSubstr("store.condensed_refused"));
  EXPECT_THAT(text, HasSubstr("already exists as type integer"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
  EXPECT_EQ(store_->stats().condensed_dropped, 2U);
}

TEST_F(CondenseTest, WhatIsRefusedInPartIsToldToo) {
  reopen({.max_series_per_database = 3});
  must_write("m,w=a f=1 " + at(953) + "\nm,w=b f=2 " + at(953) + "\n");
  const std::string told = folder_ + "/log";
  Condenser condenser(*store_, *log::Log::to_file(told, log::Level::kDebug, log::Format::kText));
  EXPECT_EQ(*condenser.tick(clock_.wall()), 1U);
  EXPECT_EQ(floats("f_sum"), std::vector<double>{1});
  std::ifstream file(told);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(text, HasSubstr("max-series-per-database limit exceeded"));
  EXPECT_EQ(store_->stats().condensed_dropped, 1U);
}

TEST_F(CondenseTest, WhatIsDamagedIsToldOnceAndHoldsUpNothingElse) {
  must_write("m,w=a f=1,g=1 " + at(953) + "\nm,w=b f=2,g=2 " + at(953) + "\n");
  ASSERT_TRUE(store_->flush());
  must_write("m,w=a f=3,g=3 " + at(953, kCondenseMinute) + "\nm,w=a f=4 " + at(954) + "\n");
  ASSERT_TRUE(store_->flush());
  ASSERT_TRUE(store_->create_database("later", std::nullopt));
  ASSERT_TRUE(begin_rollup(*store_, "later", "minutes", std::chrono::hours{48}, std::chrono::hours{2000}));
  store_.reset();
  change_file(path_, "UPDATE tsdb_strips SET bytes = substr(bytes, 2) WHERE segment = 1 AND field = 1");
  reopen();
  at_hour(1005);

  const std::string told = folder_ + "/log";
  Condenser condenser(*store_, *log::Log::to_file(told, log::Level::kDebug, log::Format::kText));
  ASSERT_TRUE(condenser.tick(clock_.wall()));
  EXPECT_EQ(floats("f_sum"), (std::vector<double>{3, 4})) << "all but the minute that cannot be read";
  EXPECT_EQ(floats("g_sum"), (std::vector<double>{1, 3})) << "another field";
  const std::int64_t limit = (kFirstHour + 959) * kCondenseHour;
  EXPECT_EQ(store_->rollups("db").front().done_ns, limit);
  EXPECT_EQ(store_->rollups("later").front().done_ns, limit);
  ASSERT_TRUE(store_->enforce_retention(clock_.wall()));
  EXPECT_EQ(samples("m", "f"), "") << "they expire, and the disk does not fill";

  std::ifstream file(told);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(text, HasSubstr("store.condensed_damaged"));
  EXPECT_THAT(text, HasSubstr("segment 1"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
}

TEST_F(CondenseTest, IsAskedOnceAndStopsWhenTold) {
  must_write("m,w=a f=1 " + at(953) + "\n");
  Condenser condenser(*store_);
  EXPECT_EQ(*condenser.tick(clock_.wall(), [] { return true; }), 0U);
  EXPECT_EQ(store_->rollups("db").front().done_ns, std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(*condenser.tick(clock_.wall()), 1U);
  ASSERT_TRUE(begin_rollup(*store_, "db", "minutes", std::chrono::hours{1}, std::chrono::hours{1}));
  EXPECT_EQ(store_->databases().front().policies.front().duration, std::chrono::hours{48});
  ASSERT_TRUE(store_->drop_retention_policy("db", "minutes"));
  EXPECT_TRUE(store_->rollups("db").empty());
}

}  // namespace
}  // namespace gpuscale::tsdb
