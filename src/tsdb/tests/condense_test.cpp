// SPDX-License-Identifier: Apache-2.0
#include "tsdb/condense.h"

#include <gtest/gtest.h>

#include "tests/store_fixture.h"

namespace gpuscale::tsdb {
namespace {

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
