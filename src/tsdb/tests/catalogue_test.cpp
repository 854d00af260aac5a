// SPDX-License-Identifier: Apache-2.0
/// What there is in the store: databases, policies, series and their tags, continuous queries.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <thread>

#include "tests/store_fixture.h"
#include "tsdb/store.h"
#include "tsdb/tables.h"

namespace gpuscale::tsdb {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

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

/// A store whose catalogue something changed while nobody looked.
class DamagedCatalogueTest : public StoreTest {
 protected:
  void damage(std::string_view sql) {
    store_.reset();
    change_file(path_, std::string(sql));
  }
  /// Opens it. @return what is logged
  std::string told_when_opened() {
    store_.reset();
    const std::string told = folder_ + "/log" + std::to_string(++opened_);
    auto opened =
        Store::open({path_, {}}, clock_, *log::Log::to_file(told, log::Level::kWarn, log::Format::kText));
    EXPECT_TRUE(opened) << opened.error().message();
    store_ = *std::move(opened);
    std::ifstream file(told);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// Of one of the two copies of a name: 0 in its table, 1 in the index.
  void flip_last_letter(const std::string& name, std::size_t copy) {
    store_.reset();  // with what its write-ahead log holds: nobody else has it open
    std::ifstream file(path_, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(file), {}};
    std::vector<std::size_t> places;
    for (std::size_t at = bytes.find(name); at != std::string::npos; at = bytes.find(name, at + 1)) {
      const bool part_of_longer = bytes[at - 1] >= 0x20 && bytes[at - 1] < 0x7f;
      if (!part_of_longer) places.push_back(at);
    }
    ASSERT_GE(places.size(), 2U) << name;
    for (std::size_t place = copy; place < places.size(); place += 2) {
      char& last = bytes[places[place] + name.size() - 1];
      last = static_cast<char>(last ^ 1);
    }
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  /// Of each series that has one tag, what it is and what samples() says.
  std::vector<std::string> samples_by_tag(const std::string& measurement, const std::string& field) {
    std::vector<std::string> out;
    for (const SeriesInfo& series : store_->series("db", measurement)) {
      const metrics::Tag& tag = series.tags->front();
      out.push_back(tag.key + "=" + tag.value + " " + samples(measurement, field, {}, "", out.size()));
    }
    return out;
  }

  /// Rows of the table; each holds a batch.
  std::int64_t strays() const {
    const auto file = *db::Database::open(path_);
    return *file->read<std::int64_t>([](db::Transaction& transaction) -> Result<std::int64_t> {
      std::int64_t count = 0;
      GS_CHECK(tables::each_strays(transaction, [&count](std::int64_t, auto) -> Result<void> {
        ++count;
        return {};
      }));
      return count;
    });
  }

 private:
  int opened_ = 0;
};

TEST_F(DamagedCatalogueTest, RowsThatMakeNoSenseAreToldAndHurtNoOther) {
  must_write("m,h=a f=1,g=2 1\nother f=3 1\n");
  damage(
      "UPDATE tsdb_fields SET type = 9 WHERE key = 'g'; UPDATE tsdb_series SET measurement = 77 WHERE id = "
      "2");
  const std::string text = told_when_opened();
  EXPECT_EQ(samples("m", "f"), "1:1");
  EXPECT_THAT(text, HasSubstr("store.damaged_catalogue"));
  EXPECT_THAT(text, HasSubstr("row 2 of tsdb_fields has a type that there is not"));
  EXPECT_THAT(text, HasSubstr("row 2 of tsdb_series is of no measurement"));
}

TEST_F(DamagedCatalogueTest, ASeriesWithOtherTagsThanWereWrittenIsInNoGroupOfTheirs) {
  must_write("m,h=a f=1 1\nm,h=b f=2 1\n");
  ASSERT_TRUE(store_->flush());
  must_write("m,h=a f=3 2\n");
  for (const std::string_view change :
       {"UPDATE tsdb_series SET tags = X'01680162' WHERE id = 1",  // a became b
        "UPDATE tsdb_series SET tags = X'7F' WHERE id = 1",
        "UPDATE tsdb_series SET checksum = 5 WHERE id = 1"}) {
    damage(change);
    EXPECT_THAT(told_when_opened(), HasSubstr("row 1 of tsdb_series is damaged"));
    EXPECT_THAT(samples_by_tag("m", "f"), ElementsAre("damaged_series=1 1:1 2:3", "h=b 1:2"));
  }
  must_write("m,h=a f=4 3\n");
  EXPECT_THAT(samples_by_tag("m", "f"), ElementsAre("damaged_series=1 1:1 2:3", "h=a 3:4", "h=b 1:2"));
}

TEST_F(DamagedCatalogueTest, AFlippedNameIsToldAndWritesGoOn) {
  for (const std::string name : {"db", "autogen", "measured", "utilised"}) {
    for (std::size_t copy = 0; copy < 2; ++copy) {  // in the table, in the index
      begin_anew();
      must_write("measured,h=a utilised=1 1\n");
      ASSERT_TRUE(store_->flush());
      flip_last_letter(name, copy);
      EXPECT_THAT(told_when_opened(), HasSubstr("its rows are taken as they read")) << name << copy;
      ASSERT_TRUE(store_->has_database("db") || store_->create_database("db", RetentionPolicy{}));
      const auto written = write("measured,h=a utilised=2 2\nother f=1 1\n");
      EXPECT_TRUE(written || name == "autogen") << written.error().message();
    }
  }
}

TEST_F(DamagedCatalogueTest, TwoOfOneNameAreNotTakenForOne) {
  must_write("other f=1 1\ngpu0,h=a f=1 1\ngpu1,h=b f=2 1\n");
  ASSERT_TRUE(store_->flush());
  flip_last_letter("gpu1", 0);
  const std::string told = told_when_opened();
  EXPECT_THAT(told, HasSubstr("row 3 of tsdb_measurements has the name of another"));
  EXPECT_THAT(told, HasSubstr("tsdb_measurements: writes may fail"));
  EXPECT_EQ(samples("gpu0", "f"), "1:1");
  must_write("gpu0,h=a f=3 2\nother f=2 2\n");
}

TEST_F(DamagedCatalogueTest, AFieldOfAnotherTypeLosesNoValues) {
  const auto second = [this](int at) {
    must_write("m f=1 " + std::to_string(at) + "\n");
    ASSERT_TRUE(store_->flush());
  };
  for (int at = 1; at <= 5; ++at) second(at);
  damage("UPDATE tsdb_fields SET type = 1");
  EXPECT_EQ(told_when_opened(), "");
  const auto read = store_->read("db", "", id_of("m"), "f", {});
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message(), HasSubstr("not of the type"));
  EXPECT_EQ(write("m f=1 99\n")->dropped, 1U);
  bool joined = true;
  for (int segment = 0; segment < 10; ++segment) {
    must_write("m g=1 " + std::to_string(100 + segment) + "\n");
    joined = joined && store_->flush();
  }
  EXPECT_FALSE(joined) << "it would lose them";
  damage("UPDATE tsdb_fields SET type = 0 WHERE key = 'f'");
  EXPECT_EQ(told_when_opened(), "");
  for (int at = 6; at <= 9; ++at) second(at);
  EXPECT_EQ(samples("m", "f"), "1:1 2:1 3:1 4:1 5:1 6:1 7:1 8:1 9:1");
  EXPECT_LT(store_->stats().segments, 10U) << "joined";
}

TEST_F(DamagedCatalogueTest, AFieldThatWentToAnotherMeasurementLosesNoValues) {
  must_write("aa f=1 1\nm used=1 1\nzz f=1 1\n");
  ASSERT_TRUE(store_->flush());
  damage("UPDATE tsdb_fields SET measurement = 3 WHERE key = 'used'");
  told_when_opened();
  bool joined = true;
  for (int segment = 0; segment < 20; ++segment) {
    must_write("m g=1 " + std::to_string(2 + segment) + "\n");
    joined = joined && store_->flush();
  }
  EXPECT_FALSE(joined);
  damage("UPDATE tsdb_fields SET measurement = 2 WHERE key = 'used'");
  told_when_opened();
  EXPECT_EQ(samples("m", "used"), "1:1");
}

TEST_F(DamagedCatalogueTest, WhatItDoesNotKnowIsStillThereOnceItIsMended) {
  must_write("m,h=a f=1 1\nm,h=b f=2 1\nother f=9 1\n");
  ASSERT_TRUE(store_->flush());
  const std::string row = "UPDATE tsdb_series SET measurement = ";
  for (const std::string_view wrong : {"2", "77"}) {  // of the other measurement, of none
    damage(row + std::string(wrong) + " WHERE id = 1");
    EXPECT_THAT(told_when_opened(), HasSubstr("row 1 of tsdb_series is"));
    for (int segment = 0; segment < 20; ++segment) {  // enough to be joined
      must_write("m,h=b f=5 " + std::to_string(4 + segment) + "\n");
      ASSERT_TRUE(store_->flush());
    }
    EXPECT_FALSE(store_->delete_range("db", {id_of("m")}, {5, 6}));
    damage(row + "1 WHERE id = 1");
    EXPECT_EQ(told_when_opened(), "");
    EXPECT_THAT(samples_by_tag("m", "f").front(), "h=a 1:1");
  }
  ASSERT_TRUE(store_->flush());
  EXPECT_LT(store_->stats().segments, 20U) << "then they are joined";
  EXPECT_THAT(samples_by_tag("m", "f").front(), "h=a 1:1");
}

TEST_F(DamagedCatalogueTest, ASegmentOfWhichNoSeriesIsKnownIsKept) {
  must_write("m,h=a f=1 1\n");
  ASSERT_TRUE(store_->flush());
  must_write("other f=9 1\n");
  ASSERT_TRUE(store_->flush());
  damage("UPDATE tsdb_series SET measurement = 77 WHERE id = 1");
  told_when_opened();
  ASSERT_TRUE(store_->drop_series("db", {id_of("other")}));
  damage("UPDATE tsdb_series SET measurement = 1 WHERE id = 1");
  EXPECT_EQ(told_when_opened(), "");
  EXPECT_EQ(samples("m", "f"), "1:1");
}

TEST_F(DamagedCatalogueTest, WhatTheLogAloneHasOfItComesBackOnceItIsMended) {
  const std::string row = "UPDATE tsdb_series SET measurement = ";
  for (const std::string wrong : {"2", "77"}) {  // of the other measurement, of none
    begin_anew();
    must_write("m,h=a f=1 1\nother g=1 1\n");
    must_write("m,h=a f=2 2\nm,h=b f=7 1\nm,h=a f=3 3\n");
    crash();
    damage(row + wrong + " WHERE id = 1");
    EXPECT_THAT(told_when_opened(), AllOf(HasSubstr("store.strays"), HasSubstr("rows=3 ")));
    EXPECT_THAT(samples_by_tag("m", "f"), ElementsAre("h=b 1:7"));
    EXPECT_EQ(strays(), 2) << "one of each write, at once";
    crash();
    EXPECT_THAT(told_when_opened(), AllOf(HasSubstr("store.strays"), HasSubstr("rows=3 ")));
    must_write("m,h=b f=8 2\n");
    ASSERT_TRUE(store_->flush());
    crash();
    EXPECT_THAT(told_when_opened(), AllOf(HasSubstr("store.strays"), HasSubstr("rows=3 ")));
    damage(row + "1 WHERE id = 1");
    EXPECT_EQ(told_when_opened(), "");
    EXPECT_THAT(samples_by_tag("m", "f"), ElementsAre("h=a 1:1 2:2 3:3", "h=b 1:7 2:8"));
    EXPECT_EQ(strays(), 0);
    crash();
    EXPECT_EQ(told_when_opened(), "");
    EXPECT_THAT(samples_by_tag("m", "f"), ElementsAre("h=a 1:1 2:2 3:3", "h=b 1:7 2:8"));
  }
}

TEST_F(DamagedCatalogueTest, AWholeMeasurementThatIsNotKnownWaitsInTheStrays) {
  must_write("m,h=a f=1 1\nother g=1 1\n");
  crash();
  damage("UPDATE tsdb_measurements SET database = 99 WHERE name = 'm'");
  EXPECT_THAT(told_when_opened(), AllOf(HasSubstr("store.strays"), HasSubstr("rows=1 ")));
  must_write("other g=2 2\n");
  damage("UPDATE tsdb_measurements SET database = 1 WHERE name = 'm'");
  EXPECT_EQ(told_when_opened(), "");
  EXPECT_EQ(samples("m", "f"), "1:1");
  EXPECT_EQ(samples("other", "g"), "1:1 2:2");
}

TEST_F(DamagedCatalogueTest, StraysThatWereTakenInAreNotTakenInAgain) {
  const std::string row = "UPDATE tsdb_series SET measurement = ";
  must_write("m,h=a f=1 1\nm,h=b f=2 1\nother g=1 1\n");
  crash();
  damage(row + "77");
  EXPECT_THAT(told_when_opened(), HasSubstr("store.strays"));
  damage(row + "1 WHERE id = 1");
  EXPECT_THAT(told_when_opened(), HasSubstr("rows=2 "));
  EXPECT_EQ(samples("m", "f"), "1:1");
  must_write("m,h=a f=100 1\n");
  for (int start = 0; start < 2; ++start) {
    ASSERT_TRUE(store_->flush());
    crash();
    EXPECT_THAT(told_when_opened(), HasSubstr("rows=2 "));
    EXPECT_EQ(samples("m", "f"), "1:100");
  }
  damage(row + "1 WHERE id = 2; " + row + "2 WHERE id = 3");
  EXPECT_EQ(told_when_opened(), "");
  EXPECT_THAT(samples_by_tag("m", "f"), ElementsAre("h=a 1:100", "h=b 1:2"));
  ASSERT_TRUE(store_->drop_measurement("db", "m"));
  ASSERT_TRUE(store_->drop_measurement("db", "other"));
  ASSERT_TRUE(store_->flush());
  EXPECT_EQ(told_when_opened(), "");
}

TEST_F(DamagedCatalogueTest, StraysKeepTheirOrderWhereAFewOfThemAreTakenIn) {
  const std::string row = "UPDATE tsdb_series SET measurement = ";
  must_write("m,h=a f=1 1\nm,h=b f=2 1\n");
  must_write("m,h=b f=5 1\n");
  crash();
  damage(row + "77");
  EXPECT_THAT(told_when_opened(), HasSubstr("rows=3 "));
  damage(row + "1 WHERE id = 1");
  EXPECT_THAT(told_when_opened(), HasSubstr("rows=2 "));
  damage(row + "1 WHERE id = 2");
  EXPECT_EQ(told_when_opened(), "");
  EXPECT_THAT(samples_by_tag("m", "f"), ElementsAre("h=a 1:1", "h=b 1:5"));
}

TEST_F(DamagedCatalogueTest, StraysWaitInTheLogWhileTheyCannotBePutAside) {
  must_write("m,h=a f=1 1\nother g=1 1\n");
  crash();
  damage(
      "UPDATE tsdb_series SET measurement = 77 WHERE id = 1;"
      "CREATE TRIGGER full BEFORE INSERT ON tsdb_strays BEGIN SELECT RAISE(FAIL, 'no room'); END");
  EXPECT_THAT(told_when_opened(), AllOf(HasSubstr("store.strays"), HasSubstr("no room")));
  EXPECT_EQ(samples("other", "g"), "1:1");
  must_write("other g=2 2\n");
  EXPECT_FALSE(store_->flush());
  crash();
  change_file(path_, "DROP TRIGGER full");
  EXPECT_THAT(told_when_opened(), HasSubstr("rows=1 "));
  EXPECT_EQ(strays(), 1);
  damage("UPDATE tsdb_series SET measurement = 1 WHERE id = 1");
  EXPECT_EQ(told_when_opened(), "");
  EXPECT_EQ(samples("m", "f"), "1:1");
  EXPECT_EQ(samples("other", "g"), "1:1 2:2");
}

TEST_F(DamagedCatalogueTest, OfASeriesThatIsKnownALostFieldMakesNoStray) {
  must_write("m f=1 1\nm f=2,g=2 1\nm f=3 2\n");
  crash();
  damage("UPDATE tsdb_fields SET type = 9 WHERE key = 'f'");
  EXPECT_THAT(told_when_opened(), Not(HasSubstr("store.strays")));
  EXPECT_EQ(samples("m", "g"), "1:2");
  ASSERT_TRUE(store_->flush());
  damage("UPDATE tsdb_fields SET type = 0 WHERE key = 'f'");
  EXPECT_EQ(told_when_opened(), "");
  EXPECT_EQ(samples("m", "f"), "1:2 2:3");
}

TEST_F(DamagedCatalogueTest, DamagedStraysAreToldAndStopNoStart) {
  must_write("m,h=a f=1 1\nother g=1 1\n");
  crash();
  damage("UPDATE tsdb_series SET measurement = 77 WHERE id = 1");
  told_when_opened();
  damage("UPDATE tsdb_strays SET batch = X'0102030405060708090A'");
  EXPECT_THAT(told_when_opened(), HasSubstr("store.damaged_strays"));
  EXPECT_EQ(samples("other", "g"), "1:1");
}

TEST_F(DamagedCatalogueTest, WhatWasDroppedIsNoStray) {
  must_write("m,h=a f=1 1\nother g=1 1\n");
  ASSERT_TRUE(store_->drop_series("db", {id_of("m")}));
  crash();
  EXPECT_EQ(told_when_opened(), "");
  must_write("other g=2 2\n");
  ASSERT_TRUE(store_->flush());
  EXPECT_EQ(strays(), 0);
}

TEST_F(DamagedCatalogueTest, ALogThatMayBeTakenForSealedStopsTheStart) {
  must_write("m f=1 1\n");
  ASSERT_TRUE(store_->flush());
  must_write("m f=2 2\n");
  reopen_after_crash();
  EXPECT_EQ(samples("m", "f"), "1:1 2:2");
  damage("UPDATE tsdb_sealed SET sequence = sequence + 64");
  const auto opened = Store::open({path_, {}}, clock_, log::Log::silent());
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message(), HasSubstr("tsdb_sealed"));
  damage("UPDATE tsdb_sealed SET sequence = sequence - 64");
  reopen();
  EXPECT_EQ(samples("m", "f"), "1:1 2:2");
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
