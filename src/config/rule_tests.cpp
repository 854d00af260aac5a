// SPDX-License-Identifier: Apache-2.0
#include "config/rule_tests.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "config/sections.h"
#include "config/yaml_document.h"
#include "config/yaml_reader.h"

namespace gpuscale::config {
namespace {

constexpr std::size_t kMostValues = 1'000'000;
constexpr std::uintmax_t kLargestTests = 4U << 20U;

std::optional<double> number_in(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

/// "20x3": three of it.
Result<void> add_word(std::string_view word, std::vector<std::optional<double>>& out) {
  const Error wrong =
      fail(Errc::kInvalidArgument,
           "\"" + std::string(word) + "\" is no value; write 20, 20x12 (twelve of it), _ (none) or _x12");
  const std::size_t cross = word.find('x');
  std::size_t count = 1;
  if (cross != std::string_view::npos) {
    const auto times = number_in(word.substr(cross + 1));
    if (!times || *times < 1 || *times > kMostValues || *times != std::floor(*times)) return wrong;
    count = static_cast<std::size_t>(*times);
  }
  const std::string_view text = word.substr(0, cross);
  const auto value = number_in(text);
  if (!value && text != "_") return wrong;
  if (out.size() + count > kMostValues) {
    return fail(Errc::kInvalidArgument, "more than " + std::to_string(kMostValues) + " values");
  }
  out.insert(out.end(), count, value);
  return {};
}

SampleTrack read_track(YamlReader& reader) {
  SampleTrack track;
  track.series = reader.required_text("series");
  track.field = reader.required_text("field");
  if (auto values = parse_track(reader.required_text("values"))) {
    track.values = *std::move(values);
  } else {
    reader.fault("values", values.error().message());
  }
  reader.finish();
  return track;
}

ExpectedMessage read_message(YamlReader& reader) {
  const auto optional_text = [&reader](const char* key) {
    std::string text = reader.text(key);
    return reader.has(key) ? std::optional(std::move(text)) : std::nullopt;
  };
  ExpectedMessage out;
  out.state = optional_text("state");
  out.title = optional_text("title");
  out.text = optional_text("text");
  out.message = optional_text("message");
  out.labels = reader.text_map("labels");
  out.annotations = reader.text_map("annotations");
  reader.finish();
  return out;
}

Expectation read_expectation(YamlReader& reader) {
  Expectation expected;
  expected.line = reader.mark("at").line + 1;
  if (!reader.has("at")) reader.fault("at", "is missing; write how long after the first sample, as 1m30s");
  expected.at = reader.duration("at", Nanos{0});
  expected.rule = reader.required_text("rule");
  expected.state = reader.text("state");
  constexpr int kMostTold = 1'000'000;
  const int told = reader.integer("told", 0, 0, kMostTold);
  if (reader.has("told")) expected.told = static_cast<std::uint64_t>(told);
  if (reader.has("messages")) expected.messages.emplace();
  for (YamlReader& each : reader.list("messages")) expected.messages->push_back(read_message(each));
  if (expected.state.empty() && !expected.told && !expected.messages)
    reader.fault("write state, told, messages or several of them");
  reader.finish();
  return expected;
}

RuleTest read_test(YamlReader& reader) {
  RuleTest test;
  test.name = reader.required_text("name");
  test.interval = reader.duration("interval", test.interval);
  if (test.interval <= Nanos{0}) reader.fault("interval", "must be longer than 0");
  for (const auto& [fact, text] : reader.text_map("facts")) {
    const auto value = number_in(text);
    const bool known =
        std::find(alert::kKnownFacts.begin(), alert::kKnownFacts.end(), fact) != alert::kKnownFacts.end();
    if (!value || !known) reader.fault("facts", "\"" + fact + ": " + text + "\" is no fact with its number");
    test.facts.emplace(fact, value.value_or(0));
  }
  for (YamlReader& each : reader.list("samples")) test.samples.push_back(read_track(each));
  for (YamlReader& each : reader.list("expect")) test.expect.push_back(read_expectation(each));
  if (test.expect.empty()) reader.fault("expect", "is missing; a test without it can not fail");
  reader.finish();
  return test;
}

/// Rules of the file itself may name any channel: nothing is sent.
void read_own_rules(std::vector<YamlReader>& readers, RuleTestFile& out) {
  for (YamlReader& reader : readers) {
    out.rules.push_back(read_rule(reader));
    for (std::string& fault : alert::faults_of(out.rules.back(), out.rules.back().notify))
      reader.fault(std::move(fault));
  }
}

std::optional<std::string> content_of(const std::string& path) {
  std::error_code ec;
  if (const auto size = std::filesystem::file_size(path, ec); ec || size > kLargestTests) return std::nullopt;
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) return std::nullopt;
  return text.str();
}

}  // namespace

Result<std::vector<std::optional<double>>> parse_track(std::string_view text) {
  std::vector<std::optional<double>> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \t\r\n"), text.size());
    if (end > 0) GS_CHECK(add_word(text.substr(0, end), out));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

Result<RuleTestFile> load_rule_tests(const std::string& path, const Environment& environment) {
  const auto text = content_of(path);
  if (!text) {
    if (std::error_code ignored; !std::filesystem::exists(path, ignored))
      return fail(Errc::kNotFound, "there is no file " + path);
    return fail(Errc::kNotFound, "cannot read " + path + " (a file of at most 4 MiB)");
  }
  Faults faults;
  RuleTestFile out;
  std::string config_file;
  try {
    const YAML::Node root = load_document(*text);
    YamlReader reader(root, std::string(kWholeFile), faults, environment);
    config_file = reader.text("config");
    auto rules = reader.list("rules");
    auto tests = reader.list("tests");
    reader.finish();
    if (config_file.empty() == rules.empty())
      reader.fault("write either rules or config (a file that has them)");
    read_own_rules(rules, out);
    for (YamlReader& each : tests) out.tests.push_back(read_test(each));
    if (out.tests.empty()) reader.fault("tests", "is missing");
  } catch (const YAML::Exception& e) {
    faults.add(e.mark, "not valid YAML: " + e.msg);
  }
  if (!faults.empty()) return fail(Errc::kInvalidArgument, faults.to_text(path));
  if (!config_file.empty()) {
    const auto beside = std::filesystem::path(path).parent_path() / config_file;
    GS_TRY(Config config, load(beside.string(), environment));
    out.rules = std::move(config.rules);
  }
  return out;
}

}  // namespace gpuscale::config
