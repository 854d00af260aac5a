// SPDX-License-Identifier: Apache-2.0
#include "policy/catch_up.h"

#include <gtest/gtest.h>

namespace gpuscale::policy {
namespace {

struct Row {
  const char* what;
  Behind behind;
  double boot_seconds;
  double nodes;
};

TEST(CatchUp, AddsToTheLoadWhatWorksOffIn30SecondsAllThatWillWaitByThen) {
  const Row rows[] = {
      {"nothing waits", {.waiting = 0, .ready = 10, .load = 20}, 180, 0},
      {"five seconds of the pool's work are soon done", {.waiting = 50, .ready = 10, .load = 12}, 180, 0},
      {"the most that waits is 30 s of the load", {.waiting = 80, .ready = 10, .load = 20}, 180, 40},
      {"a pool that is large enough by now grows nothing more",
       {.waiting = 300, .ready = 20, .load = 18},
       60,
       28},
      {"what will wait no longer than 10 s is on time", {.waiting = 150, .ready = 20, .load = 18}, 60, 0},
      {"a short boot lets little pile up", {.waiting = 80, .ready = 10, .load = 12}, 30, 12 + 140.0 / 30},
      {"no node at all", {.waiting = 5, .ready = 0, .load = 1}, 60, 2},
      {"no load any more", {.waiting = 50, .ready = 1, .load = 0}, 60, 0},
  };
  for (const Row& row : rows) {
    EXPECT_DOUBLE_EQ(catch_up(row.behind, row.boot_seconds), row.nodes) << row.what;
  }
}

TEST(CatchUp, NeverAsksForMoreThanTwiceTheLoad) {
  for (double waiting = 1; waiting < 1e5; waiting *= 3) {
    for (double ready = 0; ready < 100; ready = 2 * ready + 1) {
      for (double load = 0.1; load < 1e3; load *= 4) {
        const double nodes = catch_up({.waiting = waiting, .ready = ready, .load = load}, 600);
        EXPECT_TRUE(nodes == 0 || (nodes > load && nodes <= 2 * load + 1e-9))
            << waiting << ' ' << ready << ' ' << load;
      }
    }
  }
}

}  // namespace
}  // namespace gpuscale::policy
