// SPDX-License-Identifier: Apache-2.0
#include "scaling/formula_reader.h"

#include <gmock/gmock.h>

#include "alert/testing/fake_source.h"

namespace gpuscale::scaling {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const WallTime kLooked = base::from_unix_nanos(1'700'000'000'000'000'000);
const policy::Formula kQueuePerNode{
    {{"Q", "SELECT sum(\"requests_waiting\") FROM \"inference\" WHERE $timeFilter"}},
    "last(Q, 30s) / ready_nodes"};

PoolStatus pool_of(int ready) {
  PoolStatus pool;
  pool.spec.name = "gpu";
  pool.counts.ready = ready;
  return pool;
}

TEST(FormulaReader, ReckonsQueriesWithTheFactsOfThePool) {
  alert::testing::FakeSource source;
  source.answer(12);
  const auto value = value_of(kQueuePerNode, pool_of(4), source, kLooked);
  ASSERT_TRUE(value);
  EXPECT_EQ(*value, 3.0);
  ASSERT_EQ(source.asked().size(), 1U);
  EXPECT_EQ(source.asked()[0].from, kLooked - std::chrono::seconds{30});
}

TEST(FormulaReader, NoDataAndNoNodesAreNoValueAndNeverZero) {
  alert::testing::FakeSource source;
  source.answer_nothing();
  EXPECT_EQ(*value_of(kQueuePerNode, pool_of(4), source, kLooked), std::nullopt);
  source.answer(12);
  EXPECT_EQ(*value_of(kQueuePerNode, pool_of(0), source, kLooked), std::nullopt);
}

TEST(FormulaReader, AFailedQueryOrSeveralSeriesAreErrors) {
  alert::testing::FakeSource source;
  source.answer_error(fail(Errc::kTimeout, "slow"));
  EXPECT_EQ(value_of(kQueuePerNode, pool_of(4), source, kLooked).error().code(), Errc::kTimeout);
  source.answer_series({{"a", {{"node", "a"}}, {{kLooked, 1}}}, {"b", {{"node", "b"}}, {{kLooked, 2}}}});
  EXPECT_THAT(value_of(kQueuePerNode, pool_of(4), source, kLooked).error().message(), HasSubstr("2 series"));
}

TEST(FormulaReader, FaultsNameTheirPlace) {
  EXPECT_THAT(faults_of(kQueuePerNode), IsEmpty());
  EXPECT_THAT(faults_of(policy::Formula{{}, "avg(Q, 1m)"}), ElementsAre(HasSubstr("asks for Q")));
  EXPECT_THAT(faults_of(policy::Formula{{}, "avg(Q,"}), ElementsAre(HasSubstr("is no number over queries")));
  EXPECT_THAT(faults_of(policy::Formula{{}, "1 > 2"}), ElementsAre(HasSubstr("is no number over queries")));
}

}  // namespace
}  // namespace gpuscale::scaling
