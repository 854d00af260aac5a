// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "cli/data_folder.h"
#include "cli/listen_address.h"
#include "cli/remote.h"
#include "cli/table.h"
#include "cli/unknown_command.h"

namespace gpuscale::cli {
namespace {

TEST(ListenAddress, ReadsHostAndPort) {
  EXPECT_EQ(parse_listen_address("127.0.0.1:8486")->port, 8486);
  EXPECT_EQ(parse_listen_address("[::1]:1")->host, "::1");
  EXPECT_EQ(parse_listen_address(":8486")->host, "0.0.0.0");
}

TEST(ListenAddress, KnowsWhatIsLoopback) {
  for (const char* text : {"127.0.0.1:1", "127.8.0.1:1", "localhost:1", "[::1]:1"}) {
    EXPECT_TRUE(parse_listen_address(text)->loopback()) << text;
  }
  for (const char* text : {"0.0.0.0:1", "10.0.0.1:1", ":1", "[::]:1"}) {
    EXPECT_FALSE(parse_listen_address(text)->loopback()) << text;
  }
}

TEST(ListenAddress, RefusesWhatIsNoAddress) {
  for (const char* text :
       {"", "8486", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", "::1:8486"}) {
    const auto parsed = parse_listen_address(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().message().find("127.0.0.1:8486"), std::string::npos);
  }
}

TEST(ListenAddress, GivesAnUrlThatReachesIt) {
  EXPECT_EQ(parse_listen_address("0.0.0.0:1")->url("http", 7), "http://127.0.0.1:7");
  EXPECT_EQ(parse_listen_address("[::]:1")->url("https", 7), "https://[::1]:7");
}

class DataFolderTest : public ::testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(path_); }
  std::string path_ = ::testing::TempDir() + "gpuscale_data_" + std::to_string(::getpid());
};

TEST_F(DataFolderTest, IsMadeForItsOwnerAlone) {
  const auto folder = DataFolder::open(path_ + "/a/b");
  ASSERT_TRUE(folder) << folder.error().message();
  struct stat info{};
  ASSERT_EQ(::stat((path_ + "/a/b").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0700U);
}

TEST_F(DataFolderTest, IsHeldByOneAtATime) {
  {
    const auto first = DataFolder::open(path_);
    ASSERT_TRUE(first);
    const auto second = DataFolder::open(path_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code(), Errc::kConflict);
    EXPECT_NE(second.error().message().find(path_), std::string::npos);
  }
  EXPECT_TRUE(DataFolder::open(path_));
}

TEST_F(DataFolderTest, RemembersWhatItMade) {
  const auto folder = DataFolder::open(path_);
  ASSERT_TRUE(folder);
  const std::string made = folder->lasting_random("x", 6)->reveal();
  EXPECT_EQ(made.size(), 12U);
  EXPECT_EQ(folder->lasting_random("x", 6)->reveal(), made);
  EXPECT_NE(folder->lasting_random("y", 6)->reveal(), made);
  struct stat info{};
  ASSERT_EQ(::stat(folder->file("x").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(DataFolderTest, NamesThePathItCannotUse) {
  const auto folder = DataFolder::open("/proc/nope");
  ASSERT_FALSE(folder);
  EXPECT_NE(folder.error().message().find("/proc/nope"), std::string::npos);
}

TEST(Table, AlignsAlsoWideCharacters) {
  Table table{{"NAME", "N"}, {{"\u540d\u5b57", "1"}, {"abcdef", "22"}}};
  EXPECT_EQ(table.to_text(), "NAME    N\n\u540d\u5b57    1\nabcdef  22\n");
}

TEST(Table, ShowsCountsByNameWithoutTheZeros) {
  EXPECT_EQ(cell_of({{"ready", 2}, {"draining", 1}, {"booting", 0}}), "1 draining, 2 ready");
  EXPECT_EQ(cell_of({{"ready", 0}}), "-");
}

TEST(Table, ShowsTextsByNameAndListsInARow) {
  EXPECT_EQ(cell_of({{"node", "a"}, {"zone", ""}}), "node=a");
  EXPECT_EQ(cell_of(nlohmann::json::array({"hot", "2026-11-24T02:15:36.5Z"})),
            "hot, 2026-11-24T02:15:36.500Z");
  EXPECT_EQ(cell_of(nlohmann::json::array()), "-");
}

TEST(Table, ShowsTimesToTheMillisecond) {
  EXPECT_EQ(cell_of("2026-11-24T02:15:36.98765432Z"), "2026-11-24T02:15:36.987Z");
  EXPECT_EQ(cell_of("2026-11-24T02:15:36.5Z"), "2026-11-24T02:15:36.500Z");
  for (const char* other :
       {"2026-11-24T02:15:36Z", "a-very-long-name-of-something.Z", "2026-11-24T02:15:36.Z"})
    EXPECT_EQ(cell_of(other), other);
}

TEST(Remote, SaysWhereItLookedForAServerAndHowToSayWhere) {
  RemoteOptions options;
  options.server = "http://127.0.0.1:1";
  const auto answer = Remote(options).get("/healthz");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Errc::kUnavailable);
  EXPECT_NE(answer.error().message().find("127.0.0.1:1"), std::string::npos);
  EXPECT_NE(answer.error().message().find("--server or GPUSCALE_SERVER"), std::string::npos);
}

TEST(UnknownCommand, IsNamedWithWhatThereIs) {
  CLI::App app("", "gpuscale");
  app.require_subcommand(1);
  CLI::App* pool = app.add_subcommand("pool")->require_subcommand(1);
  pool->add_subcommand("list");
  pool->add_subcommand("scale");
  app.add_subcommand("policy");
  const auto said = [&](const char* line) {
    try {
      app.parse(line);
    } catch (const CLI::ParseError&) {
      return unknown_command(app);
    }
    return std::string("parsed");
  };
  EXPECT_EQ(said("polcy list --x y"),
            "no command \"gpuscale polcy\"; did you mean \"policy\"?\ngpuscale has pool, policy");
  EXPECT_EQ(said("pool status"), "no command \"gpuscale pool status\"\ngpuscale pool has list, scale");
  EXPECT_EQ(said("pool"), "which command? gpuscale pool has list, scale");
  EXPECT_EQ(said("pool list"), "parsed");
}

TEST(Table, ShowsAbsenceAsADash) {
  const auto items = nlohmann::json::parse(R"([{"a": null, "b": 1.0, "c": "x"}, {"b": 2.345}])");
  const Table table = table_of(items, {{"A", "a"}, {"B", "b"}, {"C", "c"}});
  EXPECT_EQ(table.rows[0], (std::vector<std::string>{"-", "1", "x"}));
  EXPECT_EQ(table.rows[1], (std::vector<std::string>{"-", "2.35", "-"}));
}

}  // namespace
}  // namespace gpuscale::cli
