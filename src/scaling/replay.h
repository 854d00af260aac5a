// SPDX-License-Identifier: Apache-2.0
/// Runs recorded decisions again through the code that made them, and asks other policies about the same
/// inputs. Reads the journal and decides nothing live.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "scaling/decision_journal.h"

namespace gpuscale::scaling {

struct ReplayReport {
  struct Difference {
    std::string kind;  ///< "pass", "trigger", "size", "look"
    std::string pool;
    WallTime at;
    std::string recorded;
    std::string replayed;
  };
  std::int64_t passes = 0;
  std::int64_t triggers = 0;
  std::int64_t sizes = 0;
  std::int64_t looks = 0;  ///< of policies
  std::int64_t differing = 0;
  std::optional<Difference> first;   ///< the earliest that differs
  std::vector<std::string> damaged;  ///< records that do not read, at most kMostDamagedTold of them named
  std::int64_t damaged_count = 0;

  std::int64_t decisions() const { return passes + triggers + sizes + looks; }
  bool identical() const { return differing == 0 && damaged_count == 0; }
};
constexpr std::size_t kMostDamagedTold = 10;

/// "" = every pool. Errors: those of the database.
Result<ReplayReport> replay(const DecisionJournal& journal, const std::string& pool, TimeRange range);

/// What another policy would have wanted, beside what was. It sees the pool as it really was: what it would
/// have changed by acting is not in it (for that: `gpuscale simulate --from-store`).
struct WhatIf {
  struct Row {
    WallTime at;
    std::int64_t had = 0;     ///< ready and coming
    std::int64_t wanted = 0;  ///< by those who decided
    std::int64_t would = 0;   ///< by the other
    std::string reason;       ///< of the other
  };
  std::string pool;
  std::int64_t looks = 0;
  double had_node_hours = 0;
  double would_node_hours = 0;
  std::int64_t looks_more = 0;   ///< the other wanted more than there was
  std::int64_t looks_fewer = 0;  ///< fewer
  std::vector<Row> rows;         ///< where something changes; at most kMostRows
  std::int64_t rows_omitted = 0;
};
constexpr std::size_t kMostRows = 1'000;

/// A policy to be asked: as PolicyChoice::parse() takes it, or "target=4" or "step", which go by what the
/// pool's own policy of that type measured. Errors: kInvalidArgument.
Result<policy::PolicyChoice> parse_asked(std::string_view text);

/// One for each pool that was looked at in the range. The policy learns from the looks before the range too,
/// as far as they are recorded. One that goes by a value sees those that the newest policy of its type saw;
/// "step" has that one's steps. Errors: kInvalidArgument (a policy that needs more than was recorded).
Result<std::vector<WhatIf>> what_if(const DecisionJournal& journal, const std::string& pool, TimeRange range,
                                    const policy::PolicyChoice& choice);

}  // namespace gpuscale::scaling
