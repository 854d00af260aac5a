// SPDX-License-Identifier: Apache-2.0
/// kill -9 at any moment: a process of its own writes and says what was acknowledged; all of that is there
/// again.
#include <signal.h>
#include <sys/wait.h>

#include <array>
#include <cstdlib>
#include <random>

#include "tests/store_fixture.h"

namespace gpuscale::tsdb {
namespace {

class CrashTest : public StoreTest {
 protected:
  void SetUp() override {}

  /// Starts the writer, kills it once it has acknowledged about `after` batches, and returns how many it had.
  int write_and_die(int first, int after) {
    std::array<int, 2> pipe{};
    EXPECT_EQ(::pipe(pipe.data()), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::dup2(pipe[1], STDOUT_FILENO);
      ::close(pipe[0]);
      ::close(pipe[1]);
      const std::string from = std::to_string(first);
      ::execl(GPUSCALE_TSDB_WRITER, GPUSCALE_TSDB_WRITER, path_.c_str(), from.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(pipe[1]);
    int acknowledged = 0;
    char mark = 0;
    while (acknowledged < after && ::read(pipe[0], &mark, 1) == 1) ++acknowledged;
    ::kill(child, SIGKILL);
    // What it said before it died was said.
    while (::read(pipe[0], &mark, 1) == 1) ++acknowledged;
    ::close(pipe[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself with " << status;
    return acknowledged;
  }
};

TEST_F(CrashTest, EveryAcknowledgedBatchIsWholeAfterKill9) {
  // GPUSCALE_KILLS=500 for a long run by hand.
  const char* wanted = std::getenv("GPUSCALE_KILLS");
  const int kills = wanted == nullptr ? 20 : std::atoi(wanted);
  std::mt19937 random(17);
  int acknowledged = 0;
  for (int round = 0; round < kills; ++round) {
    // Several in a row: what a start finds was then left by another that was killed, not put in order by us.
    for (auto deaths = 1 + random() % 3; deaths > 0; --deaths)
      acknowledged += write_and_die(acknowledged, 1 + static_cast<int>(random() % 40));
    auto store = Store::open({path_, {}}, clock_, log::Log::silent());
    ASSERT_TRUE(store) << store.error().message();
    store_ = *std::move(store);
    const auto series = store_->series("db", "m");
    ASSERT_EQ(series.size(), 2U);
    for (const SeriesInfo& info : series) {
      for (const char* other : {"g", "h"}) {
        const auto column = store_->read("db", "", info.id, other, {});
        ASSERT_TRUE(column) << column.error().message();
        ASSERT_GE(column->times.size(), static_cast<std::size_t>(acknowledged)) << other;
      }
      const auto column = store_->read("db", "", info.id, "f", {});
      ASSERT_TRUE(column) << column.error().message();
      ASSERT_GE(column->times.size(), static_cast<std::size_t>(acknowledged)) << "round " << round;
      for (int i = 0; i < acknowledged; ++i) {
        ASSERT_EQ(column->times[static_cast<std::size_t>(i)], i + 1);
        ASSERT_EQ(column->floats[static_cast<std::size_t>(i)], i);
      }
      // At most the one batch that was on its way may be there unacknowledged, and then whole.
      ASSERT_LE(column->times.size(), static_cast<std::size_t>(acknowledged) + 1);
    }
    const auto a = store_->read("db", "", series[0].id, "f", {})->times.size();
    const auto b = store_->read("db", "", series[1].id, "f", {})->times.size();
    EXPECT_EQ(a, b) << "half a batch";
    EXPECT_EQ(pieces_of_no_segment(), 0) << "of segments that were being joined";
    EXPECT_EQ(count_rows("tsdb_unfinished"), 0);
    acknowledged = static_cast<int>(a);
    if (round % 5 == 4) {
      ASSERT_TRUE(store_->flush());
    }
    store_.reset();
  }
}

}  // namespace
}  // namespace gpuscale::tsdb
