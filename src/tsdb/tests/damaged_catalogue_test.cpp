// SPDX-License-Identifier: Apache-2.0
/// Bits that flip in what the store knows of databases, fields and series: what is told, and that nothing is
/// lost.
#include <fstream>
#include <iterator>
#include <optional>

#include "tests/store_fixture.h"
#include "tsdb/store.h"
#include "tsdb/tables.h"

namespace gpuscale::tsdb {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// A store whose catalogue something changed while nobody looked.
class DamagedCatalogueTest : public StoreTest {
 protected:
  void damage(std::string_view sql) {
    store_.reset();
    change_file(path_, std::string(sql));
  }
  /// A bit flips in the row of that series, or of all: it reads as one of another measurement. Or it is
  /// mended.
  void move_series(std::optional<int> id, int measurement) {
    damage("UPDATE tsdb_series SET measurement = " + std::to_string(measurement) +
           (id ? " WHERE id = " + std::to_string(*id) : ""));
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
  for (const int wrong : {2, 77}) {  // of the other measurement, of none
    move_series(1, wrong);
    EXPECT_THAT(told_when_opened(), HasSubstr("row 1 of tsdb_series is"));
    for (int segment = 0; segment < 20; ++segment) {  // enough to be joined
      must_write("m,h=b f=5 " + std::to_string(4 + segment) + "\n");
      ASSERT_TRUE(store_->flush());
    }
    EXPECT_FALSE(store_->delete_range("db", {id_of("m")}, {5, 6}));
    move_series(1, 1);
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
  move_series(1, 77);
  told_when_opened();
  ASSERT_TRUE(store_->drop_series("db", {id_of("other")}));
  move_series(1, 1);
  EXPECT_EQ(told_when_opened(), "");
  EXPECT_EQ(samples("m", "f"), "1:1");
}

TEST_F(DamagedCatalogueTest, WhatTheLogAloneHasOfItComesBackOnceItIsMended) {
  for (const int wrong : {2, 77}) {  // of the other measurement, of none
    begin_anew();
    must_write("m,h=a f=1 1\nother g=1 1\n");
    must_write("m,h=a f=2 2\nm,h=b f=7 1\nm,h=a f=3 3\n");
    crash();
    move_series(1, wrong);
    EXPECT_THAT(told_when_opened(), AllOf(HasSubstr("store.strays"), HasSubstr("rows=3 ")));
    EXPECT_THAT(samples_by_tag("m", "f"), ElementsAre("h=b 1:7"));
    EXPECT_EQ(strays(), 2) << "one of each write, at once";
    crash();
    EXPECT_THAT(told_when_opened(), AllOf(HasSubstr("store.strays"), HasSubstr("rows=3 ")));
    must_write("m,h=b f=8 2\n");
    ASSERT_TRUE(store_->flush());
    crash();
    EXPECT_THAT(told_when_opened(), AllOf(HasSubstr("store.strays"), HasSubstr("rows=3 ")));
    move_series(1, 1);
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
  must_write("m,h=a f=1 1\nm,h=b f=2 1\nother g=1 1\n");
  crash();
  move_series({}, 77);
  EXPECT_THAT(told_when_opened(), HasSubstr("store.strays"));
  move_series(1, 1);
  EXPECT_THAT(told_when_opened(), HasSubstr("rows=2 "));
  EXPECT_EQ(samples("m", "f"), "1:1");
  must_write("m,h=a f=100 1\n");
  for (int start = 0; start < 2; ++start) {
    ASSERT_TRUE(store_->flush());
    crash();
    EXPECT_THAT(told_when_opened(), HasSubstr("rows=2 "));
    EXPECT_EQ(samples("m", "f"), "1:100");
  }
  move_series(2, 1);
  move_series(3, 2);
  EXPECT_EQ(told_when_opened(), "");
  EXPECT_THAT(samples_by_tag("m", "f"), ElementsAre("h=a 1:100", "h=b 1:2"));
  ASSERT_TRUE(store_->drop_measurement("db", "m"));
  ASSERT_TRUE(store_->drop_measurement("db", "other"));
  ASSERT_TRUE(store_->flush());
  EXPECT_EQ(told_when_opened(), "");
}

TEST_F(DamagedCatalogueTest, StraysKeepTheirOrderWhereAFewOfThemAreTakenIn) {
  must_write("m,h=a f=1 1\nm,h=b f=2 1\n");
  must_write("m,h=b f=5 1\n");
  crash();
  move_series({}, 77);
  EXPECT_THAT(told_when_opened(), HasSubstr("rows=3 "));
  move_series(1, 1);
  EXPECT_THAT(told_when_opened(), HasSubstr("rows=2 "));
  move_series(2, 1);
  EXPECT_EQ(told_when_opened(), "");
  EXPECT_THAT(samples_by_tag("m", "f"), ElementsAre("h=a 1:1", "h=b 1:5"));
}

TEST_F(DamagedCatalogueTest, StraysWaitInTheLogWhileTheyCannotBePutAside) {
  must_write("m,h=a f=1 1\nother g=1 1\n");
  crash();
  move_series(1, 77);
  damage("CREATE TRIGGER full BEFORE INSERT ON tsdb_strays BEGIN SELECT RAISE(FAIL, 'no room'); END");
  EXPECT_THAT(told_when_opened(), AllOf(HasSubstr("store.strays"), HasSubstr("no room")));
  EXPECT_EQ(samples("other", "g"), "1:1");
  must_write("other g=2 2\n");
  EXPECT_FALSE(store_->flush());
  crash();
  change_file(path_, "DROP TRIGGER full");
  EXPECT_THAT(told_when_opened(), HasSubstr("rows=1 "));
  EXPECT_EQ(strays(), 1);
  move_series(1, 1);
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
  move_series(1, 77);
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

}  // namespace
}  // namespace gpuscale::tsdb
