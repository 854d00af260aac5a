// SPDX-License-Identifier: Apache-2.0
/// Private to the room: writes on their way to the disk and into memory, many in one commit.
#include <algorithm>
#include <iterator>

#include "tsdb/commit_pace.h"
#include "tsdb/disk_store.h"
#include "tsdb/resolver.h"

namespace gpuscale::tsdb {
namespace {

/// How long a commit waits for writes to share it.
constexpr std::chrono::microseconds kGathering{200};
/// How long a commit waits for a sealing that does not keep up: then memory is dearer than the wait.
constexpr std::chrono::seconds kLongestWaitForSealing{10};
/// Heads that are full so many times over, while nothing can be sealed, take no more: memory is not endless,
/// and each start reads the whole log.
constexpr std::size_t kFullestHeads = 4;

}  // namespace

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
  CommitPace pace;
  std::vector<Pending> batches;  // here, for its memory
  while (true) {
    arrived_.wait(lock, [this] { return closing_ || !queue_.empty(); });
    if (queue_.empty()) return;
    wake_at_ = pace.enough();
    if (queue_.size() < wake_at_)
      arrived_.wait_for(lock, kGathering, [this] { return closing_ || queue_.size() >= wake_at_; });
    wake_at_ = 1;
    const std::size_t count = std::min(queue_.size(), pace.most());
    if (count == queue_.size()) {
      batches.swap(queue_);
    } else {
      const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(count);
      std::move(queue_.begin(), end, std::back_inserter(batches));
      queue_.erase(queue_.begin(), end);
    }
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
    pace.ended(count, queue_.size());
    settled_count_ += count;
    settled_.notify_all();
    lock.unlock();
    batches.clear();
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
  bytes.reserve(batches.size());
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

}  // namespace gpuscale::tsdb
