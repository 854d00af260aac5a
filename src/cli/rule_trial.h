// SPDX-License-Identifier: Apache-2.0
/// Rules tried out: over samples of a test file in a store of its own, or over what a server has stored. The
/// same engine and the same pure code decide as in a running server; only the clock is ours.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "alert/evaluate.h"
#include "base/result.h"
#include "config/rule_tests.h"
#include "datasource/data_source.h"

namespace gpuscale::cli {

/// What did not come as expected, a line each: "3: at 1m30s rule high is inactive, expected firing (avg(C,
/// ...)".
Result<std::vector<std::string>> run_rule_test(const std::vector<alert::RuleSpec>& rules,
                                               const config::RuleTest& test);

/// One episode that a rule would have had.
struct PastEpisode {
  std::string labels;  ///< "{node=a}" of a rule with a state per series
  WallTime from;
  std::optional<WallTime> to;  ///< absent = it goes on
  std::uint64_t told = 0;      ///< messages, the end not counted
  std::string because;
};

struct Backtest {
  std::vector<PastEpisode> episodes;
  std::uint64_t looks = 0;
  std::uint64_t blind = 0;   ///< looks without data
  std::uint64_t failed = 0;  ///< looks whose query failed
  std::string first_error;
};

/// Looks at `source` each `rule.every` from `from` to `to`. `go_on` is asked before each look. Errors: of the
/// rule.
Result<Backtest> backtest(const alert::RuleSpec& rule, datasource::DataSource& source, WallTime from,
                          WallTime to, const alert::Facts& facts, const std::function<bool(WallTime)>& go_on);

}  // namespace gpuscale::cli
