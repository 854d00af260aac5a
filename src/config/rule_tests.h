// SPDX-License-Identifier: Apache-2.0
/// A file of tests for rules: samples in, expected states and messages out. docs/alerting.md shows one.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alert/facts.h"
#include "config/config.h"

namespace gpuscale::config {

/// Samples of one field of one series, one an interval; nullopt = none at that time.
struct SampleTrack {
  std::string series;  ///< as line protocol has it: "gpu,node=a"
  std::string field;
  std::vector<std::optional<double>> values;
};

/// What is written of it is compared, the rest is not.
struct ExpectedMessage {
  std::optional<std::string> state;  ///< "firing", "ok", "no_data", "error"
  std::optional<std::string> title;
  std::optional<std::string> text;     ///< what was compared with what
  std::optional<std::string> message;  ///< the owner's words, rendered
  alert::Texts labels;                 ///< these at least
  alert::Texts annotations;            ///< the same
};

struct Expectation {
  int line = 0;  ///< of the file
  Nanos at{0};   ///< since the first sample
  std::string rule;
  std::string state;                  ///< "firing", ...; "" = any
  std::optional<std::uint64_t> told;  ///< messages that it fires, sent until then
  /// All messages since the rule's last expectation that lists some, in their order.
  std::optional<std::vector<ExpectedMessage>> messages;
};

struct RuleTest {
  std::string name;
  Nanos interval = std::chrono::seconds{5};
  alert::Facts facts;  ///< of every pool, all the time
  std::vector<SampleTrack> samples;
  std::vector<Expectation> expect;
};

struct RuleTestFile {
  std::vector<alert::RuleSpec> rules;
  std::vector<RuleTest> tests;
};

/// The rules stand in the file itself, or in the configuration that `config` names (beside the file). Errors:
/// kInvalidArgument, one line a fault as of parse(); those of load().
Result<RuleTestFile> load_rule_tests(const std::string& path, const Environment& environment);

/// "20x3 _ 90" -> 20, 20, 20, none, 90. Errors: kInvalidArgument naming the word; more than a million values.
Result<std::vector<std::optional<double>>> parse_track(std::string_view text);

}  // namespace gpuscale::config
