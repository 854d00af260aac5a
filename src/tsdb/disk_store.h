// SPDX-License-Identifier: Apache-2.0
/// Private to the room: the store that Store::open() makes.
///
/// Who holds what: `mutex_` guards catalogue, heads and the list of segments; readers share it and never wait
/// for the disk. Who adds rows to the head shares it too, so that writes are resolved meanwhile, and holds
/// `head_mutex_`, which those who read heads or changes share. `change_mutex_` is held by whoever changes the
/// files - the commit thread, or a change of structure - for the whole of the change. `upkeep_mutex_` is held
/// while samples are sealed, joined or deleted, so that segments change under one hand. Order: upkeep,
/// change, mutex, head.
#pragma once
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <thread>
#include <vector>

#include "db/database.h"
#include "tsdb/batch_log.h"
#include "tsdb/catalogue.h"
#include "tsdb/head.h"
#include "tsdb/head_scan.h"
#include "tsdb/rebuild.h"
#include "tsdb/sample_columns.h"
#include "tsdb/scan_helpers.h"
#include "tsdb/scan_view.h"
#include "tsdb/segment_cache.h"
#include "tsdb/staged_segment.h"
#include "tsdb/strays.h"
#include "tsdb/tables.h"
#include "tsdb/writer_first_mutex.h"

namespace gpuscale::tsdb {

class DiskStore final : public Store {
 public:
  DiskStore(StoreOptions options, const Clock& clock, log::Log log)
      : options_(std::move(options)),
        clock_(clock),
        log_(std::move(log)),
        batches_(options_.path, options_.limits.max_file_bytes),
        slabs_(options_.limits.max_unflushed_bytes * 3 / 4),
        head_(std::make_unique<Head>(&slabs_)),
        strips_(options_.limits.max_cached_bytes),
        totals_(options_.limits.max_cached_totals) {}
  ~DiskStore() override;
  DiskStore(const DiskStore&) = delete;
  DiskStore& operator=(const DiskStore&) = delete;

  Result<void> open_file();

  std::vector<DatabaseInfo> databases() const override;
  Result<void> create_database(std::string_view name, std::optional<RetentionPolicy> policy) override;
  Result<void> drop_database(std::string_view name) override;
  Result<void> create_retention_policy(std::string_view database, const RetentionPolicy& policy,
                                       bool make_default) override;
  Result<void> alter_retention_policy(std::string_view database, const RetentionPolicy& policy,
                                      bool make_default) override;
  Result<void> drop_retention_policy(std::string_view database, std::string_view name) override;
  bool has_database(std::string_view name) const override;
  std::vector<ContinuousQuery> continuous_queries(std::string_view database) const override;
  Result<void> create_continuous_query(std::string_view database, const ContinuousQuery& query) override;
  Result<void> drop_continuous_query(std::string_view database, std::string_view name) override;

  std::vector<Rollup> rollups(std::string_view database) const override;
  Result<void> set_rollup(std::string_view database, const Rollup& rollup) override;
  void count_condensed_dropped(std::size_t points) override { condensed_dropped_ += points; }

  Result<WriteOutcome> write(std::string_view database, std::string_view policy,
                             std::span<const metrics::PointView> points) override;
  void write_later(std::string_view database, std::string_view policy,
                   std::span<const metrics::PointView> points, WriteDone done) override;

  Result<void> drop_measurement(std::string_view database, std::string_view measurement) override;
  Result<void> drop_series(std::string_view database, const std::vector<SeriesId>& ids) override;
  Result<void> delete_range(std::string_view database, const std::vector<SeriesId>& ids,
                            TimeRange range) override;
  Result<void> enforce_retention(WallTime now) override;

