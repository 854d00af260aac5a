// SPDX-License-Identifier: Apache-2.0
#include "load/targets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <set>

namespace gpuscale::load {
namespace {

using namespace std::chrono_literals;

Target node(const std::string& id, TargetState state = TargetState::kReady) {
  return {id, "http://" + id, state};
}

class TargetsTest : public ::testing::Test {
 protected:
  const MonoTime now_{1h};
  Targets targets_;
};

TEST_F(TargetsTest, PicksNothingBeforeItWasToldOfANode) {
  EXPECT_FALSE(targets_.pick({}));
}

TEST_F(TargetsTest, TakesTheNodeWithTheFewestOutstandingAndTurnsAmongEquals) {
  targets_.update({node("a"), node("b"), node("c")}, now_);
  std::set<std::string> first;
  for (int i = 0; i < 3; ++i) first.insert(targets_.pick({})->id);
  EXPECT_EQ(first, (std::set<std::string>{"a", "b", "c"}));
  targets_.release("b");
  EXPECT_EQ(targets_.pick({})->id, "b");
}

TEST_F(TargetsTest, UsesEveryNodeWhereEachRequestIsAnsweredBeforeTheNext) {
  targets_.update({node("a"), node("b"), node("c")}, now_);
  std::map<std::string, int> uses;
  for (int i = 0; i < 30; ++i) {
    const auto target = targets_.pick({});
    ++uses[target->id];
    targets_.release(target->id);
  }
  EXPECT_THAT(uses, ::testing::ElementsAre(::testing::Pair("a", 10), ::testing::Pair("b", 10),
                                           ::testing::Pair("c", 10)));
}

TEST_F(TargetsTest, StarvesNoNodeWhateverTheRhythmOfTheAnswers) {
  for (std::size_t in_flight = 1; in_flight < 8; ++in_flight) {
    Targets targets;
    targets.update({node("a"), node("b"), node("c"), node("d")}, now_);
    std::map<std::string, int> uses;
    std::deque<std::string> outstanding;
    for (int i = 0; i < 400; ++i) {
      outstanding.push_back(targets.pick({})->id);
      ++uses[outstanding.back()];
      if (outstanding.size() < in_flight) continue;
      targets.release(outstanding.front());
      outstanding.pop_front();
    }
    for (const char* id : {"a", "b", "c", "d"})
      EXPECT_GE(uses[id], 95) << id << " with " << in_flight << " in flight";
  }
}

TEST_F(TargetsTest, PassesOverWhatWasTriedOrIsNotReady) {
  targets_.update({node("a"), node("b"), node("c", TargetState::kDraining), node("d", TargetState::kOther)},
                  now_);
  EXPECT_EQ(targets_.ready(), 2U);
  EXPECT_EQ(targets_.pick({"a"})->id, "b");
  EXPECT_FALSE(targets_.pick({"a", "b"}));
}

TEST_F(TargetsTest, ForgetsANodeThatHasGone) {
  targets_.update({node("a"), node("b")}, now_);
  targets_.update({node("b")}, now_ + 250ms);
  EXPECT_EQ(targets_.ready(), 1U);
  EXPECT_EQ(targets_.pick({})->id, "b");
}

TEST_F(TargetsTest, BelievesTheNodeThatSaysItDrainsBeforeAnOlderList) {
  targets_.update({node("a")}, now_);
  targets_.note_draining("a", now_ + 10ms);
  EXPECT_FALSE(targets_.pick({}));
  targets_.update({node("a")}, now_ + 100ms);
  EXPECT_FALSE(targets_.pick({}));
  targets_.update({node("a")}, now_ + 10ms + Targets::kDistrust);  // undrained since
  EXPECT_TRUE(targets_.pick({}));
}

TEST_F(TargetsTest, LaysALossToTheDrainOnlyWhereTheNodeDrainedOrHadGone) {
  targets_.update({node("a"), node("b"), node("c"), node("d")}, now_);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(targets_.pick({}));
  EXPECT_FALSE(targets_.note_loss("a", now_));
  EXPECT_EQ(targets_.update({node("a"), node("b"), node("c", TargetState::kDraining)}, now_ + 5s), 0U);
  EXPECT_FALSE(targets_.note_loss("b", now_ + 5s));
  EXPECT_TRUE(targets_.note_loss("c", now_ + 5s));
  EXPECT_TRUE(targets_.note_loss("d", now_ + 5s));
}

TEST_F(TargetsTest, LaysALossToADrainThatTheListShowsAMomentLater) {
  targets_.update({node("a"), node("b")}, now_);
  EXPECT_FALSE(targets_.note_loss("a", now_));
  EXPECT_FALSE(targets_.note_loss("a", now_ + 10ms));
  EXPECT_FALSE(targets_.note_loss("b", now_ + 10ms));
  EXPECT_EQ(targets_.update({node("a", TargetState::kDraining), node("b")}, now_ + 250ms), 2U);
  EXPECT_EQ(targets_.update({node("a", TargetState::kDraining), node("b")}, now_ + 500ms), 0U);
  EXPECT_EQ(targets_.update({node("a"), node("b", TargetState::kDraining)}, now_ + 5s), 0U);  // too long ago
}

TEST(ParseTargets, TakesReadyNodesWithAnEndpoint) {
  const auto targets = parse_targets(R"({"nodes":[
      {"id":"a","state":"ready","endpoint":"http://127.0.0.1:1"},{"id":"b","state":"ready","endpoint":""},
      {"id":"c","state":"draining","endpoint":"http://127.0.0.1:2"},{"id":"d","state":"booting","endpoint":null}]})");
  ASSERT_TRUE(targets);
  ASSERT_EQ(targets->size(), 4U);
  EXPECT_EQ((*targets)[0].state, TargetState::kReady);
  EXPECT_EQ((*targets)[1].state, TargetState::kOther);
  EXPECT_EQ((*targets)[2].state, TargetState::kDraining);
  EXPECT_EQ((*targets)[3].state, TargetState::kOther);
}

TEST(ParseTargets, RefusesWhatIsNoNodeList) {
  for (const char* body :
       {"", "[]", "{}", "{\"nodes\":{}}", "{\"nodes\":[1]}", "{\"nodes\":[{\"id\":7}]}", "<html>"}) {
    EXPECT_EQ(parse_targets(body).error().code(), Errc::kCorrupt) << body;
  }
}

}  // namespace
}  // namespace gpuscale::load
