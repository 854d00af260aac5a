// SPDX-License-Identifier: Apache-2.0
/// What there is in the store: databases, policies, series and their tags, continuous queries.
#include <algorithm>
#include <thread>

#include "tests/store_fixture.h"
#include "tsdb/store.h"

namespace gpuscale::tsdb {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(StoreTest, TooManySeriesAreRefusedByName) {
  StoreLimits limits;
  limits.max_series_per_database = 2;
  reopen(limits);
  const auto outcome = write("m,h=a f=1 1\nm,h=b f=1 1\nm,h=c f=1 1\nm,h=a f=2 2\n");
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->written, 3U);
  EXPECT_EQ(outcome->dropped, 1U);
  EXPECT_THAT(outcome->first_reason, HasSubstr("max-series-per-database limit exceeded: (2)"));
}

TEST_F(StoreTest, TooManyFieldsAreRefusedByName) {
  StoreLimits limits;
  limits.max_fields_per_measurement = 3;
  reopen(limits);
  must_write("m a=1,b=1 1\n");
  const auto outcome = write("m c=1,d=1 2\nm a=2,c=2 3\nm d=1 4\nother a=1,b=1,c=1,d=1 1\nm b=5 5\n");
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->written, 2U);
  EXPECT_THAT(outcome->first_reason, HasSubstr("max-fields-per-measurement limit exceeded: (3)"));
  EXPECT_EQ(samples("m", "c"), "3:2");
}