  std::vector<std::string> measurements(std::string_view database) const override;
  std::vector<FieldInfo> fields(std::string_view database, std::string_view policy,
                                std::string_view measurement) const override;
  std::vector<std::string> tag_keys(std::string_view database, std::string_view measurement) const override;
  std::vector<SeriesInfo> series(std::string_view database, std::string_view measurement) const override;
  std::size_t series_count(std::string_view database, std::string_view measurement) const override;
  std::vector<SeriesInfo> series_with(std::string_view database, std::string_view measurement,
                                      std::span<const metrics::Tag> required) const override;
  std::optional<std::int64_t> oldest_sample(std::string_view database,
                                            std::string_view policy) const override;
  std::int64_t floor_of(std::string_view database, std::string_view policy) const override;
  std::vector<RowSpread> spread_of(std::string_view database, std::string_view policy,
                                   std::string_view measurement, TimeRange range) const override;
  bool has_samples(std::string_view database, std::string_view policy, SeriesId id,
                   TimeRange range) const override;
  Result<Column> read(std::string_view database, std::string_view policy, SeriesId id, std::string_view field,
                      TimeRange range) const override;
  Result<void> scan(std::string_view database, std::string_view policy, std::span<const SeriesId> ids,
                    std::string_view field, TimeRange range, const ScanSink& sink) const override;
  Result<void> scan_last(std::string_view database, std::string_view policy, std::span<const SeriesId> ids,
                         std::string_view field, TimeRange range, const ScanSink& sink) const override;
  Result<void> scan_totals(std::string_view database, std::string_view policy, std::span<const SeriesId> ids,
                           std::string_view field, TimeRange range, const TotalsSink& totals,
                           const ScanSink& sink) const override;
  std::uint64_t version_of(std::string_view database, std::string_view policy, std::string_view measurement,
                           TimeRange range) const override;
  std::optional<std::int64_t> changed_since(std::string_view database, std::string_view policy,
                                            std::string_view measurement, TimeRange range,
                                            std::uint64_t version) const override;
  std::uint64_t series_changes(std::string_view database, std::string_view measurement) const override;
  std::vector<std::string> tag_values(std::string_view database, std::string_view measurement,
                                      std::string_view key) const override;

  StoreStats stats() const override;
  Result<void> flush() override;

 private:
  using Work = std::function<Result<void>(db::Transaction&)>;

  /// A batch on its way to the disk.
  struct Pending {
    std::string bytes;
    WriteOutcome outcome;
    WriteDone done;
  };
  /// A segment whose directory does not decode: reads that touch its time are errors.
  struct Damaged {
    SegmentId id;
    SegmentOwner owner;
    TimeRange range;
    std::string reason;
  };
  using Segments = std::vector<std::shared_ptr<const Segment>>;  ///< ascending by generation

  // --- committing
  // ----------------------------------------------------------------------------------------------
  void run_commits();
  Result<void> commit(const std::vector<Pending>& batches);
  /// Has samples sealed where a commit left many of them; waits for it where there are very many, and lets
  /// writes be refused where it fails.
  void look_at_head();
  /// Why no write is taken at present, mostly nothing.
  std::optional<Error> refusal() const;
  bool apply(std::string_view batch);
  /// Errors: kCorrupt where it does not decode.
  Result<void> apply_whole(std::string_view batch);
  Result<void> apply_logged(std::string_view batch);
  Result<void> apply_log_entry(std::string_view entry);
  /// All that no segment holds, into the head.
  Result<void> replay(db::Transaction& transaction);
  /// Whether the catalogue tells whose a row is.
  bool has_place(PolicyId policy, SeriesId series, std::span<const CellName> shape) const;
  /// What the log holds and no commit has noted: it is from a version that did not tell policies apart.
  void note_fields_of_head();
  /// In the database, at once: what is damaged may look whole to the next start.
  void keep_strays();
  void make_indexes_anew(const std::vector<std::string>& of_tables);
  void tell_damage(const std::string& fault) const;
  void load_segment(tables::SegmentRow row);
  void set_first_floors();

