// SPDX-License-Identifier: Apache-2.0
#include "tsdb/series_scan.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#include "tsdb/segment_cursor.h"

namespace gpuscale::tsdb {
namespace {

/// Series that are decoded side by side, segment by segment: what lies side by side there is read so, and
/// stays in a processor's cache until it is taken.
constexpr std::size_t kMostAtOnce = 8;
constexpr std::size_t kBytesAtOnce = 1U << 20U;  // of all of them
/// Of those, decoded ahead of the one that is taken.
constexpr std::size_t kMostBlocksAhead = 6;
constexpr std::size_t kBytesAhead = 8U << 20U;  // of all of them, but one block for each thread
/// A sample in a Column: its time and a number, or a text without its letters.
constexpr std::size_t kBytesOfNumber = 16;
constexpr std::size_t kBytesOfText = 40;

std::vector<SegmentCursor> cursors_of(const ScanView& view) {
  std::vector<SegmentCursor> cursors;
  for (std::size_t s = 0; s < view.segments.size(); ++s)
    cursors.emplace_back(*view.segments[s], view.strips[s].get());
  return cursors;
}

/// What a series of the view takes in memory at most, where its samples lie evenly in a segment's time; of
/// texts on average.
std::size_t bytes_of_a_series(const ScanView& view) {
  std::size_t in_head = 0;
  for (std::size_t i = 0; i < view.head_ends.size(); ++i)
    in_head = std::max(in_head, view.head_rows(i).size());
  auto rows = static_cast<double>(in_head);
  double letters = 0;
  for (std::size_t s = 0; s < view.segments.size(); ++s) {
    const Segment& segment = *view.segments[s];
    const TimeRange whole = segment.range();
    const auto span = static_cast<double>(whole.max_ns) - static_cast<double>(whole.min_ns) + 1;
    const auto asked = static_cast<double>(std::min(whole.max_ns, view.range.max_ns)) -
                       static_cast<double>(std::max(whole.min_ns, view.range.min_ns)) + 1;
    rows += static_cast<double>(segment.most_rows()) * std::clamp(asked / span, 0.0, 1.0);
    if (view.type == FieldType::kString && view.strips[s] != nullptr)
      letters += static_cast<double>(view.strips[s]->bytes()) / static_cast<double>(segment.series().size());
  }
  const std::size_t each = view.type == FieldType::kString ? kBytesOfText : kBytesOfNumber;
  return static_cast<std::size_t>(rows * static_cast<double>(each) + letters) + 1;
}

std::size_t series_at_once(std::size_t bytes_of_one) {
  return std::clamp<std::size_t>(kBytesAtOnce / bytes_of_one, 1, kMostAtOnce);
}

/// Neighbours in the list of series, decoded.
struct Block {
  std::array<Column, kMostAtOnce> columns;
  Result<void> outcome;
};

/// Decodes blocks, best in their order. Not thread-safe: each thread has its own.
class BlockDecoder {
 public:
  BlockDecoder(const ScanView& view, std::span<const SeriesId> ids, std::size_t at_once)
      : view_(view), ids_(ids), at_once_(at_once), cursors_(cursors_of(view)) {}

  void decode(std::size_t number, Block& block) {
    const std::size_t first = number * at_once_;
    const std::size_t count = std::min(at_once_, ids_.size() - first);
    const std::span columns(block.columns.data(), count);
    for (Column& column : columns) reset(column, view_.type);
    block.outcome = read_segments(first, columns);
    if (!block.outcome) return;
    for (std::size_t i = 0; i < count; ++i) add_head(first + i, columns[i]);
  }

 private:
  Result<void> read_segments(std::size_t first, std::span<Column> columns) {
    for (std::size_t c = 0; c < cursors_.size(); ++c) {
      cursors_[c + 1 < cursors_.size() ? c + 1 : 0].expect(at_once_);
      for (std::size_t i = 0; i < columns.size(); ++i) {
        const auto position = cursors_[c].find(ids_[first + i], view_.range);
        if (position) GS_CHECK(cursors_[c].add_to(columns[i], *position, view_.range, piece_));
      }
    }
    return {};
  }

  void add_head(std::size_t series, Column& column) {
    const RowRange head = view_.head_rows(series);
    if (head.size() == 0) return;
    if (column.times.empty() || column.times.back() < view_.head.times[head.begin])
      return append_rows(column, view_.head, head);
    reset(piece_, view_.type);
    append_rows(piece_, view_.head, head);
    join(column, piece_);
  }

  const ScanView& view_;
  const std::span<const SeriesId> ids_;
  const std::size_t at_once_;
  std::vector<SegmentCursor> cursors_;
  Column piece_;  ///< kept for its memory
};

/// Hands over the columns of a block; an error of one that was decoded with them comes first.
Result<void> take(const Block& block, std::size_t first, const ScanSink& sink, std::size_t count) {
  GS_CHECK(block.outcome);
  for (std::size_t i = 0; i < count; ++i) {
    if (!block.columns[i].times.empty()) GS_CHECK(sink(first + i, block.columns[i]));
  }
  return {};
}

/// One scan that several threads decode for, and one takes from.
class SharedScan {
 public:
  SharedScan(const ScanView& view, std::span<const SeriesId> ids, std::size_t at_once, std::size_t ahead)
      : view_(view),
        ids_(ids),
        at_once_(at_once),
        blocks_((ids.size() + at_once - 1) / at_once),
        slots_(ahead) {}
  ~SharedScan() {
    {
      const std::scoped_lock lock(mutex_);
      over_ = true;
    }
    changed_.notify_all();
    for (std::thread& helper : helpers_) helper.join();
  }
  SharedScan(const SharedScan&) = delete;
  SharedScan& operator=(const SharedScan&) = delete;

