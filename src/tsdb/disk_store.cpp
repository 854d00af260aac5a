// SPDX-License-Identifier: Apache-2.0
#include "tsdb/disk_store.h"

#include <algorithm>

#include "tsdb/log_entry.h"

namespace gpuscale::tsdb {
namespace {

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
  // Debian's SQLite writes zeros over what is deleted, and commits would wait for that too where segments are
  // joined. A long load writes 6 % less without (measured).
  GS_CHECK(writer_->transact(
      Work([](db::Transaction& transaction) { return transaction.execute("PRAGMA secure_delete=OFF"); })));
  GS_CHECK(writer_->migrate("tsdb", tables::migrations()));
  GS_CHECK(writer_->transact(Work(tables::seal_older_rows)));
  std::vector<std::string> faults;
  GS_TRY(const std::vector<std::string> differing,
         writer_->read<std::vector<std::string>>(
             [&faults](db::Transaction& transaction) { return tables::check_names(transaction, faults); }));
  if (options_.limits.max_file_bytes > 0) {
    GS_CHECK(writer_->transact(Work([this](db::Transaction& transaction) {
      return transaction.execute("PRAGMA max_page_count=" +
                                 std::to_string(options_.limits.max_file_bytes / kPageBytes));
    })));
  }
  if (!db::is_in_memory(options_.path)) {
    GS_TRY(readers_, db::Database::open(options_.path));
  }
  discard_unfinished();
  GS_CHECK(writer_->read<bool>([&](db::Transaction& transaction) -> Result<bool> {
    GS_CHECK(tables::load_catalogue(transaction, catalogue_, faults));
    for (const std::string& fault : faults) tell_damage(fault);
    is_catalogue_damaged_ = !faults.empty();
    GS_CHECK(
        tables::each_segment(transaction, [this](tables::SegmentRow row) { load_segment(std::move(row)); }));
    const auto before = [](const auto& a, const auto& b) {
      return a->label().generation < b->label().generation;
    };
    for (auto& [owner, list] : segments_) std::stable_sort(list.begin(), list.end(), before);
    GS_CHECK(replay(transaction));
    return true;
  }));
  note_fields_of_head();
  set_first_floors();
  keep_strays();
  make_indexes_anew(differing);
  committer_ = std::thread([this] { run_commits(); });
  upkeep_ = std::thread([this] { run_upkeep(); });
  return {};
}

void DiskStore::discard_unfinished() {
  const auto any = reading().read<bool>(tables::has_unfinished);
  if (any && !*any) return;
  const auto done = writer_->transact(Work(tables::discard_unfinished));
  if (!done && done.error().message() != not_discarded_)
    log_.warn("store.unfinished_not_discarded", {{"file", options_.path}, {"error", done.error()}});
  not_discarded_ = done ? "" : done.error().message();
}

void DiskStore::keep_strays() {
  if (!strays_.changed()) return;
  const std::scoped_lock upkeep(upkeep_mutex_);
  if (const auto sealed = seal_head(); !sealed) log_.error("store.not_sealed", {{"error", sealed.error()}});
}

void DiskStore::make_indexes_anew(const std::vector<std::string>& of_tables) {
  // The next start would see no damage any more, and take what has no place for dropped.
  if (strays_.changed()) return;
  for (const std::string& table : of_tables) {
    const auto mended = writer_->transact(
        Work([&table](db::Transaction& transaction) { return tables::make_index_anew(transaction, table); }));
    if (!mended) tell_damage(table + ": writes may fail: " + mended.error().message());
  }
}

void DiskStore::tell_damage(const std::string& fault) const {
  log_.error("store.damaged_catalogue",
             {{"file", options_.path},
              {"error", fault},
              {"mend", "restore a backup; until then nothing is joined and no range deleted"}});
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

bool DiskStore::has_place(PolicyId policy, SeriesId id, std::span<const CellName> shape) const {
  const SeriesDef* series = catalogue_.find_series(id);
  if (series == nullptr || catalogue_.find_policy(policy) == nullptr) return false;
  if (metrics::tag_value(*series->tags, tables::kDamagedSeriesTag).empty()) return true;
  // Its measurement may have been misread, too: then that has none of its fields.
  return std::any_of(shape.begin(), shape.end(), [series](const CellName& cell) {
    return series->measurement->find_field(cell.field) != nullptr;
  });
}

Result<void> DiskStore::apply_whole(std::string_view batch) {
  if (!apply(batch)) return fail(Errc::kCorrupt, "a batch does not decode");
  return {};
}

Result<void> DiskStore::apply_logged(std::string_view batch) {
  // What a whole catalogue does not know was dropped.
  if (!is_catalogue_damaged_) return apply_whole(batch);
  return strays_.sift(batch, std::bind_front(&DiskStore::has_place, this),
                      std::bind_front(&DiskStore::apply_whole, this));
}

Result<void> DiskStore::replay(db::Transaction& transaction) {
  GS_CHECK(tables::each_strays(
      transaction, [&](std::int64_t id, std::optional<std::string_view> batch) -> Result<void> {
        if (batch)
          return strays_.take_in(id, *batch, std::bind_front(&DiskStore::has_place, this),
                                 std::bind_front(&DiskStore::apply_whole, this));
        const std::string forget = "sqlite3 metrics.db 'DELETE FROM tsdb_strays WHERE id = ";
        log_.error("store.damaged_strays", {{"file", options_.path},
                                            {"row", id},
                                            {"mend", "none but a backup; to be told no more: " + forget +
                                                         std::to_string(id) + "', with the server stopped"}});
        return {};
      }));
  GS_TRY(const std::int64_t sealed, tables::sealed_up_to(transaction));
  GS_TRY(const std::int64_t in_table, tables::replay_log_table(transaction, [this](std::string_view entry) {
           return apply_log_entry(entry);
         }));
  GS_TRY(sequence_, batches_.replay(std::max(sealed, in_table),
                                    [this](std::string_view batch) { return apply_logged(batch); }));
  if (strays_.rows() == 0) return {};
  const std::string_view mend = is_catalogue_damaged_
                                    ? "mend what store.damaged_catalogue names and start again"
                                    : "no damage is found any more: they are of what was dropped";
  log_.error("store.strays",
             {{"file", options_.path},
              {"rows", strays_.rows()},
              {"error", "the catalogue does not say whose these rows of the log are"},
              {"mend", std::string(mend) + "; to forget them: sqlite3 metrics.db 'DELETE FROM tsdb_strays', "
                                           "with the server stopped"}});
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
