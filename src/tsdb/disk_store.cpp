// SPDX-License-Identifier: Apache-2.0
#include "tsdb/disk_store.h"

#include <algorithm>

#include "tsdb/block_codec.h"
#include "tsdb/log_entry.h"
#include "tsdb/resolver.h"

namespace gpuscale::tsdb {
namespace {

/// Rows of one block: at a sample a second about an hour, so that a read of minutes decodes little more than
/// it needs.
constexpr std::size_t kBlockRows = 4'096;
/// Batches of one commit: beyond it a writer would wait for strangers' megabytes.
constexpr std::size_t kMaxBatchesPerCommit = 1'024;
constexpr std::string_view kMemory = ":memory:";

}  // namespace

Result<std::unique_ptr<Store>> Store::open(StoreOptions options, const Clock& clock, log::Log log) {
  auto store = std::make_unique<DiskStore>(std::move(options), clock, std::move(log));
  GS_CHECK(store->open_file());
  return std::unique_ptr<Store>(std::move(store));
}

Result<void> DiskStore::open_file() {
  GS_TRY(writer_, db::Database::open(options_.path));
  GS_CHECK(writer_->migrate("tsdb", tables::migrations()));
  if (!options_.path.empty() && options_.path != kMemory) {
    GS_TRY(readers_, db::Database::open(options_.path));
  }
  GS_CHECK(writer_->read<bool>([this](db::Transaction& transaction) -> Result<bool> {
    GS_CHECK(tables::load_catalogue(transaction, catalogue_));
    GS_TRY(const auto extents, tables::select_extents(transaction));
    for (const auto& extent : extents)
      extents_[{extent.policy, extent.series}] = {extent.min_ns, extent.max_ns};
    GS_TRY(generation_, tables::newest_generation(transaction));
    GS_TRY(sequence_, tables::replay_log(transaction,
                                         [this](std::string_view entry) { return apply_log_entry(entry); }));
    return true;
  }));
  thread_ = std::thread([this] { run(); });
  return {};
}

DiskStore::~DiskStore() {
  {
    const std::scoped_lock lock(queue_mutex_);
    closing_ = true;
  }
  arrived_.notify_all();
  if (!thread_.joinable()) return;
  thread_.join();
  // So that the next start need not replay; what fails here is in the log.
  const std::scoped_lock change(change_mutex_);
  if (const auto sealed = seal(); !sealed) log_.warn("store.not_sealed", {{"error", sealed.error()}});
}

bool DiskStore::alive(PolicyId policy, SeriesId series) const {
  return catalogue_.find_policy(policy) != nullptr && catalogue_.find_series(series) != nullptr;
}

Result<void> DiskStore::apply_log_entry(std::string_view entry) {
  GS_TRY(const auto batches, decode_log_entry(entry));
  for (const std::string& batch : batches) {
    if (!head_.apply(batch, [this](PolicyId policy, SeriesId series) { return alive(policy, series); })) {
      return fail(Errc::kCorrupt, "a batch does not decode");
    }
  }
  return {};
}

// --- committing
// --------------------------------------------------------------------------------------------------

Result<WriteOutcome> DiskStore::write(std::string_view database, std::string_view policy,
                                      std::span<const metrics::PointView> points) {
  const std::int64_t now_ns = base::to_unix_nanos(clock_.wall());
  const ResolveRequest request{database, policy, points, now_ns};
  std::optional<ResolvedBatch> batch;
  {
    const std::shared_lock lock(mutex_);
    GS_TRY(batch, resolve_known(catalogue_, request, options_.limits));
  }
  if (!batch) {
    const std::unique_lock lock(mutex_);
    GS_TRY(batch, resolve_and_define(catalogue_, request, options_.limits));
  }
  if (!batch->bytes.empty()) GS_CHECK(commit_and_wait(std::move(batch->bytes)));
  const std::unique_lock lock(mutex_);
  points_written_ += batch->outcome.written;
  points_dropped_ += batch->outcome.dropped;
  return std::move(batch->outcome);
}

Result<void> DiskStore::commit_and_wait(std::string bytes) {
  Pending pending{std::move(bytes), std::nullopt};
  std::unique_lock lock(queue_mutex_);
  if (closing_) return fail(Errc::kUnavailable, "the store is closed");
  queue_.push_back(&pending);
  arrived_.notify_one();
  settled_.wait(lock, [&] { return pending.outcome.has_value(); });
  return *std::move(pending.outcome);
}

void DiskStore::run() {
  std::unique_lock lock(queue_mutex_);
  while (true) {
    arrived_.wait(lock, [this] { return closing_ || !queue_.empty(); });
    if (queue_.empty()) return;
    std::vector<Pending*> batches;
    while (!queue_.empty() && batches.size() < kMaxBatchesPerCommit) {
      batches.push_back(queue_.front());
      queue_.pop_front();
    }
    lock.unlock();
    const Result<void> outcome = commit(batches);
    lock.lock();
    for (Pending* pending : batches) pending->outcome = outcome;
    settled_.notify_all();
    if (!outcome) continue;
    lock.unlock();
    {
      const std::scoped_lock change(change_mutex_);
      if (head_.bytes() > options_.limits.max_unflushed_bytes) {
        if (const auto sealed = seal(); !sealed) log_.error("store.not_sealed", {{"error", sealed.error()}});
      }
    }
    lock.lock();
  }
}

Result<void> DiskStore::commit(const std::vector<Pending*>& batches) {
  const std::scoped_lock change(change_mutex_);
  std::vector<std::string_view> bytes;
  for (const Pending* pending : batches) bytes.push_back(pending->bytes);
  NewDefinitions definitions;
  {
    const std::unique_lock lock(mutex_);
    std::swap(definitions, catalogue_.unsaved());
  }
  const Work work = [&](db::Transaction& transaction) -> Result<void> {
    GS_CHECK(tables::save_definitions(transaction, definitions));
    return tables::append_log(transaction, sequence_ + 1, encode_log_entry(bytes));
  };
  const Result<void> committed = writer_->transact(work);
  const std::unique_lock lock(mutex_);
  if (!committed) {
    // They are known in memory, so the next commit must save them, before those made meanwhile.
    NewDefinitions& later = catalogue_.unsaved();
    definitions.append(std::move(later));
    later = std::move(definitions);
    return committed;
  }
  ++sequence_;
  ++commits_;
  for (const std::string_view batch : bytes) {
    head_.apply(batch, [this](PolicyId policy, SeriesId series) { return alive(policy, series); });
  }
  return {};
}

// --- sealing
// -----------------------------------------------------------------------------------------------------

std::vector<tables::BlockRow> DiskStore::encode_head(std::int64_t generation) const {
  std::vector<tables::BlockRow> rows;
  for (const auto& [policy, buffers] : head_.policies()) {
    for (const auto& [series, buffer] : buffers) {
      const ColumnBlock& whole = buffer.block();
      for (std::size_t begin = 0; begin < whole.times.size(); begin += kBlockRows) {
        const ColumnBlock part = slice(whole, begin, std::min(begin + kBlockRows, whole.times.size()));
        rows.push_back({.policy = policy,
                        .series = series,
                        .generation = generation,
                        .min_ns = part.times.front(),
                        .max_ns = part.times.back(),
                        .bytes = encode_block(part)});
      }
    }
  }
  return rows;
}

Result<void> DiskStore::seal() {
  if (head_.empty()) return {};
  const std::int64_t generation = generation_ + 1;
  const std::vector<tables::BlockRow> rows = encode_head(generation);
  const Work work = [&](db::Transaction& transaction) -> Result<void> {
    GS_CHECK(tables::insert_blocks(transaction, rows));
    return tables::truncate_log(transaction, sequence_);
  };
  GS_CHECK(writer_->transact(work));
  const std::unique_lock lock(mutex_);
  for (const auto& row : rows) {
    const auto [at, made] = extents_.try_emplace({row.policy, row.series}, Extent{row.min_ns, row.max_ns});
    if (made) continue;
    at->second.min_ns = std::min(at->second.min_ns, row.min_ns);
    at->second.max_ns = std::max(at->second.max_ns, row.max_ns);
  }
  head_.clear();
  generation_ = generation;
  return {};
}

Result<void> DiskStore::flush() {
  const std::scoped_lock change(change_mutex_);
  return seal();
}

StoreStats DiskStore::stats() const {
  StoreStats stats;
  {
    const std::shared_lock lock(mutex_);
    stats.points_written = points_written_;
    stats.points_dropped = points_dropped_;
    stats.commits = commits_;
    stats.series = catalogue_.series_count();
    stats.memory_bytes = head_.bytes();
  }
  const auto bytes = reading().read<std::int64_t>(
      [](db::Transaction& transaction) { return tables::bytes_on_disk(transaction); });
  if (bytes) stats.disk_bytes = static_cast<std::uint64_t>(*bytes);
  return stats;
}

}  // namespace gpuscale::tsdb
