// SPDX-License-Identifier: Apache-2.0
#include "tsdb/disk_store.h"

#include <algorithm>

#include "tsdb/log_entry.h"
#include "tsdb/resolver.h"

namespace gpuscale::tsdb {
namespace {

/// Batches of one commit: beyond it a writer would wait for strangers' megabytes.
constexpr std::size_t kMaxBatchesPerCommit = 1'024;
/// Where so many writers shared the last commit, the next one waits a moment for those that were answered to
/// come again: each commit costs the disk a round, however little is in it. It does not wait for all of them,
/// or disk and processors would rest in turn: the others come while these are written (measured with 64
/// connections: 16 carries a tenth more than 28 or all).
constexpr std::size_t kCrowd = 4;
constexpr std::size_t kEnough = 16;
constexpr std::chrono::microseconds kGathering{200};
/// How long a commit waits for a sealing that does not keep up: then memory is dearer than the wait.
constexpr std::chrono::seconds kLongestWaitForSealing{10};
/// Heads that are full so many times over, while nothing can be sealed, take no more: memory is not endless,
/// and each start reads the whole log.
constexpr std::size_t kFullestHeads = 4;
constexpr std::uint64_t kPageBytes = 4'096;  // SQLite's own default, which nothing here changes

}  // namespace

Result<std::unique_ptr<Store>> Store::open(StoreOptions options, const Clock& clock, log::Log log) {
  auto store = std::make_unique<DiskStore>(std::move(options), clock, std::move(log));
  GS_CHECK(store->open_file());
  return std::unique_ptr<Store>(std::move(store));
}

Result<void> DiskStore::open_file() {
  GS_TRY(writer_, db::Database::open(options_.path));
  GS_CHECK(writer_->read<bool>([](db::Transaction& transaction) -> Result<bool> {
    GS_CHECK(tables::refuse_unreleased(transaction));
    return true;
  }));
  GS_CHECK(writer_->migrate("tsdb", tables::migrations()));
  if (options_.limits.max_file_bytes > 0) {
    GS_CHECK(writer_->transact(Work([this](db::Transaction& transaction) {
      return transaction.execute("PRAGMA max_page_count=" +
                                 std::to_string(options_.limits.max_file_bytes / kPageBytes));
    })));
  }
  if (!db::is_in_memory(options_.path)) {
    GS_TRY(readers_, db::Database::open(options_.path));
  }
  GS_CHECK(writer_->read<bool>([this](db::Transaction& transaction) -> Result<bool> {
    std::vector<std::string> faults;
    GS_CHECK(tables::load_catalogue(transaction, catalogue_, faults));
    for (const std::string& fault : faults)
      log_.error("store.damaged_catalogue",
                 {{"file", options_.path}, {"error", fault}, {"mend", "restore a backup"}});
    GS_CHECK(
        tables::each_segment(transaction, [this](tables::SegmentRow row) { load_segment(std::move(row)); }));
    const auto before = [](const auto& a, const auto& b) {
      return a->label().generation < b->label().generation;
    };
    for (auto& [owner, list] : segments_) std::stable_sort(list.begin(), list.end(), before);
    GS_TRY(const std::int64_t sealed, tables::sealed_up_to(transaction));
    GS_TRY(const std::int64_t in_table, tables::replay_log_table(transaction, [this](std::string_view entry) {
             return apply_log_entry(entry);
           }));
    GS_TRY(sequence_, batches_.replay(std::max(sealed, in_table),
                                      [this](std::string_view batch) { return apply_logged(batch); }));
    return true;
  }));
  note_fields_of_head();
  set_first_floors();
  committer_ = std::thread([this] { run_commits(); });
  upkeep_ = std::thread([this] { run_upkeep(); });
  return {};
}

void DiskStore::load_segment(tables::SegmentRow row) {
  generation_ = std::max(generation_, row.label.generation);
  Result<std::shared_ptr<const Segment>> segment = fail(Errc::kCorrupt, row.fault);
  if (row.fault.empty()) segment = Segment::decode(row.label, std::move(row.directory));
  if (segment) {
    segments_[row.label.owner].push_back(*std::move(segment));
    return;
  }
  log_.error("store.damaged_segment", {{"segment", row.label.id}, {"error", segment.error()}});
  damaged_.push_back({row.label.id, row.label.owner, row.range, segment.error().message()});
}

/// What expired while nobody looked is not to be seen until the first enforcement. Deletes nothing: the clock
/// may still be wrong this early.
void DiskStore::set_first_floors() {
  const WallTime now = clock_.wall();
  for (const auto& database : catalogue_.databases()) {
    for (const auto& policy : database->policies) {
      {
        const std::unique_lock lock(mutex_);
        set_floor(*policy, now);
      }
      if (!policy->rollup) continue;
      // No file tells what was deleted before: what is condensed and older than all that is here.
      const auto oldest = oldest_sample(database->name, policy->policy.name);
      const std::int64_t done = policy->rollup->done_ns;
      policy->gone_before_ns = std::max(policy->gone_before_ns, oldest ? std::min(done, *oldest) : done);
    }
  }
}

DiskStore::~DiskStore() {
  {
    const std::scoped_lock lock(queue_mutex_);
    closing_ = true;
  }
  arrived_.notify_all();
  if (committer_.joinable()) committer_.join();
  {
    const std::scoped_lock lock(upkeep_wake_mutex_);
    upkeep_closing_ = true;
  }
  upkeep_wake_.notify_all();
  if (!upkeep_.joinable()) return;
  upkeep_.join();
  // So that the next start need not replay; what fails here is in the log.
  const std::scoped_lock upkeep(upkeep_mutex_);
  if (const auto sealed = seal_head(); !sealed) log_.warn("store.not_sealed", {{"error", sealed.error()}});
  give_back(0);
  batches_.give_back();
}

bool DiskStore::apply(std::string_view batch) {
  const auto alive = [this](PolicyId policy) { return catalogue_.find_policy(policy) != nullptr; };
  const auto owner = [this](SeriesId id) -> MeasurementId {
    const SeriesDef* series = catalogue_.find_series(id);
    return series == nullptr ? 0 : series->measurement->id;
  };
  return head_->apply(batch, alive, owner, changes_);
}

Result<void> DiskStore::apply_logged(std::string_view batch) {
  if (!apply(batch)) return fail(Errc::kCorrupt, "a batch does not decode");
  return {};
}

Result<void> DiskStore::apply_log_entry(std::string_view entry) {
  GS_TRY(const std::string batches, decode_log_entry(entry));
  return each_batch(batches, [this](std::string_view batch) { return apply_logged(batch); });
}

void DiskStore::note_fields_of_head() {
  for (const auto& [policy, buffers] : head_->policies()) {
    // Series of one kind share their list.
    const CellName* last = nullptr;
    for (const SeriesBuffer& buffer : buffers.all()) {
      for (const RowBuffer* part = &buffer.rows; part != nullptr; part = part->older()) {
        const auto fields = part->fields();
        if (fields.empty() || fields.data() == last) continue;
        last = fields.data();
        const SeriesDef* series = catalogue_.find_series(buffer.series);
        if (series == nullptr) continue;
        for (const CellName& cell : fields) catalogue_.note_field(*series->measurement, policy, cell.field);
      }
    }
  }
}

// --- committing
// --------------------------------------------------------------------------------------------------

Result<WriteOutcome> DiskStore::write(std::string_view database, std::string_view policy,
                                      std::span<const metrics::PointView> points) {
  std::mutex mutex;
  std::condition_variable arrived;
  std::optional<Result<WriteOutcome>> outcome;
  write_later(database, policy, points, [&](Result<WriteOutcome> made) {
    const std::scoped_lock lock(mutex);
    outcome = std::move(made);
    arrived.notify_one();
  });
  std::unique_lock lock(mutex);
  arrived.wait(lock, [&] { return outcome.has_value(); });
  return *std::move(outcome);
}

void DiskStore::write_later(std::string_view database, std::string_view policy,
                            std::span<const metrics::PointView> points, WriteDone done) {
  if (auto why = refusal()) {
    done(*std::move(why));
    return;
  }
  const std::int64_t now_ns = base::to_unix_nanos(clock_.wall());
  const ResolveRequest request{database, policy, points, now_ns};
  // A series that was resolved must not be forgotten as empty before its samples are seen in the queue: so
  // the catalogue stays locked until they stand there.
  const auto settle = [&](Result<ResolvedBatch> batch) -> std::optional<Result<WriteOutcome>> {
    if (!batch) return batch.error();
    points_dropped_ += batch->outcome.dropped;
    if (batch->bytes.empty()) return std::move(batch->outcome);
    const std::scoped_lock lock(queue_mutex_);
    if (closing_) return fail(Errc::kUnavailable, "the store is closed");
    queue_.push_back({std::move(batch->bytes), std::move(batch->outcome), std::move(done)});
    ++queued_count_;
    if (queue_.size() >= wake_at_) arrived_.notify_one();
    return std::nullopt;
  };
  const auto resolve = [&]() -> std::optional<Result<WriteOutcome>> {
    {
      const std::shared_lock lock(mutex_);
      auto known = resolve_known(catalogue_, request, options_.limits);
      if (!known) return known.error();
      if (*known) return settle(**std::move(known));
    }
    const std::unique_lock lock(mutex_);
    return settle(resolve_and_define(catalogue_, request, options_.limits));
  };
  if (auto answered = resolve()) done(*std::move(answered));
}

void DiskStore::run_commits() {
  std::unique_lock lock(queue_mutex_);
  std::size_t count = 0;
  while (true) {
    arrived_.wait(lock, [this] { return closing_ || !queue_.empty(); });
    if (queue_.empty()) return;
    if (count >= kCrowd) {
      wake_at_ = std::min(count, kEnough);
      arrived_.wait_for(lock, kGathering, [this] { return closing_ || queue_.size() >= wake_at_; });
      wake_at_ = 1;
    }
    std::vector<Pending> batches;
    count = std::min(queue_.size(), kMaxBatchesPerCommit);
    const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(count);
    std::move(queue_.begin(), end, std::back_inserter(batches));
    queue_.erase(queue_.begin(), end);
    in_commit_ = &batches;
    lock.unlock();
    const Result<void> outcome = commit(batches);
    for (Pending& pending : batches) {
      if (outcome) {
        pending.done(std::move(pending.outcome));
      } else {
        pending.done(outcome.error());
      }
    }
    lock.lock();
    in_commit_ = nullptr;
    settled_count_ += count;
    settled_.notify_all();
    lock.unlock();
    look_at_head();
    lock.lock();
  }
}

void DiskStore::look_at_head() {
  const std::size_t full = options_.limits.max_unflushed_bytes;
  std::size_t bytes = 0;
  std::size_t waiting = 0;
  {
    const std::shared_lock structure(mutex_);
    const std::shared_lock reading(head_mutex_);
    bytes = head_->bytes();
    waiting = bytes + (sealing_ ? sealing_->bytes() : 0);
  }
  if (bytes <= full && waiting <= kFullestHeads * full) return;
  std::unique_lock wake(upkeep_wake_mutex_);
  upkeep_wanted_ = true;
  upkeep_wake_.notify_one();
  const std::uint64_t before = sealings_;
  // One that fails is tried again after a pause, for which no writer need wait.
  if (bytes > 2 * full && !unsealed_)
    sealed_.wait_for(wake, kLongestWaitForSealing, [&] { return sealings_ != before; });
  if (waiting > kFullestHeads * full && unsealed_) refusing_ = true;
}

std::optional<Error> DiskStore::refusal() const {
  if (!refusing_) return std::nullopt;
  const std::scoped_lock lock(upkeep_wake_mutex_);
  if (!refusing_) return std::nullopt;
  // Whatever the reason, it is the store's state and not the write's fault: to be sent again.
  const Errc code = unsealed_->code() == Errc::kExhausted ? Errc::kExhausted : Errc::kUnavailable;
  return fail(code, "writes wait: samples cannot be sealed: " + unsealed_->message());
}

Result<void> DiskStore::commit(const std::vector<Pending>& batches) {
  const std::scoped_lock change(change_mutex_);
  std::vector<std::string_view> bytes;
  for (const Pending& pending : batches) bytes.push_back(pending.bytes);
  NewDefinitions definitions;
  // Mostly there are none, and then nobody has to wait.
  const bool any_fresh = [this] {
    const std::shared_lock lock(mutex_);
    return !catalogue_.unsaved().empty();
  }();
  if (any_fresh) {
    const std::unique_lock lock(mutex_);
    std::swap(definitions, catalogue_.unsaved());
  }
  const auto write_all = [&]() -> Result<void> {
    if (any_fresh) {
      GS_CHECK(writer_->transact(Work(
          [&](db::Transaction& transaction) { return tables::save_definitions(transaction, definitions); })));
      definitions = {};
    }
    return batches_.append(sequence_ + 1, bytes);
  };
  const Result<void> committed = write_all();
  if (!committed) {
    const std::unique_lock lock(mutex_);
    // They are known in memory, so the next commit must save them, before those made meanwhile.
    NewDefinitions& later = catalogue_.unsaved();
    definitions.append(std::move(later));
    later = std::move(definitions);
    return committed;
  }
  const std::shared_lock structure(mutex_);
  const std::unique_lock lock(head_mutex_);
  ++sequence_;
  ++commits_;
  changes_.next_version();
  for (const Pending& pending : batches) {
    apply(pending.bytes);
    points_written_ += pending.outcome.written;
  }
  return {};
}

StoreStats DiskStore::stats() const {
  StoreStats stats;
  {
    const std::shared_lock structure(mutex_);
    const std::shared_lock lock(head_mutex_);
    stats.points_written = points_written_;
    stats.points_dropped = points_dropped_;
    stats.condensed_dropped = condensed_dropped_;
    stats.commits = commits_;
    stats.series = catalogue_.series_count();
    stats.memory_bytes =
        head_->bytes() + (sealing_ ? sealing_->bytes() : 0) + strips_.bytes() + totals_.bytes();
    for (const auto& [owner, segments] : segments_) stats.segments += segments.size();
    stats.damaged_segments = damaged_.size();
  }
  const auto bytes = reading().read<std::int64_t>(
      [](db::Transaction& transaction) { return tables::bytes_on_disk(transaction); });
  if (bytes) stats.disk_bytes = static_cast<std::uint64_t>(*bytes);
  const std::scoped_lock change(change_mutex_);
  stats.disk_bytes += batches_.bytes();
  return stats;
}

}  // namespace gpuscale::tsdb
