// SPDX-License-Identifier: Apache-2.0
#include "activity/ledger.h"

#include <gtest/gtest.h>

namespace gpuscale::activity {
namespace {

class LedgerTest : public ::testing::Test {
 protected:
  Entry entry(std::string kind, std::string pool, std::int64_t second) {
    Entry e;
    e.at = base::from_unix_nanos(second * 1'000'000'000);
    e.kind = std::move(kind);
    e.pool = std::move(pool);
    e.summary = "s";
    e.correlation = "c-1";
    return e;
  }

  std::unique_ptr<db::Database> database_ = *db::Database::open("");
  std::unique_ptr<Ledger> ledger_ = *Ledger::open(*database_);
};

TEST_F(LedgerTest, ReturnsEntriesInOrderWithTheirDetails) {
  Entry first = entry("node.ready", "gpu", 10);
  first.details = {{"took_s", 2.5}};
  ASSERT_TRUE(ledger_->append(first));
  ASSERT_TRUE(ledger_->append(entry("rule.firing", "", 11)));
  const auto all = *ledger_->query({});
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].kind, "node.ready");
  EXPECT_EQ(all[0].details["took_s"], 2.5);
  EXPECT_TRUE(all[1].details.is_object());
  EXPECT_LT(all[0].id, all[1].id);
}

TEST_F(LedgerTest, FiltersByEachKey) {
  ASSERT_TRUE(ledger_->append(entry("node.ready", "gpu", 10)));
  ASSERT_TRUE(ledger_->append(entry("node.gone", "cpu", 20)));
  Entry other = entry("rule.ok", "", 30);
  other.correlation = "c-2";
  ASSERT_TRUE(ledger_->append(other));
  EXPECT_EQ(ledger_->query({.kind_prefix = "node."})->size(), 2U);
  EXPECT_EQ(ledger_->query({.kind_prefix = "node.gone,rule.,"})->size(), 2U);
  EXPECT_EQ(ledger_->query({.kind_prefix = ",,"})->size(), 3U);
  EXPECT_EQ(ledger_->query({.pool = "cpu"})->size(), 1U);
  EXPECT_EQ(ledger_->query({.correlation = "c-2"})->size(), 1U);
  EXPECT_EQ(ledger_->query({.since = base::from_unix_nanos(20'000'000'000)})->size(), 2U);
}

TEST_F(LedgerTest, FollowsFromAnIdAndElseGivesTheNewest) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(ledger_->append(entry("k.v", "", i)));
  const auto newest = *ledger_->query({.limit = 2});
  ASSERT_EQ(newest.size(), 2U);
  EXPECT_EQ(newest[1].id, newest[0].id + 1);
  const auto all = *ledger_->query({});
  const auto next = *ledger_->query({.after_id = all[0].id, .limit = 2});
  ASSERT_EQ(next.size(), 2U);
  EXPECT_EQ(next[0].id, all[1].id);
  EXPECT_EQ(newest[0].id, all[3].id);
}

TEST_F(LedgerTest, TellsTheListenerOnlyWhatIsStored) {
  std::vector<std::int64_t> heard;
  ledger_->set_listener([&](const Entry& e) { heard.push_back(e.id); });
  const auto id = *ledger_->append(entry("k.v", "", 1));
  const auto rolled_back = database_->transact([&](db::Transaction& transaction) -> Result<void> {
    Entry e = entry("k.v", "", 2);
    GS_CHECK(ledger_->append_in(transaction, e));
    return fail(Errc::kConflict, "no");
  });
  EXPECT_FALSE(rolled_back);
  EXPECT_EQ(heard, std::vector<std::int64_t>{id});
  EXPECT_EQ(ledger_->query({})->size(), 1U);
}

}  // namespace
}  // namespace gpuscale::activity
