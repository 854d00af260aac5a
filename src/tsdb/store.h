// SPDX-License-Identifier: Apache-2.0
/// The embedded time-series store: databases, retention policies, series, columns. Start at Store::open(),
/// write() and read(). It knows no query language; influxql stands on the catalogue and column reads offered
/// here. Thread-safe: any number of writers and readers at once. A write returns once it is on disk
/// (fdatasync), and concurrent writes share one commit.
#pragma once
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "log/log.h"
#include "metrics/point.h"
#include "tsdb/slot_totals.h"

namespace gpuscale::tsdb {

using metrics::FieldType;
using SeriesId = std::uint64_t;  ///< unique in the store, never used again

/// Both ends belong to the range, as InfluxQL's bounds do once rounded to nanoseconds.
struct TimeRange {
  std::int64_t min_ns = std::numeric_limits<std::int64_t>::min() + 2;
  std::int64_t max_ns = std::numeric_limits<std::int64_t>::max() - 1;
};

struct RetentionPolicy {
  std::string name = "autogen";
  Nanos duration{0};  ///< 0 = keep for ever
  Nanos shard_duration = std::chrono::hours{168};
  int replication = 1;
  friend bool operator==(const RetentionPolicy&, const RetentionPolicy&) = default;
};

struct DatabaseInfo {
  std::string name;
  std::string default_policy;
  std::vector<RetentionPolicy> policies;  ///< in order of creation
};

/// A statement that is run again and again, kept with its database; the store knows nothing of its language.
struct ContinuousQuery {
  std::string name;
  std::string text;
  friend bool operator==(const ContinuousQuery&, const ContinuousQuery&) = default;
};

/// That the samples of one policy are condensed into another before they expire. See condense.h.
struct Rollup {
  std::string policy;
  std::string target;
  std::int64_t every_ns = 0;  ///< of one condensed sample
  /// The earliest condensed one, and where the condensed ones end.
  std::int64_t first_ns = std::numeric_limits<std::int64_t>::max();
  std::int64_t done_ns = std::numeric_limits<std::int64_t>::min();
};

struct FieldInfo {
  std::string key;
  FieldType type;
};

struct SeriesInfo {
  SeriesId id;
  std::shared_ptr<const metrics::Tags> tags;
};

/// One field of one series, ascending by time, times unique. Exactly the vector that `type` names is filled,
/// with as many entries as `times`.
struct Column {
  FieldType type = FieldType::kFloat;
  std::vector<std::int64_t> times;
  std::vector<double> floats;
  std::vector<std::int64_t> integers;
  std::vector<std::string> strings;
  std::vector<std::uint8_t> booleans;
};

/// What a write did. Points of a batch that could not be stored are counted and the first reason is kept in
/// InfluxDB's words ("field type conflict: input field \"v\" on measurement \"w\" is type string, already
/// exists as type float"); the others are stored.
struct WriteOutcome {
  std::size_t written = 0;
  std::size_t dropped = 0;
  std::string first_reason;
};

/// Rows of many series in a stretch of time.
struct RowSpread {
  TimeRange range;
  std::uint64_t rows = 0;
};

struct StoreLimits {
  std::size_t max_series_per_database = 1'000'000;
  std::size_t max_tag_value_bytes = 65'536;
  /// In one policy. Each series has a place for each of them when it is sealed.
  std::size_t max_fields_per_measurement = 4'096;
  /// Of acknowledged samples in memory before they are sealed; as much again may come while that goes on.
  std::size_t max_unflushed_bytes = 24U << 20U;
  std::size_t max_cached_bytes = 32U << 20U;  ///< of sealed samples read lately
  std::size_t max_cached_totals = 8U << 20U;  ///< bytes of totals read lately
  /// Segments are given totals where so many samples or more share a slot on average: with fewer the samples
  /// are read as quickly.
  std::size_t samples_of_a_slot = 32;
  /// Of the values of segments that become one, and so of a segment that is joined no further.
  std::size_t max_joined_bytes = 64U << 20U;
  /// Of strips and totals in memory while segments are joined: they go to the disk together.
  std::size_t max_joining_bytes = 1U << 20U;
  /// A scan of so many series times segments is decoded by several threads.
  std::size_t chunks_for_helpers = 4'000;
  std::uint64_t max_file_bytes =
      0;  ///< of metrics.db; over it writes are refused as on a full disk; 0 = none
};

struct StoreOptions {
  std::string path;  ///< of metrics.db; ":memory:" keeps nothing
  StoreLimits limits;
};

struct StoreStats {
  std::uint64_t points_written = 0;
  std::uint64_t points_dropped = 0;
  std::uint64_t condensed_dropped = 0;  ///< of these, minutes of expiring samples: nothing keeps them
  std::uint64_t commits = 0;
  std::uint64_t series = 0;
  std::uint64_t memory_bytes = 0;  ///< of samples held in memory
  std::uint64_t disk_bytes = 0;
  std::uint64_t segments = 0;
  std::uint64_t damaged_segments = 0;  ///< found at the start; reads of their time are errors
};

/// What a write did, or why nothing of it was stored.
using WriteDone = std::function<void(Result<WriteOutcome>)>;
/// The samples of series number `index` of a scan. The column is the store's own: copy what must stay.
using ScanSink = std::function<Result<void>(std::size_t index, const Column& column)>;
/// What samples of a scan came to, in the slots [begin, end) of `totals`.
using TotalsSink = std::function<Result<void>(const SlotTotals& totals, std::size_t begin, std::size_t end)>;

class Store {
 public:
  /// Opens or creates; replays what was acknowledged before a crash. Errors: kUnavailable (cannot open,
  /// locked by another process), kCorrupt. The clock says which points are older than their policy keeps; it
  /// must outlive the store.
  static Result<std::unique_ptr<Store>> open(StoreOptions options, const Clock& clock, log::Log log);
  virtual ~Store() = default;

