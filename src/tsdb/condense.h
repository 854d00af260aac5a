// SPDX-License-Identifier: Apache-2.0
/// Downsampling: before samples leave their retention policy, what they come to in each minute is written
/// into another one, under the measurement's name and "_1m": for a numeric field `f` the fields f_count,
/// f_sum, f_min and f_max, from which count, sum, mean, min, max and spread of whole minutes follow exactly.
/// Start at Condenser::tick().
///
/// It is done as late as can be, an hour at a time shortly before the hour expires: what came late until then
/// is in it, and nothing expires that is not condensed (Store::enforce_retention waits for it).
#pragma once
#include <array>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "tsdb/store.h"

namespace gpuscale::tsdb {

/// What is kept of a field, by the suffix of the field it becomes.
constexpr std::string_view kCountSuffix = "_count";
constexpr std::string_view kSumSuffix = "_sum";
constexpr std::string_view kMinSuffix = "_min";
constexpr std::string_view kMaxSuffix = "_max";
/// Of the measurement that they go into: with the others' name `SELECT *` would show their fields.
constexpr std::string_view kMeasurementSuffix = "_1m";

/// Not thread-safe: one thread ticks.
class Condenser {
 public:
  explicit Condenser(Store& store, log::Log log = log::Log::silent()) : store_(store), log_(std::move(log)) {}

  /// Condenses every whole hour that is due, the oldest first. `stop` is asked between slices of series, some
  /// milliseconds each. What the target refuses - a field that has another type there, a series too many - is
  /// counted, logged once for each field, and gone: to wait for it would keep all samples for ever. So are
  /// the minutes of samples that are damaged. @return the hours done. Errors: the store's, after the policies
  /// that have none; the next tick goes on where this one ended.
  Result<std::size_t> tick(WallTime now, const std::function<bool()>& stop = {});

  static constexpr std::int64_t kStep = 3'600'000'000'000;  ///< condensed at a time
  /// How long before they expire samples are condensed: time enough to catch up with an hour or two.
  static constexpr std::int64_t kAhead = 2 * kStep;

 private:
  struct Progress {
    std::size_t hours = 0;
    bool stopped = false;
  };
  Result<void> condense_policy(const std::string& database, Rollup rollup, std::int64_t limit,
                               const std::function<bool()>& stop, Progress& progress);
  Result<bool> condense_step(const std::string& database, const Rollup& rollup, std::int64_t begin,
                             const std::function<bool()>& stop);
  Result<void> condense_series(const std::string& database, const Rollup& rollup,
                               const std::string& measurement, const FieldInfo& field,
                               std::span<const SeriesInfo> series, std::int64_t begin);
  void note_damaged(const std::string& database, const Rollup& rollup, const std::string& measurement,
                    const std::string& field, const Error& error);
  void note_refused(const std::string& database, const Rollup& rollup, const std::string& measurement,
                    const std::string& field, const WriteOutcome& outcome);

  /// A field of a measurement in a target.
  struct Refused {
    std::string database;
    std::string target;
    std::string measurement;
    std::string field;
    friend auto operator<=>(const Refused&, const Refused&) = default;
  };

  Store& store_;
  log::Log log_;
  std::set<Refused> told_;          ///< of which it was logged that they are refused
  std::set<Refused> told_damaged_;  ///< and of these that samples are damaged
};

/// Gives `database` the policy `target`, into which its default policy is condensed by the minute before it
/// expires after `keep_raw`. Idempotent; does nothing where there is such a policy already. @param keep_raw
/// two days at least.
Result<void> begin_rollup(Store& store, const std::string& database, const std::string& target,
                          Nanos keep_raw, Nanos keep_condensed);

}  // namespace gpuscale::tsdb
