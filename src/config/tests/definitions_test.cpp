// SPDX-License-Identifier: Apache-2.0
#include "config/definitions.h"

#include <gmock/gmock.h>

namespace gpuscale::config {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kFile =
    "pools: [{name: gpu, min: 1, max: 3}]\n"
    "triggers: [{name: out, pool: gpu, type: scale_out}]\n"
    "channels: [{name: grow, type: trigger, trigger: out}]\n"
    "rules:\n"
    "  - name: of the file\n"
    "    every: 1s\n"
    "    queries: {C: 'SELECT mean(utilization_gpu) FROM gpu WHERE $timeFilter GROUP BY time(5s)'}\n"
    "    condition: avg(C, 1m) > 45\n"
    "    notify: [grow]\n"
    "    message: ${WORDS}\n";

std::optional<std::string> environment(const std::string& name) {
  if (name == "WORDS") return "look";
  if (name == "GPUSCALE_URL") return "http://here:1";
  return std::nullopt;
}

json rule(const std::string& name) {
  return {{"name", name},
          {"every", "5s"},
          {"queries", {{"C", "SELECT mean(utilization_gpu) FROM gpu WHERE $timeFilter GROUP BY time(5s)"}}},
          {"condition", "avg(C, 1m) > 70"},
          {"notify", {"grow"}}};
}

Reading read(const std::vector<Definition>& definitions) {
  auto reading = parse_with(kFile, "file", environment, definitions);
  EXPECT_TRUE(reading) << reading.error().message();
  return reading ? *std::move(reading) : Reading{};
}

TEST(Definitions, StandBesideTheFilesEntriesAndMayNameThem) {
  const Reading reading = read(
      {{Kind::kRules, "mine", rule("mine")},
       {Kind::kChannels, "people", {{"name", "people"}, {"type", "webhook"}, {"url", "${GPUSCALE_URL}/x"}}}});
  EXPECT_EQ(reading.faults, std::vector<std::string>(2));
  ASSERT_EQ(reading.config.rules.size(), 2U);
  EXPECT_EQ(reading.config.rules[0].name, "of the file");
  EXPECT_EQ(reading.config.rules[1].name, "mine");
  EXPECT_EQ(reading.config.rules[1].every, Nanos{5s});
  EXPECT_EQ(reading.config.channels.at(1).url, "http://here:1/x");
  EXPECT_EQ(reading.config.pools.at(0).scale_in.ceiling, 45);
}

TEST(Definitions, FaultsNameTheirPlaceAndHarmNobodyElse) {
  json broken = rule("broken");
  broken["condition"] = "avg(C, 1m) >";
  broken["evry"] = "1s";
  const Reading reading = read({{Kind::kRules, "broken", broken}, {Kind::kRules, "good", rule("good")}});
  EXPECT_THAT(reading.faults.at(0), HasSubstr("definition.condition: line 1, column"));
  EXPECT_THAT(reading.faults.at(0), HasSubstr("did you mean \"every\""));
  EXPECT_EQ(reading.faults.at(1), "");
}

TEST(Definitions, RefersToNothingThatIsNotThere) {
  json lost = rule("lost");
  lost["notify"] = {"nobody"};
  const Reading reading =
      read({{Kind::kRules, "lost", lost},
            {Kind::kTriggers, "t", {{"name", "t"}, {"pool", "p"}, {"type", "scale_in"}}}});
  EXPECT_THAT(reading.faults.at(0), HasSubstr("definition.notify: no channel \"nobody\""));
  EXPECT_THAT(reading.faults.at(1), HasSubstr("definition.pool: no pool \"p\""));
}

TEST(Definitions, FaultsInAListNameTheEntryAndItsOwner) {
  const Reading reading = read({{Kind::kPolicies,
                                 "steps",
                                 {{"name", "steps"},
                                  {"pool", "gpu"},
                                  {"type", "step"},
                                  {"queries", {{"Q", "SELECT v FROM m WHERE $timeFilter"}}},
                                  {"value", "avg(Q, 1m)"},
                                  {"steps", {{{"above", 80}, {"add", 2}}, {{"below", 30}, {"remove", 0}}}}}},
                                {Kind::kPolicies, "lost", {{"name", "lost"}, {"pool", "nowhere"}}}});
  EXPECT_THAT(reading.faults.at(0), HasSubstr("definition.steps[1].remove: \"0\" must be a whole number"));
  EXPECT_THAT(reading.faults.at(1), HasSubstr("definition.pool: no pool \"nowhere\"; known: gpu"));
}

TEST(Definitions, DoNotReadTheServersEnvironment) {
  json curious = rule("curious");
  curious["message"] = "it is ${WORDS}";
  const Reading reading = read({{Kind::kRules, "curious", curious}});
  EXPECT_THAT(reading.faults.at(0), HasSubstr("definition.message: ${WORDS} is read from the environment"));
  curious["message"] = "it is $${WORDS}";
  EXPECT_EQ(read({{Kind::kRules, "curious", curious}}).faults.at(0), "");
}

TEST(Definitions, FaultsOfTheFileAreItsOwn) {
  const auto reading = parse_with("rules: [{name: x}]", "file", environment, {});
  ASSERT_FALSE(reading);
  EXPECT_THAT(reading.error().message(), HasSubstr("file:1:9: rules[0].condition: is missing"));
}

TEST(Definitions, OfTheFileReadBackAsTheyAreWritten) {
  const auto all = definitions_in(kFile);
  ASSERT_TRUE(all);
  const json& mine = all->at({Kind::kRules, "of the file"});
  EXPECT_EQ(mine.at("every"), "1s");
  EXPECT_EQ(mine.at("message"), "${WORDS}");
  EXPECT_EQ(mine.at("notify"), json({"grow"}));
  EXPECT_EQ(all->at({Kind::kPools, "gpu"}).at("max"), 3);
  json again = mine;
  again["name"] = "again";
  again["message"] = "x";
  EXPECT_EQ(read({{Kind::kRules, "again", again}}).faults.at(0), "");
}

TEST(Definitions, NoEntryIsPassedOver) {
  const auto fault_of = [](std::string_view yaml) { return definitions_in(yaml).error().message(); };
  EXPECT_EQ(fault_of("rules:\n  - {name: a}\n  - {every: 1s}\n"),
            "the rule in line 3 has no name; it must be set");
  EXPECT_EQ(fault_of("pools:\n- {name: a}\n- {name: a}\n"),
            "the pool in line 3: \"a\" is used twice; names must differ");
  EXPECT_TRUE(definitions_in("pools: [{name: a}]\nrules: [{name: a}]\n--- # nothing more\n"));
}

TEST(Definitions, AliasesOfAliasesAreBounded) {
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    const std::string before(1, static_cast<char>(c - 1));
    bomb += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 10; ++i) bomb += (i == 0 ? "*" : ",*") + before;
    bomb += "]\n";
  }
  const auto all = definitions_in(bomb + "rules: [{name: r, queries: *j}]\n");
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().code(), Errc::kExhausted);
}

TEST(Definitions, KindsHaveNames) {
  for (const Kind kind : kKinds) EXPECT_EQ(parse_kind(to_string(kind)), kind);
  EXPECT_FALSE(parse_kind("nodes"));
  EXPECT_EQ(word_of(Kind::kSchedules), "schedule");
  EXPECT_EQ(word_of(Kind::kPolicies), "policy");
}

TEST(WithoutAList, TheRestOfTheFileReadsAsBefore) {
  const auto left = without(kFile, Kind::kRules);
  ASSERT_TRUE(left) << left.error().message();
  DefinitionsByName expected = definitions_in(kFile).value();
  EXPECT_EQ(std::erase_if(expected, [](const auto& each) { return each.first.first == Kind::kRules; }), 1u);
  EXPECT_EQ(definitions_in(*left).value(), expected);
  EXPECT_EQ(without("pools: [", Kind::kRules).error().code(), Errc::kInvalidArgument);
}

}  // namespace
}  // namespace gpuscale::config