  // --- databases and retention policies; each returns once it is on disk
  // -------------------------------------
  virtual std::vector<DatabaseInfo> databases() const = 0;  ///< in order of creation
  /// Idempotent; with a policy that differs from the present default: kConflict.
  virtual Result<void> create_database(std::string_view name, std::optional<RetentionPolicy> policy) = 0;
  virtual Result<void> drop_database(std::string_view name) = 0;  ///< idempotent
  virtual Result<void> create_retention_policy(std::string_view database, const RetentionPolicy& policy,
                                               bool make_default) = 0;
  virtual Result<void> alter_retention_policy(std::string_view database, const RetentionPolicy& policy,
                                              bool make_default) = 0;
  virtual Result<void> drop_retention_policy(std::string_view database, std::string_view name) = 0;
  virtual bool has_database(std::string_view name) const;

  /// In order of creation; empty where the database does not exist.
  virtual std::vector<ContinuousQuery> continuous_queries(std::string_view /*database*/) const { return {}; }
  /// Errors: kNotFound for the database, kConflict where the name is taken.
  virtual Result<void> create_continuous_query(std::string_view database, const ContinuousQuery& query);
  virtual Result<void> drop_continuous_query(std::string_view database,
                                             std::string_view name);  ///< idempotent

  virtual std::vector<Rollup> rollups(std::string_view /*database*/) const { return {}; }
  /// Replaces what stood there for the policy. Errors: kNotFound for the database or one of the policies.
  virtual Result<void> set_rollup(std::string_view database, const Rollup& rollup);

  /// Counts condensed samples that their policy refused.
  virtual void count_condensed_dropped(std::size_t /*points*/) {}

  // --- writing
  // -------------------------------------------------------------------------------------------------
  /// Durable on return. An empty `policy` is the default one. The last write of a field at a time wins.
  /// Errors: kNotFound `database not found: "x"` / `retention policy not found: x`, kExhausted (disk full,
  /// limits), kUnavailable (samples cannot be moved to segments, whose reason it says; send it again later).
  virtual Result<WriteOutcome> write(std::string_view database, std::string_view policy,
                                     std::span<const metrics::PointView> points) = 0;
  /// The same without waiting: `done` is called once, from whatever thread, when it is on disk. The points
  /// need live no longer than this call.
  virtual void write_later(std::string_view database, std::string_view policy,
                           std::span<const metrics::PointView> points, WriteDone done) {
    done(write(database, policy, points));
  }

  // --- deleting
  // ------------------------------------------------------------------------------------------------
  virtual Result<void> drop_measurement(std::string_view database, std::string_view measurement) = 0;
  /// Removes the series with all their samples, in every policy.
  virtual Result<void> drop_series(std::string_view database, const std::vector<SeriesId>& ids) = 0;
  /// Removes the samples of these series inside the range, in every policy, and the series that have none
  /// left.
  virtual Result<void> delete_range(std::string_view database, const std::vector<SeriesId>& ids,
                                    TimeRange range) = 0;
  /// Drops samples older than their policies allow, those of a policy with a rollup once they are condensed.
  /// Called by the server's housekeeping.
  virtual Result<void> enforce_retention(WallTime now) = 0;

