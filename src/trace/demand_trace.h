// SPDX-License-Identifier: Apache-2.0
/// A demand trace: how much work a pool was asked for, over time. Read from CSV; replayed by `gpuscale load`
/// and simulated by `gpuscale simulate`.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gpuscale::trace {

constexpr std::size_t kMaxBytes = 100'000'000;
constexpr std::size_t kMaxRows = 10'000'000;
constexpr std::size_t kMaxTicks = 50'000'000;

/// The demand from `t_seconds` on, until the next row. 1.0 = one node fully busy.
struct DemandRow {
  double t_seconds = 0;
  double demand = 0;
};

class DemandTrace {
 public:
  /// CSV with the header "t_seconds,demand", rows ascending by time, '#' before comments.
  /// @param name shown in errors, with the line. Errors: kInvalidArgument, kExhausted (kMaxBytes, kMaxRows).
  static Result<DemandTrace> parse(std::string_view csv, const std::string& name);
  /// Errors: those of parse(), kNotFound, kUnavailable.
  static Result<DemandTrace> read(const std::string& path);

  const std::vector<DemandRow>& rows() const { return rows_; }  ///< at least one
  /// Seconds that the last row lasts: as long as the one before it, 1 where there is none.
  double last_step_seconds() const;
  struct Gap {
    double from = 0;  ///< seconds
    double to = 0;
    double usual = 0;  ///< between two rows
  };
  /// The longest time without a row, where it is so long that rows seem to be missing: kGapSteps usual steps
  /// and kGapSeconds. The demand before it is taken to last.
  std::optional<Gap> widest_gap() const;
  static constexpr double kGapSteps = 10;
  static constexpr double kGapSeconds = 600;

  /// From the first row to the end of the last.
  double seconds() const;

  /// Demand for each tick of `tick_seconds` from the first row on: the value of the last row that has begun
  /// by the start of the tick. Whole ticks only. Errors: kExhausted (kMaxTicks).
  Result<std::vector<double>> per_tick(double tick_seconds) const;

 private:
  explicit DemandTrace(std::vector<DemandRow> rows) : rows_(std::move(rows)) {}
  std::vector<DemandRow> rows_;
};

}  // namespace gpuscale::trace