  Result<void> run(std::size_t helpers, const ScanSink& sink) {
    try {
      for (std::size_t i = 0; i < helpers; ++i) helpers_.emplace_back([this] { help(); });
    } catch (const std::system_error&) {
      // No threads are left: it takes longer.
    }
    return take_all(sink);
  }

 private:
  struct Slot {
    Block block;
    bool decoded = false;
    bool out_of_memory = false;
  };
  Slot& slot_of(std::size_t number) { return slots_[number % slots_.size()]; }
  /// Whether a block is left that has a place; under the lock.
  bool may_begin() const { return next_ < blocks_ && next_ < taken_ + slots_.size(); }

  /// Takes the next block upon itself, and decodes it outside of the lock.
  void decode_next(BlockDecoder& decoder, std::unique_lock<std::mutex>& lock) {
    const std::size_t number = next_++;
    Slot& slot = slot_of(number);
    lock.unlock();
    try {
      decoder.decode(number, slot.block);
    } catch (const std::bad_alloc&) {
      // A helper must not throw; who takes it tells, where there may be memory again.
      slot.out_of_memory = true;
    }
    lock.lock();
    slot.decoded = true;
    changed_.notify_all();
  }

  void help() {
    try {
      BlockDecoder decoder(view_, ids_, at_once_);
      std::unique_lock lock(mutex_);
      while (true) {
        changed_.wait(lock, [this] { return over_ || next_ >= blocks_ || may_begin(); });
        if (over_ || next_ >= blocks_) return;
        decode_next(decoder, lock);
      }
    } catch (const std::bad_alloc&) {
      // Before it took a block upon itself: there is a helper less.
    }
  }

  Result<void> take_all(const ScanSink& sink) {
    BlockDecoder decoder(view_, ids_, at_once_);
    std::unique_lock lock(mutex_);
    while (taken_ < blocks_) {
      Slot& slot = slot_of(taken_);
      if (!slot.decoded) {
        // Rather than wait it decodes as well.
        if (may_begin()) {
          decode_next(decoder, lock);
        } else {
          changed_.wait(lock, [&] { return slot.decoded; });
        }
        continue;
      }
      lock.unlock();
      if (slot.out_of_memory) return fail(Errc::kExhausted, "no memory is left for what is read");
      const std::size_t first = taken_ * at_once_;
      GS_CHECK(take(slot.block, first, sink, std::min(at_once_, ids_.size() - first)));
      lock.lock();
      slot.decoded = false;
      ++taken_;
      changed_.notify_all();
    }
    return {};
  }

  const ScanView& view_;
  const std::span<const SeriesId> ids_;
  const std::size_t at_once_;
  const std::size_t blocks_;
  std::vector<Slot> slots_;
  std::vector<std::thread> helpers_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t next_ = 0;   ///< that nobody has begun
  std::size_t taken_ = 0;  ///< so many; written by the one that takes alone
  bool over_ = false;
};

}  // namespace

Result<void> scan_series(const ScanView& view, std::span<const SeriesId> ids, std::size_t helpers,
                         const ScanSink& sink) {
  const std::size_t bytes = bytes_of_a_series(view);
  const std::size_t at_once = series_at_once(bytes);
  if (helpers > 0) {
    const std::size_t ahead =
        std::clamp<std::size_t>(kBytesAhead / (bytes * at_once), helpers + 1, kMostBlocksAhead);
    return SharedScan(view, ids, at_once, ahead).run(helpers, sink);
  }
  BlockDecoder decoder(view, ids, at_once);
  Block block;
  for (std::size_t first = 0; first < ids.size(); first += at_once) {
    decoder.decode(first / at_once, block);
    GS_CHECK(take(block, first, sink, std::min(at_once, ids.size() - first)));
  }
  return {};
}

Result<void> scan_last_of_series(const ScanView& view, std::span<const SeriesId> ids, const ScanSink& sink) {
  std::vector<SegmentCursor> cursors = cursors_of(view);
  Column best;
  Column piece;
  Column other;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    reset(best, view.type);
    const RowRange head = view.head_rows(i);
    if (head.size() > 0) append_rows(best, view.head, {head.end - 1, head.end});
    // The newest generation first: an older one wins only by a later time.
    for (std::size_t c = cursors.size(); c-- > 0;) {
      SegmentCursor& cursor = cursors[c];
      const auto position = cursor.find(ids[i], view.range);
      if (!position || (!best.times.empty() && cursor.extent(*position).max_ns <= best.times.back()))
        continue;
      reset(piece, view.type);
      GS_CHECK(cursor.add_to(piece, *position, view.range, other));
      if (piece.times.empty() || (!best.times.empty() && piece.times.back() <= best.times.back())) continue;
      restrict(piece, {piece.times.back(), piece.times.back()});
      std::swap(best, piece);
    }
    if (!best.times.empty()) GS_CHECK(sink(i, best));
  }
  return {};
}

}  // namespace gpuscale::tsdb
