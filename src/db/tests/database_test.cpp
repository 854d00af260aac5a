// SPDX-License-Identifier: Apache-2.0
#include "db/database.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace gpuscale::db {
namespace {

constexpr Migration kOne[] = {
    {1, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, x REAL, b BLOB) STRICT"}};
constexpr Migration kTwo[] = {kOne[0], {2, "ALTER TABLE t ADD COLUMN extra INTEGER NOT NULL DEFAULT 7"}};

class DatabaseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = ::testing::TempDir() + "gpuscale_db_" + std::to_string(::getpid()) + "_" +
           ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(dir_);
    path_ = dir_ + "/state.db";
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::unique_ptr<Database> open_with_table() {
    auto database = *Database::open(path_);
    EXPECT_TRUE(database->migrate("test", kOne));
    return database;
  }

  static Result<void> insert(Transaction& transaction, std::string_view name) {
    GS_TRY(Statement statement, transaction.prepare("INSERT INTO t (name) VALUES (?)"));
    return statement.bind(1, name).run();
  }

  static std::int64_t count(Database& database) {
    return *database.read<std::int64_t>([](Transaction& transaction) -> Result<std::int64_t> {
      GS_TRY(Statement statement, transaction.prepare("SELECT count(*) FROM t"));
      GS_TRY(const bool row, statement.step());
      (void)row;
      return statement.integer(0);
    });
  }

  std::string dir_;
  std::string path_;
};

TEST_F(DatabaseTest, ReturnsWhatWasBound) {
  auto database = open_with_table();
  const std::string blob("\0\xff", 2);
  ASSERT_TRUE(database->transact([&](Transaction& transaction) -> Result<void> {
    GS_TRY(Statement statement, transaction.prepare("INSERT INTO t (id, name, x, b) VALUES (?, ?, ?, ?)"));
    return statement.bind(1, std::int64_t{1} << 60)
        .bind(2, "na\u00efve'; DROP TABLE t")
        .bind(3, 1.5)
        .bind_blob(4, blob)
        .run();
  }));
  const auto ok = database->read<bool>([&](Transaction& transaction) -> Result<bool> {
    GS_TRY(Statement statement, transaction.prepare("SELECT id, name, x, b, NULL FROM t"));
    GS_TRY(const bool row, statement.step());
    EXPECT_TRUE(row);
    EXPECT_EQ(statement.integer(0), std::int64_t{1} << 60);
    EXPECT_EQ(statement.text(1), "na\u00efve'; DROP TABLE t");
    EXPECT_EQ(statement.real(2), 1.5);
    EXPECT_EQ(statement.blob(3), blob);
    EXPECT_TRUE(statement.is_null(4));
    return true;
  });
  EXPECT_TRUE(ok);
}

TEST_F(DatabaseTest, RollsBackWhenTheWorkFails) {
  auto database = open_with_table();
  const auto result = database->transact([](Transaction& transaction) -> Result<void> {
    GS_CHECK(insert(transaction, "a"));
    return fail(Errc::kConflict, "no");
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message(), "no");
  EXPECT_EQ(count(*database), 0);
  ASSERT_TRUE(database->transact([](Transaction& transaction) { return insert(transaction, "b"); }));
  EXPECT_EQ(count(*database), 1);
}

TEST_F(DatabaseTest, GivesFreePagesBackToTheFileSystem) {
  const auto database = *Database::open(path_);
  const auto number = [&database](const char* sql) {
    return *database->read<std::int64_t>([sql](Transaction& transaction) -> Result<std::int64_t> {
      GS_TRY(Statement statement, transaction.prepare(sql));
      GS_TRY(const bool found, statement.step());
      return found ? statement.integer(0) : -1;
    });
  };
  const auto execute = [&database](const char* sql) {
    return database->transact([sql](Transaction& transaction) { return transaction.execute(sql); });
  };
  ASSERT_TRUE(execute("CREATE TABLE blobs (id INTEGER PRIMARY KEY, bytes BLOB)"));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(execute("INSERT INTO blobs (bytes) VALUES (zeroblob(40000))"));
  ASSERT_TRUE(execute("DELETE FROM blobs WHERE id % 4 != 0"));
  const std::int64_t full = number("PRAGMA page_count");
  EXPECT_EQ(*database->give_back(100, 50), 50) << "at most so many at once";
  EXPECT_LE(number("PRAGMA page_count"), full - 50);
  EXPECT_GT(*database->give_back(100, 10'000), 500);
  EXPECT_EQ(*database->give_back(100, 10'000), 0) << "the rest is kept";
  EXPECT_GT(*database->give_back(0, 10'000), 90);
  EXPECT_EQ(number("SELECT sum(length(bytes)) FROM blobs"), 25 * 40'000);
}

TEST_F(DatabaseTest, MigratesForwardOnceAndRefusesNewerFiles) {
  {
    auto database = *Database::open(path_);
    ASSERT_TRUE(database->migrate("test", kTwo));
    ASSERT_TRUE(database->migrate("test", kTwo));
    ASSERT_TRUE(database->transact([](Transaction& transaction) { return insert(transaction, "a"); }));
  }
  auto database = *Database::open(path_);
  const auto result = database->migrate("test", kOne);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Errc::kConflict);
  EXPECT_NE(result.error().message().find("newer gpuscale"), std::string::npos);
}

TEST_F(DatabaseTest, SaysWhichStepOfAMigrationFailed) {
  auto database = *Database::open(path_);
  constexpr Migration kBad[] = {{1, "CREATE NONSENSE"}};
  const auto result = database->migrate("test", kBad);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message().find("schema test step 1"), std::string::npos);
}

TEST_F(DatabaseTest, NamesThePathThatCannotBeOpened) {
  const auto database = Database::open("/proc/nope/state.db");
  ASSERT_FALSE(database);
  EXPECT_EQ(database.error().code(), Errc::kUnavailable);
  EXPECT_NE(database.error().message().find("/proc/nope/state.db"), std::string::npos);
}

TEST_F(DatabaseTest, CallsAForeignFileCorrupt) {
  std::ofstream(path_) << std::string(4096, 'x');
  const auto database = Database::open(path_);
  ASSERT_FALSE(database);
  EXPECT_EQ(database.error().code(), Errc::kCorrupt);
}

TEST_F(DatabaseTest, ThreadsTakeTurns) {
  auto database = open_with_table();
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 25; ++n) {
        ASSERT_TRUE(database->transact([](Transaction& transaction) { return insert(transaction, "x"); }));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(count(*database), 100);
}

TEST_F(DatabaseTest, KeepsWhatWasCommittedThroughKill) {
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto database = open_with_table();
    for (int n = 0; n < 1'000'000; ++n) {
      if (!database->transact([](Transaction& transaction) { return insert(transaction, "x"); })) ::_exit(1);
      if (::write(pipe_ends[1], "x", 1) != 1) ::_exit(1);
    }
    ::_exit(0);
  }
  ::close(pipe_ends[1]);
  std::int64_t acknowledged = 0;
  char byte = 0;
  while (acknowledged < 50 && ::read(pipe_ends[0], &byte, 1) == 1) ++acknowledged;
  ::kill(child, SIGKILL);
  while (::read(pipe_ends[0], &byte, 1) == 1) ++acknowledged;
  ::close(pipe_ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_GE(acknowledged, 50);
  auto database = *Database::open(path_);
  EXPECT_GE(count(*database), acknowledged);
  EXPECT_LE(count(*database), acknowledged + 1);
}

TEST_F(DatabaseTest, WorkThatThrowsIsRolledBackAndStopsNobodyElse) {
  const auto database = open_with_table();
  const std::function<Result<void>(Transaction&)> work = [](Transaction& transaction) -> Result<void> {
    GS_CHECK(insert(transaction, "a"));
    throw std::runtime_error("a library's fault");
  };
  EXPECT_THROW((void)database->transact(work), std::runtime_error);
  EXPECT_EQ(count(*database), 0);
  EXPECT_TRUE(database->transact(std::function<Result<void>(Transaction&)>(
      [](Transaction& transaction) { return insert(transaction, "b"); })));
  EXPECT_EQ(count(*database), 1);
}

TEST_F(DatabaseTest, AStatementThatIsUsedAgainKeepsNoParameterAndNoRowOfItsLastUse) {
  auto database = open_with_table();
  const auto name_of_first = [&](std::optional<std::string> bound) {
    return *database->read<std::string>([&](Transaction& transaction) -> Result<std::string> {
      GS_TRY(Statement statement,
             transaction.prepare("SELECT coalesce(?1, 'nothing') UNION ALL SELECT 'more'"));
      if (bound) statement.bind(1, *bound);
      GS_TRY(const bool row, statement.step());
      (void)row;
      return statement.text(0);
    });
  };
  EXPECT_EQ(name_of_first("something"), "something");
  EXPECT_EQ(name_of_first(std::nullopt), "nothing");
}

TEST_F(DatabaseTest, TheSameStatementMayBeInUseTwiceAtOnce) {
  auto database = open_with_table();
  ASSERT_TRUE(database->transact([](Transaction& transaction) -> Result<void> {
    GS_CHECK(insert(transaction, "a"));
    return insert(transaction, "b");
  }));
  const auto names = *database->read<std::string>([](Transaction& transaction) -> Result<std::string> {
    constexpr std::string_view kSql = "SELECT name FROM t ORDER BY id";
    GS_TRY(Statement outer, transaction.prepare(kSql));
    std::string out;
    for (;;) {
      GS_TRY(const bool more, outer.step());
      if (!more) return out;
      GS_TRY(Statement inner, transaction.prepare(kSql));
      GS_TRY(const bool row, inner.step());
      (void)row;
      out += outer.text(0) + inner.text(0) + ' ';
    }
  });
  EXPECT_EQ(names, "aa ba ");
}

TEST_F(DatabaseTest, AStatementUsedAgainSeesAColumnAddedMeanwhile) {
  auto database = open_with_table();
  ASSERT_TRUE(database->transact([](Transaction& transaction) { return insert(transaction, "a"); }));
  const auto columns = [&] {
    return *database->read<std::int64_t>([](Transaction& transaction) -> Result<std::int64_t> {
      GS_TRY(Statement statement, transaction.prepare("SELECT * FROM t"));
      GS_TRY(const bool row, statement.step());
      (void)row;
      return statement.is_null(4) ? 4 : statement.integer(4);
    });
  };
  EXPECT_EQ(columns(), 4);
  ASSERT_TRUE(database->migrate("test", kTwo));
  EXPECT_EQ(columns(), 7);
}

TEST_F(DatabaseTest, ManyDifferentStatementsPushTheOldestOut) {
  auto database = open_with_table();
  for (std::size_t i = 0; i < 3 * StatementCache::kMost; ++i) {
    ASSERT_TRUE(database->read<std::int64_t>([&](Transaction& transaction) -> Result<std::int64_t> {
      GS_TRY(Statement statement, transaction.prepare("SELECT " + std::to_string(i)));
      GS_TRY(const bool row, statement.step());
      (void)row;
      EXPECT_EQ(statement.integer(0), static_cast<std::int64_t>(i));
      return statement.integer(0);
    }));
  }
}

}  // namespace
}  // namespace gpuscale::db
