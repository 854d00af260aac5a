// SPDX-License-Identifier: Apache-2.0
/// What Grafana 4.4.3's own code computed, as data: $GPUSCALE_COMPAT_DIR/alert_vectors.jsonl.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>

#include "alert/grafana44.h"

namespace gpuscale::alert::grafana44 {
namespace {

using nlohmann::json;

std::vector<json> vectors_of(const std::string& kind) {
  const char* given = std::getenv("GPUSCALE_COMPAT_DIR");
  const std::filesystem::path folder =
      given != nullptr && *given != '\0'
          ? std::filesystem::path(given)
          : std::filesystem::path(GPUSCALE_SOURCE_DIR).parent_path() / "shared/compat";
  std::vector<json> out;
  std::ifstream in(folder / "alert_vectors.jsonl");
  for (std::string line; std::getline(in, line);) {
    json vector = json::parse(line);
    if (vector.at("kind") == kind) out.push_back(std::move(vector));
  }
  return out;
}

std::optional<double> number_of(const json& value) {
  if (value.is_null()) return std::nullopt;
  if (value == "+Inf") return std::numeric_limits<double>::infinity();
  return value.get<double>();
}

std::vector<datasource::Sample> samples_of(const json& values) {
  std::vector<datasource::Sample> out;
  std::int64_t at = 0;
  for (const json& value : values)
    out.push_back({base::from_unix_nanos(at += 1'000'000'000), number_of(value)});
  return out;
}

json matches_of(const Found& found) {
  if (found.matches.empty()) return nullptr;
  json out = json::array();
  for (const Match& match : found.matches) {
    out.push_back(
        {{"metric", match.metric}, {"value", match.value ? json(*match.value) : json()}, {"tags", nullptr}});
  }
  return out;
}

#define VECTORS_OR_SKIP(name, kind)   \
  const auto name = vectors_of(kind); \
  if (name.empty()) GTEST_SKIP() << "no alert_vectors.jsonl in $GPUSCALE_COMPAT_DIR"

TEST(Grafana44Vectors, ReducersGiveItsValues) {
  VECTORS_OR_SKIP(vectors, "reducer");
  for (const json& v : vectors) {
    const auto reducer = parse_reducer(v.at("reducer").get<std::string>());
    const auto value = reducer ? reduce(*reducer, samples_of(v.at("series"))) : std::nullopt;
    EXPECT_EQ(value, number_of(v.at("expected"))) << v;
  }
}

TEST(Grafana44Vectors, EvaluatorsPassWhatItPassed) {
  VECTORS_OR_SKIP(vectors, "evaluator");
  for (const json& v : vectors) {
    const auto test = read_evaluator(v.at("evaluator"));
    if (v.contains("error")) {
      ASSERT_FALSE(test) << v;
      EXPECT_EQ(test.error().message(), v.at("error").get<std::string>());
      continue;
    }
    ASSERT_TRUE(test) << v;
    EXPECT_EQ(passes(*test, number_of(v.at("value"))), v.at("expected")) << v;
  }
}

TEST(Grafana44Vectors, ConditionsFindWhatItFound) {
  VECTORS_OR_SKIP(vectors, "condition");
  for (const json& v : vectors) {
    std::vector<datasource::Series> series;
    for (const json& values : v.at("series")) {
      series.push_back({"s" + std::to_string(series.size() + 1), {}, samples_of(values)});
    }
    const Found found = look(parse_reducer(v.at("reducer").get<std::string>()),
                             read_evaluator(v.at("evaluator")).value(), series);
    EXPECT_EQ(found.firing, v.at("firing")) << v;
    EXPECT_EQ(found.no_data, v.at("noDataFound")) << v;
    EXPECT_EQ(matches_of(found), v.at("evalMatches")) << v;
  }
}

TEST(Grafana44Vectors, ConditionsJoinFromLeftToRight) {
  VECTORS_OR_SKIP(vectors, "combine");
  for (const json& v : vectors) {
    std::vector<Link> links;
    for (const json& each : v.at("conditions")) {
      Link link{each.at("op") == "or", Found{each.at("firing"), each.at("noData"), {}}};
      if (each.value("error", false)) link.found.reset();
      links.push_back(std::move(link));
    }
    const Combined combined = combine(links);
    EXPECT_EQ(combined.firing, v.at("firing")) << v;
    EXPECT_EQ(combined.no_data, v.at("noDataFound")) << v;
    EXPECT_EQ(combined.error, v.at("error")) << v;
    EXPECT_EQ(combined.evals, v.at("conditionEvals")) << v;
  }
}

TEST(Grafana44Vectors, StatesFollowItsTransitions) {
  VECTORS_OR_SKIP(vectors, "transition");
  const std::map<std::string, Seen> seen = {
      {"firing", Seen::kFiring}, {"ok", Seen::kOk}, {"nodata", Seen::kNoData}, {"error", Seen::kError}};
  for (const json& v : vectors) {
    Options options;
    options.on_no_data = parse_state(v.at("noDataState").get<std::string>());
    options.keep_on_error = v.at("executionErrorState") == "keep_state";
    const Transition next = advance(parse_state(v.at("prev").get<std::string>()).value(),
                                    seen.at(v.at("eval").get<std::string>()), options);
    EXPECT_EQ(to_string(next.state), v.at("new").get<std::string>()) << v;
    EXPECT_EQ(next.changed, v.at("stateChange")) << v;
    EXPECT_EQ(next.changed, v.at("annotation")) << v;
    EXPECT_EQ(next.notify, v.at("notify")) << v;
  }
}

TEST(Grafana44Vectors, FrequenciesAndRangesAreReadAsItReadThem) {
  VECTORS_OR_SKIP(frequencies, "frequency");
  for (const json& v : frequencies) {
    const auto seconds = parse_frequency(v.at("value").get<std::string>());
    ASSERT_TRUE(seconds) << v;
    EXPECT_EQ(*seconds, v.at("seconds")) << v;
  }
  for (const json& v : vectors_of("from_valid")) {
    EXPECT_EQ(is_valid_from(v.at("value").get<std::string>()), v.at("valid")) << v;
  }
  for (const json& v : vectors_of("to_valid")) {
    EXPECT_EQ(is_valid_to(v.at("value").get<std::string>()), v.at("valid")) << v;
  }
}

TEST(Grafana44, AFrequencyNeedsADigit) {
  EXPECT_FALSE(parse_frequency("abc"));
  EXPECT_FALSE(parse_frequency(""));
  EXPECT_EQ(*parse_frequency("5m"), 300);
  EXPECT_EQ(*parse_frequency("60"), 60);
}

TEST(Grafana44, ReadsAndAndOrFromLeftToRightAndKnowsNoBrackets) {
  const auto condition = parse_condition("avg(A, 1m) > 1 or avg(B, 1m) > 1 and avg(C, 1m) > 1");
  ASSERT_TRUE(condition);
  const Answer yes = std::vector<datasource::Series>{{"s", {}, {{base::from_unix_nanos(1), 2}}}};
  const Answer no = std::vector<datasource::Series>{{"s", {}, {{base::from_unix_nanos(1), 0}}}};
  EXPECT_EQ(evaluate(*condition, {&yes, &no, &no}).outcome, Outcome::kFalse) << "(A or B) and C";
  EXPECT_EQ(evaluate(*condition, {&yes, &no, &no}).explanation, "[[true OR false] AND false] = false");
  EXPECT_EQ(alert::evaluate(*condition, std::vector<Answer>{yes, no, no}).outcome, Outcome::kTrue)
      << "A or (B and C)";
  for (const char* foreign : {"(avg(A, 1m) > 1 or avg(B, 1m) > 1) and avg(C, 1m) > 1", "not avg(A, 1m) > 1",
                              "avg(A, 1m) / 2 > 1", "avg(A, 1m) > ready_nodes"}) {
    const auto parsed = parse_condition(foreign);
    ASSERT_TRUE(parsed) << foreign;
    EXPECT_FALSE(chain_of(*parsed)) << foreign;
  }
}

}  // namespace
}  // namespace gpuscale::alert::grafana44