  // --- sealing and joining; the caller holds upkeep_mutex_
  // -------------------------------------------------------------------
  void run_upkeep();
  /// Where a commit found the head full. False where it failed.
  bool seal_if_wanted();
  /// What is left of a sealing that failed, else the head, where it holds so much. What it came to is
  /// remembered: see refusal(). Errors: also kExhausted for want of memory; then it may be tried again.
  Result<void> seal_head(std::size_t least_bytes = 0);
  Result<void> seal_oldest_head(std::size_t least_bytes);
  bool is_unsealed() const;  ///< the last sealing failed
  /// As seal_if_wanted(), by who does other upkeep; one that failed is tried again once its pause is over.
  void seal_meanwhile();
  /// What is damaged keeps none but its neighbours from it, and what else cannot be joined none but those of
  /// its measurement. Errors: the first of any; also kExhausted for want of
  /// memory.
  Result<void> join_segments();
  /// Free pages to the file system, but for `keep`: those that the next log needs anyway. Under
  /// upkeep_mutex_.
  void give_back(std::int64_t keep);
  Result<void> join_oldest(const SegmentOwner& owner, bool& joined);
  RebuildRequest rebuild_request(const SegmentOwner& owner, Segments sources) const;
  /// Puts what becomes of the request's sources in their place.
  Result<void> replace_sources(RebuildRequest request);
  /// Puts `made` in the place of `replaced`, on disk and then in memory, and shortens the log.
  Result<void> publish(std::vector<NewSegment> made, const Segments& replaced,
                       std::optional<std::int64_t> log_up_to);

  /// That were read of a segment which is gone. The caller holds mutex_, too, exclusively.
  void forget_pieces(const Segment& segment);
  /// Pieces of segments that never came. What fails is logged, once.
  void discard_unfinished();

  // --- changes of structure; the caller holds change_mutex_
  // ------------------------------------------------------
  Result<void> forget_series(std::string_view database, const std::vector<SeriesId>& ids, const Work& work);
  /// The caller holds mutex_, exclusively.
  void forget_in_memory(std::string_view database, const std::vector<SeriesId>& ids);
  std::vector<SeriesId> series_of(const MeasurementDef& measurement) const;
  void forget_segments(const std::function<bool(const SegmentOwner&)>& gone);
  /// From the disk, then from memory. The caller holds upkeep_mutex_, too.
  Result<void> remove_segments(const Segments& gone);
  Result<void> forget_emptied(std::string_view database, const std::vector<SeriesId>& ids);
  /// Takes out the series of which samples are on their way to the disk; the caller holds mutex_,
  /// exclusively.
  void keep_expected(std::vector<SeriesId>& ids);
  Result<void> cut_samples(std::string_view database, const std::vector<SeriesId>& ids, TimeRange range);
  /// What the policy's present duration says. The caller holds mutex_, exclusively.
  void set_floor(PolicyDef& policy, WallTime now);

  // --- reading
  // ---------------------------------------------------------------------------------------------------
  /// Nothing where what is asked for does not exist. @param totals whether segments may be given as totals.
  /// Errors: kCorrupt.
  Result<std::optional<ScanView>> view_of(std::string_view database, std::string_view policy,
                                          std::span<const SeriesId> ids, std::string_view field,
                                          TimeRange range, Wanted wanted, bool totals = false) const;
  Result<void> load_strips(ScanView& view) const;
  Result<void> scan_view(const ScanView& view, std::span<const SeriesId> ids, const ScanSink& sink) const;
  /// Nothing where that is unknown, or samples of the range may expire at any moment; the caller holds
  /// mutex_.
  std::optional<SegmentOwner> owner_of(std::string_view database, std::string_view policy,
                                       std::string_view measurement, TimeRange range) const;
  std::optional<ScanView> begin_view(std::string_view database, std::string_view policy,
                                     std::span<const SeriesId> ids, std::string_view field, TimeRange range,
                                     Wanted wanted, std::optional<Error>& damage) const;
  /// The caller holds mutex_, shared.
  std::shared_ptr<SortedSeries> sorted_series(const MeasurementDef& measurement) const;
  const PolicyDef* find_policy(std::string_view database, std::string_view policy) const;
  /// Null where there are none. Errors: kNotFound where the segment is gone, kCorrupt where they are of
  /// another type. @param keep whether it is likely to be asked for again
  Result<std::shared_ptr<const Strip>> strip_of(const Segment& segment, FieldId field, FieldType type,
                                                bool keep) const;
  Result<std::shared_ptr<const SlotTotals>> totals_of(const Segment& segment, FieldId field) const;
  db::Database& reading() const { return readers_ ? *readers_ : *writer_; }

