// SPDX-License-Identifier: Apache-2.0
/// Private to the room: the store that Store::open() makes.
///
/// Who holds what: `mutex_` guards catalogue, head and extents; readers share it and never wait for the
/// disk's commit. `change_mutex_` is held by whoever changes the file - the commit thread, or a change of
/// structure - for the whole of the change, and comes before `mutex_`. So whoever holds `change_mutex_` may
/// read the head without `mutex_`.
#pragma once
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <thread>
#include <vector>

#include "db/database.h"
#include "tsdb/catalogue.h"
#include "tsdb/head.h"
#include "tsdb/tables.h"
#include "tsdb/writer_first_mutex.h"

namespace gpuscale::tsdb {

class DiskStore final : public Store {
 public:
  DiskStore(StoreOptions options, const Clock& clock, log::Log log)
      : options_(std::move(options)), clock_(clock), log_(std::move(log)) {}
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

  Result<WriteOutcome> write(std::string_view database, std::string_view policy,
                             std::span<const metrics::PointView> points) override;

  Result<void> drop_measurement(std::string_view database, std::string_view measurement) override;
  Result<void> drop_series(std::string_view database, const std::vector<SeriesId>& ids) override;
  Result<void> delete_range(std::string_view database, const std::vector<SeriesId>& ids,
                            TimeRange range) override;
  Result<void> enforce_retention(WallTime now) override;

  std::vector<std::string> measurements(std::string_view database) const override;
  std::vector<FieldInfo> fields(std::string_view database, std::string_view measurement) const override;
  std::vector<std::string> tag_keys(std::string_view database, std::string_view measurement) const override;
  std::vector<SeriesInfo> series(std::string_view database, std::string_view measurement) const override;
  bool has_samples(std::string_view database, std::string_view policy, SeriesId id,
                   TimeRange range) const override;
  Result<Column> read(std::string_view database, std::string_view policy, SeriesId id, std::string_view field,
                      TimeRange range) const override;

  StoreStats stats() const override;
  Result<void> flush() override;

 private:
  using Work = std::function<Result<void>(db::Transaction&)>;

  /// A batch on its way to the disk; lives on the stack of its writer.
  struct Pending {
    std::string bytes;
    std::optional<Result<void>> outcome;
  };
  /// First and last time of what a series has in blocks.
  struct Extent {
    std::int64_t min_ns;
    std::int64_t max_ns;
  };
  using Extents = std::map<std::pair<PolicyId, SeriesId>, Extent>;

  // --- committing
  // ----------------------------------------------------------------------------------------------
  Result<void> commit_and_wait(std::string bytes);
  void run();
  Result<void> commit(const std::vector<Pending*>& batches);
  bool alive(PolicyId policy, SeriesId series) const;
  Result<void> apply_log_entry(std::string_view entry);

  // --- sealing; the caller holds change_mutex_
  // -------------------------------------------------------------------
  Result<void> seal();
  std::vector<tables::BlockRow> encode_head(std::int64_t generation) const;

  // --- changes of structure; the caller holds change_mutex_
  // ------------------------------------------------------
  Result<void> forget_series(std::string_view database, const std::vector<SeriesId>& ids, const Work& work);
  std::vector<SeriesId> series_of(const MeasurementDef& measurement) const;
  Result<void> cut_blocks(db::Transaction& transaction, SeriesId series, TimeRange range);

  // --- reading
  // ---------------------------------------------------------------------------------------------------
  /// What a read needs, taken in one moment.
  struct Source {
    PolicyId policy = 0;
    FieldId field = 0;
    FieldType type = FieldType::kFloat;
    std::int64_t generation = 0;
    bool in_blocks = false;
    TimeRange range;
    Column head;
  };
  std::optional<Source> source_of(std::string_view database, std::string_view policy, SeriesId id,
                                  std::string_view field, TimeRange range) const;
  db::Database& reading() const { return readers_ ? *readers_ : *writer_; }

  const StoreOptions options_;
  const Clock& clock_;
  const log::Log log_;
  std::unique_ptr<db::Database> writer_;
  std::unique_ptr<db::Database> readers_;  ///< a connection of their own; null for a store in memory

  mutable std::mutex change_mutex_;
  std::int64_t sequence_ = 0;  ///< of the newest log entry; under change_mutex_

  mutable WriterFirstMutex mutex_;
  Catalogue catalogue_;
  Head head_;
  Extents extents_;
  std::int64_t generation_ = 0;  ///< of the newest blocks
  std::uint64_t points_written_ = 0;
  std::uint64_t points_dropped_ = 0;
  std::uint64_t commits_ = 0;

  std::mutex queue_mutex_;
  std::condition_variable arrived_;
  std::condition_variable settled_;
  std::deque<Pending*> queue_;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace gpuscale::tsdb
