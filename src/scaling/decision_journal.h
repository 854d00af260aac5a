// SPDX-License-Identifier: Apache-2.0
/// Every decision with all its inputs, in state.db, for `gpuscale activity replay`. Bounded: of each pool the
/// newest kMostBytes of passes, triggers and sizes, and the newest week of its policies' looks. A pass is
/// stored as its difference from an earlier one, so that 10,000 nodes cost what changed. A repository: it
/// decides nothing. Thread-safe.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "db/database.h"
#include "scaling/decision_code.h"

namespace gpuscale::scaling {

constexpr std::int64_t kMostDecisionBytes = 32 << 20;  ///< per pool
/// A council's looks between two beginnings of it, and as many are kept beside the running ones: a week each.
constexpr std::int64_t kSegmentTicks = 7 * 86'400 / policy::Council::kTickSeconds;
constexpr std::int64_t kMostSegments = 500;  ///< per pool: a server that restarts for ever fills no disk

/// A span of time; both ends belong to it.
struct TimeRange {
  WallTime from;
  WallTime to;
  bool holds(WallTime at) const { return from <= at && at <= to; }
};

class DecisionJournal {
 public:
  /// Creates its tables in `database`, which outlives it.
  static Result<std::unique_ptr<DecisionJournal>> open(db::Database& database);

  /// What the next passes of a pool are stored as differences from; its writer holds it, and begins with a
  /// fresh one.
  struct PassBase {
    std::int64_t id = 0;
    std::string plain;
    std::int64_t bytes = 0;  ///< stored since, itself included
    int passes = 0;
  };
  /// A pass, in a transaction of its own, before any of it is carried out. `inputs` = encode(ReconcileInput).
  Result<void> add_pass(PassBase& base, const std::string& pool, WallTime at, const std::string& inputs,
                        const std::string& answer);
  /// A trigger's call or a size asked for, in the transaction that makes it so.
  Result<void> add(db::Transaction& tx, const std::string& pool, WallTime at, const std::string& inputs,
                   const std::string& answer);

  Result<std::int64_t> begin_segment(db::Transaction& tx, const std::string& pool, WallTime at,
                                     const CouncilSegment& segment);
  Result<void> add_tick(db::Transaction& tx, std::int64_t segment, std::int64_t number,
                        const CouncilTick& tick);

  struct Decision {
    std::int64_t id = 0;
    std::string pool;
    WallTime at;
    std::string inputs;
    std::string answer;
  };
  /// In the order in which they were made; ends at the first error of `see`. A record that is damaged is told
  /// to `damaged` instead. "" = every pool.
  Result<void> each_decision(const std::string& pool, TimeRange range,
                             const std::function<Result<void>(const Decision&)>& see,
                             const std::function<void(std::int64_t id, const Error&)>& damaged) const;

  struct SegmentHead {
    std::int64_t id = 0;
    std::string pool;
    WallTime began;
  };
  /// Those with a look inside the range, oldest first.
  Result<std::vector<SegmentHead>> segments(const std::string& pool, TimeRange range) const;
  Result<CouncilSegment> segment(std::int64_t id) const;
  /// All of a segment, from its first.
  Result<std::vector<CouncilTick>> ticks(std::int64_t segment) const;

 private:
  explicit DecisionJournal(db::Database& database) : database_(database) {}
  Result<std::int64_t> insert(db::Transaction& tx, const std::string& pool, WallTime at, std::int64_t base,
                              const std::string& body);
  Result<void> trim(db::Transaction& tx, const std::string& pool);
  Result<void> trim_segments(db::Transaction& tx, const std::string& pool);

  db::Database& database_;
  std::map<std::string, int> added_;  ///< since the last trim, by pool; touched inside transactions alone
};

}  // namespace gpuscale::scaling