  const StoreOptions options_;
  const Clock& clock_;
  const log::Log log_;
  std::unique_ptr<db::Database> writer_;
  std::unique_ptr<db::Database> readers_;  ///< a connection of their own; null for a store in memory

  mutable std::mutex upkeep_mutex_;
  mutable std::mutex change_mutex_;
  BatchLog batches_;           ///< under change_mutex_
  std::int64_t sequence_ = 0;  ///< of the newest log entry; under change_mutex_
  Strays strays_;              ///< under upkeep_mutex_

  mutable WriterFirstMutex mutex_;
  /// Of the rows of the heads, and of changes and commits; not needed by who holds mutex_ alone.
  mutable WriterFirstMutex head_mutex_;
  Catalogue catalogue_;
  SlabPool slabs_;  ///< outlives the heads
  std::unique_ptr<Head> head_;
  std::unique_ptr<Head> sealing_;      ///< what is becoming segments; older than the head. Null mostly.
  std::int64_t sealing_sequence_ = 0;  ///< the newest log entry in it
  std::map<SegmentOwner, Segments> segments_;
  std::vector<Damaged> damaged_;
  /// Found at the start. Then whoever writes segments anew would leave out samples of what is not known to
  /// be there, and so none does.
  bool is_catalogue_damaged_ = false;
  std::set<SegmentId> unjoinable_;  ///< that are damaged, or were to be joined with such; under upkeep_mutex_
  std::chrono::steady_clock::time_point seal_again_;  ///< not before, where one failed; under upkeep_mutex_
  std::string not_discarded_;  ///< what was said last of discard_unfinished(); under upkeep_mutex_
  Changes changes_;
  std::int64_t generation_ = 0;  ///< of the newest segments
  std::uint64_t commits_ = 0;
  std::atomic<std::uint64_t> points_written_{0};
  std::atomic<std::uint64_t> points_dropped_{0};
  std::atomic<std::uint64_t> condensed_dropped_{0};
  mutable SegmentCache<Strip> strips_;
  mutable SegmentCache<SlotTotals> totals_;
  mutable ScanHelpers scan_helpers_{std::thread::hardware_concurrency()};
  mutable std::mutex sort_mutex_;

  std::mutex queue_mutex_;
  std::condition_variable arrived_;
  std::condition_variable settled_;
  std::uint64_t queued_count_ = 0;   ///< of writes, ever
  std::size_t wake_at_ = 1;          ///< writes in the queue, for which the committer is woken
  std::uint64_t settled_count_ = 0;  ///< of those that were answered
  std::vector<Pending> queue_;
  const std::vector<Pending>* in_commit_ = nullptr;  ///< out of the queue and not yet in the head
  bool closing_ = false;
  mutable std::mutex upkeep_wake_mutex_;
  std::condition_variable upkeep_wake_;
  bool upkeep_wanted_ = false;
  bool upkeep_closing_ = false;
  std::condition_variable sealed_;  ///< with upkeep_wake_mutex_: a sealing came to its end
  std::uint64_t sealings_ = 0;
  std::optional<Error> unsealed_;      ///< with upkeep_wake_mutex_: why the last sealing failed
  std::atomic<bool> refusing_{false};  ///< changed with upkeep_wake_mutex_, only set where unsealed_ is
  std::thread committer_;
  std::thread upkeep_;
};

}  // namespace gpuscale::tsdb
