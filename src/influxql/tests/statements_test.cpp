// SPDX-License-Identifier: Apache-2.0
/// The statements that InfluxDB's own parser tests hold, with their error texts and canonical forms.
#include <gtest/gtest.h>

#include "influxql/parser.h"
#include "influxql/select_check.h"
#include "influxql/testing/compat_files.h"

namespace gpuscale::influxql {
namespace {

using testing::compat_lines;
using testing::params_of;

struct Score {
  int right = 0;
  int all = 0;
  void count(bool ok) {
    ++all;
    right += ok ? 1 : 0;
  }
};

std::string strip(std::string text) {
  const std::string prefix = "error parsing query: ";
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

/// Newer grammar than 1.6.7's: the reference refused it over HTTP while parsing.
bool refused_by_reference(const nlohmann::json& entry) {
  if (!entry.contains("ref_1_6_7") || entry["ref_1_6_7"].is_null()) return false;
  return entry["ref_1_6_7"].value("status", 0) == 400;
}

TEST(Statements, ValidOnesParseAndPrintCanonically) {
  const auto lines = compat_lines("influxql_statements.jsonl");
  if (lines.empty()) GTEST_SKIP() << "no reference statements here";
  Score parsed;
  Score printed;
  for (const auto& entry : lines) {
    if (entry["kind"] != "statement" || !entry["valid"].get<bool>() || refused_by_reference(entry)) continue;
    const std::string text = entry["statement"];
    const Params params = params_of(entry);
    const auto statement = parse_statement(text, params);
    parsed.count(statement.has_value());
    EXPECT_TRUE(statement.has_value()) << text << "\n  " << (statement ? "" : statement.error().message());
    if (!statement || !entry.contains("canonical") || entry["stage"] != "parse") continue;
    const bool same = print(*statement) == entry["canonical"];
    printed.count(same);
    EXPECT_TRUE(same) << text << "\n  is   " << print(*statement) << "\n  want " << entry["canonical"];
  }
  RecordProperty("parsed", parsed.right);
  RecordProperty("printed", printed.right);
  EXPECT_GE(parsed.all, 340);
}

TEST(Statements, InvalidOnesAreRefusedInTheSameWords) {
  const auto lines = compat_lines("influxql_statements.jsonl");
  if (lines.empty()) GTEST_SKIP() << "no reference statements here";
  Score score;
  for (const auto& entry : lines) {
    if (entry["kind"] != "statement" || entry["stage"] != "parse" || entry["valid"].get<bool>()) continue;
    const std::string text = entry["statement"];
    std::string want = entry["error"];
    if (want.find("FUTURE, PAST") != std::string::npos) want = strip(entry["ref_1_6_7"]["error"]);
    const Params params = params_of(entry);
    const auto statement = parse_statement(text, params);
    const std::string is = statement ? "(parsed)" : statement.error().message();
    score.count(is == want);
    EXPECT_EQ(is, want) << text;
  }
  EXPECT_GE(score.all, 180);
}

TEST(Statements, TheCheckRefusesWhatMakesNoSense) {
  const auto lines = compat_lines("influxql_statements.jsonl");
  if (lines.empty()) GTEST_SKIP() << "no reference statements here";
  for (const auto& entry : lines) {
    if (entry["stage"] != "compile") continue;
    const std::string text = entry["statement"];
    const auto parsed = parse_statement(text, {});
    std::string is;
    if (!parsed) {
      is = parsed.error().message();
    } else if (const auto* select = std::get_if<SelectStatement>(&parsed->node)) {
      const auto checked = check_select(*select, base::from_unix_nanos(1'500'000'000'000'000'000));
      if (!checked) is = checked.error().message();
    }
    if (!entry.contains("ref_1_6_7")) continue;
    const std::string want = strip(entry["ref_1_6_7"].value("error", ""));
    EXPECT_EQ(is, want) << text;
  }
}

TEST(Statements, ExpressionsPrintCanonically) {
  const auto lines = compat_lines("influxql_statements.jsonl");
  if (lines.empty()) GTEST_SKIP() << "no reference statements here";
  for (const auto& entry : lines) {
    if (entry["kind"] != "expr") continue;
    const std::string text = entry["statement"];
    const auto parsed = parse_expr(text, {});
    if (entry["valid"].get<bool>()) {
      ASSERT_TRUE(parsed.has_value()) << text;
      EXPECT_EQ(print(*parsed), entry["canonical"]);
    } else {
      EXPECT_EQ(parsed ? "(parsed)" : parsed.error().message(), entry["error"]) << text;
    }
  }
}

}  // namespace
}  // namespace gpuscale::influxql