  // --- catalogue (ascending by name unless said otherwise; empty for what does not exist)
  // ---------------------
  virtual std::vector<std::string> measurements(std::string_view database) const = 0;
  /// That were ever written to the policy ("" = the default one). A key may have another type in another
  /// policy.
  virtual std::vector<FieldInfo> fields(std::string_view database, std::string_view policy,
                                        std::string_view measurement) const = 0;
  virtual std::vector<std::string> tag_keys(std::string_view database,
                                            std::string_view measurement) const = 0;
  /// Every series of a measurement, ascending by tags.
  virtual std::vector<SeriesInfo> series(std::string_view database, std::string_view measurement) const = 0;
  virtual std::size_t series_count(std::string_view database, std::string_view measurement) const {
    return series(database, measurement).size();
  }
  /// The series that have any of the samples in this policy and range; `policy` empty = default.
  virtual bool has_samples(std::string_view database, std::string_view policy, SeriesId id,
                           TimeRange range) const = 0;

  /// Of them, at least those that have all these tags, mostly not many more; `required` is not empty, nor is
  /// a value.
  virtual std::vector<SeriesInfo> series_with(std::string_view database, std::string_view measurement,
                                              std::span<const metrics::Tag> required) const;
  /// The time of the oldest sample that a policy holds, nothing where it holds none; it may be earlier than
  /// that, where only part of a segment is left.
  virtual std::optional<std::int64_t> oldest_sample(std::string_view /*database*/,
                                                    std::string_view /*policy*/) const {
    return std::nullopt;
  }
  /// Samples of the policy before this have expired, or may do so at any moment. Of a policy that was
  /// lengthened since, those that were not yet gone are shown again.
  virtual std::int64_t floor_of(std::string_view /*database*/, std::string_view /*policy*/) const {
    return std::numeric_limits<std::int64_t>::min();
  }

  /// Where the rows of a measurement that touch the range lie, all series together: about, and as wholes, for
  /// who plans how much to read at once. Empty also where that is not known.
  virtual std::vector<RowSpread> spread_of(std::string_view /*database*/, std::string_view /*policy*/,
                                           std::string_view /*measurement*/, TimeRange /*range*/) const {
    return {};
  }

  // --- reading
  // -------------------------------------------------------------------------------------------------
  /// The samples of one field of one series; empty where there are none. Errors: kCorrupt for a damaged
  /// block.
  virtual Result<Column> read(std::string_view database, std::string_view policy, SeriesId id,
                              std::string_view field, TimeRange range) const = 0;

  /// The same for many series of one measurement at once, in the order of `ids`; series without samples are
  /// passed over. Errors: as read(), and those of the sink, which end the scan.
  virtual Result<void> scan(std::string_view database, std::string_view policy, std::span<const SeriesId> ids,
                            std::string_view field, TimeRange range, const ScanSink& sink) const;
  /// As scan(), the newest sample of each series alone.
  virtual Result<void> scan_last(std::string_view database, std::string_view policy,
                                 std::span<const SeriesId> ids, std::string_view field, TimeRange range,
                                 const ScanSink& sink) const;
  /// As scan(), of one numeric field: what it can it gives as totals of all these series together, the rest
  /// as samples, some series more than once. Each sample is in one of both, and those of a slot lie in the
  /// range.
  virtual Result<void> scan_totals(std::string_view database, std::string_view policy,
                                   std::span<const SeriesId> ids, std::string_view field, TimeRange range,
                                   const TotalsSink& totals, const ScanSink& sink) const;
  /// A number for the samples of the measurement inside the range as they are now; 0 = not known. What is
  /// computed from them afterwards is right for as long as changed_since() that number is nothing.
  virtual std::uint64_t version_of(std::string_view /*database*/, std::string_view /*policy*/,
                                   std::string_view /*measurement*/, TimeRange /*range*/) const {
    return 0;
  }
  /// The earliest time of the range at which samples may have changed since that version.
  virtual std::optional<std::int64_t> changed_since(std::string_view /*database*/,
                                                    std::string_view /*policy*/,
                                                    std::string_view /*measurement*/, TimeRange range,
                                                    std::uint64_t /*version*/) const {
    return range.min_ns;
  }
  /// A number that grows whenever the set of series of a measurement changes; it may grow without. 0 = not
  /// known.
  virtual std::uint64_t series_changes(std::string_view /*database*/,
                                       std::string_view /*measurement*/) const {
    return 0;
  }
  /// The values of a tag, ascending.
  virtual std::vector<std::string> tag_values(std::string_view database, std::string_view measurement,
                                              std::string_view key) const;

  virtual StoreStats stats() const = 0;
  /// Waits for every write that was begun, moves what is in memory to segments and shortens the log.
  virtual Result<void> flush() = 0;
};

}  // namespace gpuscale::tsdb