TEST_F(StoreTest, ALineOfManyFieldsAfterManyRowsIsReadLikeAnyOther) {
  std::string lines;
  for (int i = 0; i < 30'000; ++i) lines += "m a=" + std::to_string(i) + " " + std::to_string(i) + "\n";
  must_write(lines);
  std::string wide = "m a=1";
  for (int i = 0; i < 4'000; ++i) wide += ",f" + std::to_string(i) + "=" + std::to_string(i);
  must_write(wide + " 10\n");
  for (const char* stage : {"in memory", "out of the log", "sealed"}) {
    EXPECT_EQ(samples("m", "a", {9, 11}), "9:9 10:1 11:11") << stage;
    EXPECT_EQ(samples("m", "f3999"), "10:3999") << stage;
    EXPECT_EQ(samples("m", "a", {29'999, 40'000}), "29999:29999") << stage;
    if (stage == std::string("in memory")) {
      reopen_after_crash();
    } else {
      ASSERT_TRUE(store_->flush());
    }
  }
}

TEST_F(StoreTest, TheCatalogueIsSortedAndLasts) {
  must_write("zebra,x=1 f=1 1\napple,b=2,a=1 z=1,a=2i 1\napple,a=0 s=\"x\" 1\n");
  for (const bool again : {false, true}) {
    if (again) reopen();
    EXPECT_THAT(store_->measurements("db"), ElementsAre("apple", "zebra"));
    EXPECT_THAT(store_->tag_keys("db", "apple"), ElementsAre("a", "b"));
    const auto fields = store_->fields("db", "", "apple");
    ASSERT_EQ(fields.size(), 3U);
    EXPECT_EQ(fields[0].key, "a");
    EXPECT_EQ(fields[0].type, FieldType::kInteger);
    EXPECT_EQ(fields[2].key, "z");
    const auto series = store_->series("db", "apple");
    ASSERT_EQ(series.size(), 2U);
    EXPECT_EQ(metrics::tag_value(*series[0].tags, "a"), "0");
    EXPECT_EQ(metrics::tag_value(*series[1].tags, "b"), "2");
  }
  EXPECT_TRUE(store_->measurements("nosuch").empty());
  EXPECT_TRUE(store_->fields("db", "", "nosuch").empty());
}

TEST_F(StoreTest, AFieldMayHaveAnotherTypeInAnotherPolicy) {
  ASSERT_TRUE(store_->create_retention_policy("db", {.name = "year"}, false));
  must_write("m,h=a used=4i,name=\"x\" 1\n");
  ASSERT_TRUE(store_->flush());
  must_write("m,h=a used=4.5 1\nm,h=a used=5.5 2\n", "year");
  must_write("m,h=a used=7i 3\n");
  const auto check = [this](const std::string& where) {
    EXPECT_EQ(samples("m", "used"), "1:4 3:7") << where;
    EXPECT_EQ(samples("m", "used", {}, "year"), "1:4 2:5") << where;
    const auto kept = store_->fields("db", "year", "m");
    ASSERT_EQ(kept.size(), 1U) << where << ": what was never written there is not there";
    EXPECT_EQ(kept[0].type, FieldType::kFloat) << where;
    EXPECT_EQ(store_->fields("db", "", "m").size(), 2U) << where;
    EXPECT_THAT(write("m,h=a used=1i 9\n", "year")->first_reason, HasSubstr("already exists as type float"));
    EXPECT_THAT(write("m,h=a used=1 9\n")->first_reason, HasSubstr("already exists as type integer"));
  };
  check("as written");
  reopen_after_crash();
  check("out of the log");
  ASSERT_TRUE(store_->flush());
  reopen();
  check("out of segments");
  ASSERT_TRUE(store_->drop_retention_policy("db", "year"));
  ASSERT_TRUE(store_->create_retention_policy("db", {.name = "year"}, false));
  must_write("m,h=a used=\"text\" 1\n", "year");
  reopen();
  EXPECT_EQ(samples("m", "used", {}, "year"), "1:text");
}

TEST_F(StoreTest, AnOlderFileIsAskedWhichFieldsItsPoliciesHold) {
  ASSERT_TRUE(store_->create_retention_policy("db", {.name = "year"}, false));
  must_write("m a=1,b=2 1\n", "year");
  ASSERT_TRUE(store_->flush());
  must_write("m a=3,c=4 2\n");
  reopen_after_crash();
  store_.reset();
  change_file(path_, R"sql(
DROP TABLE tsdb_unfinished;
DROP TABLE tsdb_strays;
DROP TABLE tsdb_totals;
ALTER TABLE tsdb_segments DROP COLUMN label;
ALTER TABLE tsdb_series DROP COLUMN checksum;
ALTER TABLE tsdb_sealed DROP COLUMN checksum;
DROP TABLE tsdb_policy_fields;
CREATE TABLE older (
  id INTEGER PRIMARY KEY AUTOINCREMENT, measurement INTEGER NOT NULL, key TEXT NOT NULL, type INTEGER NOT NULL,
  UNIQUE (measurement, key)) STRICT;
INSERT INTO older SELECT * FROM tsdb_fields;
DROP TABLE tsdb_fields;
ALTER TABLE older RENAME TO tsdb_fields;
UPDATE schema_versions SET version = 4 WHERE name = 'tsdb';
)sql");
  for (int round = 0; round < 2; ++round) {
    reopen();
    const auto keys = [this](std::string_view policy) {
      std::string out;
      for (const auto& field : store_->fields("db", policy, "m")) out += field.key;
      return out;
    };
    EXPECT_EQ(keys("year"), round == 0 ? "ab" : "abd") << "out of its segments";
    EXPECT_EQ(keys(""), "ac") << "out of its log";
    EXPECT_EQ(samples("m", "a", {}, "year"), "1:1");
    EXPECT_EQ(samples("m", "a"), "2:3");
    must_write("m d=1 3\n", "year");
    EXPECT_EQ(keys("year"), "abd");
  }
}

TEST_F(StoreTest, DatabasesAndPoliciesLastAndConflictsAreNamed) {
  using namespace std::chrono_literals;
  const RetentionPolicy week{.name = "week", .duration = 168h, .shard_duration = 24h};
  ASSERT_TRUE(store_->create_database("second", week));
  EXPECT_TRUE(store_->create_database("second", std::nullopt)) << "idempotent";
  EXPECT_TRUE(store_->create_database("second", week));
  EXPECT_EQ(store_->create_database("second", RetentionPolicy{}).error().code(), Errc::kConflict);
  ASSERT_TRUE(store_->create_retention_policy("db", week, true));
  RetentionPolicy other = week;
  other.duration = 24h;
  EXPECT_EQ(store_->create_retention_policy("db", other, false).error().message(),
            "retention policy already exists");
  ASSERT_TRUE(store_->alter_retention_policy("db", other, false));
  EXPECT_EQ(store_->alter_retention_policy("db", {.name = "nosuch"}, false).error().code(), Errc::kNotFound);
  EXPECT_EQ(store_->create_retention_policy("nosuch", week, false).error().code(), Errc::kNotFound);
  reopen();
  const auto databases = store_->databases();
  ASSERT_EQ(databases.size(), 2U);
  EXPECT_EQ(databases[0].name, "db");
  EXPECT_EQ(databases[0].default_policy, "week");
  ASSERT_EQ(databases[0].policies.size(), 2U);
  EXPECT_EQ(databases[0].policies[1], other);
  EXPECT_EQ(databases[1].default_policy, "week");
  ASSERT_TRUE(store_->drop_database("second"));
  ASSERT_TRUE(store_->drop_database("second")) << "idempotent";
  reopen();
  EXPECT_EQ(store_->databases().size(), 1U);
}

TEST_F(StoreTest, SeriesWithoutSamplesAreForgottenByADeletion) {
  must_write("m,h=a f=1 1\nm,h=a f=1 2\nm,h=b f=1 1\n");
  ASSERT_TRUE(store_->delete_range("db", {id_of("m", 0), id_of("m", 1)}, {1, 1}));
  ASSERT_EQ(store_->series("db", "m").size(), 1U);
  EXPECT_EQ(metrics::tag_value(*store_->series("db", "m")[0].tags, "h"), "a");
}

TEST_F(StoreTest, APointOutsideOfADeletionSurvivesItThoughItsSeriesWasEmptied) {
  for (int round = 0; round < 100; ++round) {
    must_write("m,w=a f=1 1\n");
    std::thread deleter(
        [this] { EXPECT_TRUE(store_->delete_range("db", {id_of("m")}, {.min_ns = 1, .max_ns = 10})); });
    // Some of these meet the series while it is emptied and forgotten.
    for (int i = 0; i < 4; ++i) must_write("m,w=a f=2 " + std::to_string(100 + i) + "\n");
    deleter.join();
    const auto all = store_->series("db", "m");
    ASSERT_EQ(all.size(), 1U) << round;
    ASSERT_EQ(store_->read("db", "", all.front().id, "f", {.min_ns = 100, .max_ns = 200})->times.size(), 4U)
        << round;
    ASSERT_TRUE(store_->drop_series("db", {all.front().id}));
  }
}

TEST_F(StoreTest, SeriesAreFoundByTheValueOfATag) {
  must_write("m,w=a,x=1 f=1 1\nm,w=b,x=1 f=1 1\nm,w=a f=1 1\n");
  const auto with = [this](const metrics::Tags& required) {
    return store_->series_with("db", "m", required);
  };
  EXPECT_EQ(with({{"w", "a"}}).size(), 2U);
  EXPECT_EQ(with({{"x", "1"}}).size(), 2U);
  EXPECT_TRUE(with({{"x", "2"}}).empty());
  EXPECT_TRUE(with({{"y", "1"}}).empty());
  EXPECT_TRUE(with({{"w", "a"}, {"x", "2"}}).empty());
  must_write("m,w=a,x=3 f=1 1\n");
  EXPECT_EQ(with({{"w", "a"}, {"x", "3"}}).size(), 1U) << "the rarest of them";
  const auto found = with({{"w", "a"}});
  ASSERT_EQ(found.size(), 3U);
  EXPECT_TRUE(std::is_sorted(found.begin(), found.end(),
                             [](const auto& a, const auto& b) { return *a.tags < *b.tags; }));
}

TEST_F(StoreTest, ContinuousQueriesLastAndGoWithTheirDatabase) {
  ASSERT_TRUE(store_->create_continuous_query("db", {"cq", "text"}));
  EXPECT_EQ(store_->create_continuous_query("db", {"cq", "other"}).error().code(), Errc::kConflict);
  ASSERT_TRUE(store_->create_continuous_query("db", {"cq2", "text 2"}));
  ASSERT_TRUE(store_->drop_continuous_query("db", "cq2"));
  reopen();
  EXPECT_EQ(store_->continuous_queries("db"), (std::vector<ContinuousQuery>{{"cq", "text"}}));
  ASSERT_TRUE(store_->drop_database("db"));
  reopen();
  EXPECT_TRUE(store_->continuous_queries("db").empty());
}

}  // namespace
}  // namespace gpuscale::tsdb
