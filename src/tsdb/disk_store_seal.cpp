// SPDX-License-Identifier: Apache-2.0
/// The upkeep of DiskStore: the head becomes segments, many small segments become one.
#include <malloc.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "tsdb/disk_store.h"
#include "tsdb/within_memory.h"

namespace gpuscale::tsdb {
namespace {

/// About what a full head becomes, which takes those that a joining left.
constexpr std::int64_t kFreePagesKept = 2'048;
/// Pages of one transaction, for which commits wait: some milliseconds.
constexpr std::int64_t kFreePagesAtOnce = 256;
/// Of those, one after the other: 64 MiB. What is left waits for the next upkeep, as samples wait to be
/// sealed.
constexpr int kFreeRounds = 64;

/// From a sealing that failed to the next try: each makes the same segments again.
constexpr std::chrono::seconds kSealingAgain{1};

/// The same of a joining, which may have written megabytes in vain.
constexpr std::chrono::seconds kJoiningAgain{10};

/// Segments of one level that become one of the next: fewer would be rewritten more often, more would make
/// reads of short ranges open more of them.
constexpr std::size_t kJoined = 8;
/// Rows of a segment that is joined no further: its strips stay small enough to be read for one series.
constexpr std::size_t kMaxJoinedRows = 4'000'000;
constexpr int kMaxLevel = 3;

/// kCorrupt is left to what was read: it says nothing of the segments to be joined where it is of what is
/// written.
Result<void> as_of_writing(Result<void> done) {
  if (done || done.error().code() != Errc::kCorrupt) return done;
  return fail(Errc::kUnavailable, "cannot write: " + done.error().message());
}

}  // namespace

void DiskStore::forget_pieces(const Segment& segment) {
  strips_.forget(segment.label().id);
  totals_.forget(segment.label().id);
  // Its neighbours may be joined without it.
  if (unjoinable_.contains(segment.label().id)) unjoinable_.clear();
}

bool DiskStore::is_unsealed() const {
  const std::scoped_lock lock(upkeep_wake_mutex_);
  return unsealed_.has_value();
}

void DiskStore::run_upkeep() {
  std::optional<std::chrono::steady_clock::time_point> join_again;
  std::unique_lock lock(upkeep_wake_mutex_);
  while (true) {
    if (unsealed_) {
      // Where writes are refused nobody asks for it.
      upkeep_wake_.wait_for(lock, kSealingAgain, [this] { return upkeep_closing_; });
      upkeep_wanted_ = true;
    } else if (join_again) {
      upkeep_wake_.wait_until(lock, *join_again, [this] { return upkeep_wanted_ || upkeep_closing_; });
    } else {
      upkeep_wake_.wait(lock, [this] { return upkeep_wanted_ || upkeep_closing_; });
    }
    if (upkeep_closing_) return;
    lock.unlock();
    {
      const std::scoped_lock upkeep(upkeep_mutex_);
      // What keeps samples from being sealed keeps segments from being joined.
      if (seal_if_wanted()) {
        if (!join_again || std::chrono::steady_clock::now() >= *join_again) {
          join_again.reset();
          if (const auto joined = join_segments(); !joined) {
            log_.error("store.not_joined", {{"error", joined.error()}});
            join_again = std::chrono::steady_clock::now() + kJoiningAgain;
          }
        }
        give_back(kFreePagesKept);
      }
    }
    lock.lock();
  }
}

bool DiskStore::seal_if_wanted() {
  std::optional<Error> before;
  {
    const std::scoped_lock lock(upkeep_wake_mutex_);
    if (!upkeep_wanted_) return true;
    upkeep_wanted_ = false;
    before = unsealed_;
  }
  // The commit that was on its way when sealing began may have asked once more, for a head that has hardly
  // begun: that would be a segment of some rows, and a log cut short that has to grow anew.
  Result<void> sealed = seal_head(options_.limits.max_unflushed_bytes + 1);
  // What came meanwhile is behind the rest of one that failed.
  if (sealed && before) sealed = seal_head();
  if (sealed && before) log_.info("store.sealed_again");
  // Each second the same would hide everything else.
  if (!sealed && (!before || before->message() != sealed.error().message()))
    log_.error("store.not_sealed", {{"error", sealed.error()}});
  // The rows of the head were ten thousands of small pieces, between which malloc would keep their pages.
  ::malloc_trim(0);
  if (!sealed) seal_again_ = std::chrono::steady_clock::now() + kSealingAgain;
  const std::scoped_lock lock(upkeep_wake_mutex_);
  ++sealings_;
  sealed_.notify_all();
  return sealed.has_value();
}

void DiskStore::seal_meanwhile() {
  {
    const std::scoped_lock lock(upkeep_wake_mutex_);
    if (unsealed_) {
      if (std::chrono::steady_clock::now() < seal_again_) return;
      upkeep_wanted_ = true;
    }
  }
  seal_if_wanted();
}

void DiskStore::give_back(std::int64_t keep) {
  for (int round = 0; round < kFreeRounds; ++round) {
    const std::scoped_lock change(change_mutex_);
    const auto given = writer_->give_back(keep, kFreePagesAtOnce);
    if (!given) log_.warn("store.space_not_given_back", {{"error", given.error()}});
    if (!given || *given == 0) return;
  }
}

Result<void> DiskStore::seal_head(std::size_t least_bytes) {
  Result<void> sealed = within_memory([&] { return seal_oldest_head(least_bytes); });
  const std::scoped_lock lock(upkeep_wake_mutex_);
  unsealed_.reset();
  if (!sealed) unsealed_ = sealed.error();
  if (sealed) refusing_ = false;
  return sealed;
}

Result<void> DiskStore::seal_oldest_head(std::size_t least_bytes) {
  auto next = std::make_unique<Head>(&slabs_);
  {
    const std::scoped_lock change(change_mutex_);
    const std::unique_lock lock(mutex_);
    // What is left of a sealing that failed goes first.
    if (!sealing_) {
      const bool nothing_new = head_->empty() && !strays_.changed();
      if (nothing_new || head_->bytes() < least_bytes) return {};
      sealing_ = std::exchange(head_, std::move(next));
      sealing_sequence_ = sequence_;
      batches_.end_file();
    }
  }
  // Nobody changes what is being sealed: that takes upkeep_mutex_.
  return publish(seal(*sealing_, generation_ + 1), {}, sealing_sequence_);
}

Result<void> DiskStore::publish(std::vector<NewSegment> made, const Segments& replaced,
                                std::optional<std::int64_t> log_up_to) {
  Segments fresh;
  for (NewSegment& segment : made) {
    GS_TRY(auto decoded, Segment::decode(segment.label, segment.directory));
    fresh.push_back(std::move(decoded));
  }
  struct Kept {
    SegmentId segment;
    FieldId field;
    std::shared_ptr<const Strip> strip;
  };
  std::vector<Kept> kept;
  // Freed once nobody waits for it any more: its rows are ten thousands of pieces.
  std::unique_ptr<Head> sealed;
  const std::scoped_lock change(change_mutex_);
  // Whatever may fail is done before the commit, that memory holds what is on disk: room for lists as well.
  {
    const std::unique_lock lock(mutex_);
    for (const auto& segment : fresh) {
      Segments& list = segments_[segment->label().owner];
      list.reserve(list.size() + fresh.size());
    }
  }
  GS_CHECK(writer_->transact(Work([&](db::Transaction& transaction) -> Result<void> {
    for (std::size_t i = 0; i < made.size(); ++i) {
      Segment::Label label = fresh[i]->label();
      GS_TRY(label.id, tables::insert_segment(transaction, *fresh[i], made[i]));
      GS_TRY(fresh[i], Segment::decode(label, std::move(made[i].directory)));
      // What is joined or cut would drive out what queries asked for.
      if (!log_up_to) continue;
      for (SegmentPiece& piece : made[i].pieces) {
        GS_TRY(auto strip, Strip::open(std::move(piece.strip), fresh[i]->series().size()));
        kept.push_back({label.id, piece.field, std::move(strip)});
      }
    }
    for (const auto& segment : replaced) GS_CHECK(tables::delete_segment(transaction, segment->label().id));
    if (!log_up_to) return {};
    GS_CHECK(strays_.save(transaction));
    return tables::set_sealed(transaction, *log_up_to);
  })));
  {
    const std::unique_lock lock(mutex_);
    for (const auto& segment : replaced) {
      std::erase(segments_[segment->label().owner], segment);
      forget_pieces(*segment);
    }
    for (const auto& segment : fresh) {
      Segments& list = segments_[segment->label().owner];
      const auto after = [](std::int64_t generation, const auto& other) {
        return generation < other->label().generation;
      };
      list.insert(std::upper_bound(list.begin(), list.end(), segment->label().generation, after), segment);
      generation_ = std::max(generation_, segment->label().generation);
    }
    if (log_up_to) sealed = std::move(sealing_);
  }
  if (log_up_to) {
    strays_.saved();
    batches_.forget(*log_up_to);
  }
  for (Kept& strip : kept) strips_.keep(strip.segment, strip.field, std::move(strip.strip));
  return {};
}

RebuildRequest DiskStore::rebuild_request(const SegmentOwner& owner, Segments sources) const {
  RebuildRequest request;
  request.sources = std::move(sources);
  std::unordered_set<SeriesId> alive;
  {
    const std::shared_lock lock(mutex_);
    const MeasurementDef* measurement = nullptr;
    for (const auto& source : request.sources) {
      for (const SeriesId id : source->series()) {
        const SeriesDef* series = catalogue_.find_series(id);
        if (series == nullptr || series->measurement->id != owner.measurement) continue;
        measurement = series->measurement;
        alive.insert(id);
      }
    }
    if (measurement != nullptr) {
      for (const auto& field : measurement->fields) request.fields.emplace_back(field->id, field->type);
    }
  }
  std::sort(request.fields.begin(), request.fields.end());
  request.samples_of_a_slot = options_.limits.samples_of_a_slot;
  request.alive = [alive = std::move(alive)](SeriesId id) { return alive.contains(id); };
  request.strip = [this](const Segment& segment, FieldId field, FieldType type) {
    return strip_of(segment, field, type, false);
  };
  return request;
}

Result<void> DiskStore::join_oldest(const SegmentOwner& owner, bool& joined) {
  Segments sources;
  {
    const std::shared_lock lock(mutex_);
    const Segments& list = segments_.at(owner);
    std::size_t rows = 0;
    std::uint64_t bytes = 0;
    const auto begin_anew = [&] {
      sources.clear();
      rows = 0;
      bytes = 0;
    };
    for (const auto& segment : list) {
      const int level = segment->label().level;
      if (!sources.empty() && level != sources.front()->label().level) begin_anew();
      if (level >= kMaxLevel) continue;
      if (unjoinable_.contains(segment->label().id)) {
        begin_anew();
        continue;
      }
      sources.push_back(segment);
      rows += segment->rows();
      bytes += segment->label().strip_bytes;
      // What is too large with its neighbours, or by itself, stays as it is.
      while (rows > kMaxJoinedRows || bytes > options_.limits.max_joined_bytes) {
        rows -= sources.front()->rows();
        bytes -= sources.front()->label().strip_bytes;
        sources.erase(sources.begin());
      }
      if (sources.size() == kJoined) break;
    }
    if (sources.size() < kJoined) return {};
  }
  RebuildRequest request = rebuild_request(owner, std::move(sources));
  request.level = request.sources.front()->label().level + 1;
  request.generation = request.sources.back()->label().generation;
  std::vector<SegmentId> ids;
  for (const auto& segment : request.sources) ids.push_back(segment->label().id);
  auto replaced = replace_sources(std::move(request));
  // It would be the same next time, and others are to be joined.
  if (!replaced && replaced.error().code() == Errc::kCorrupt) unjoinable_.insert(ids.begin(), ids.end());
  joined = replaced.has_value();
  return replaced;
}

Result<void> DiskStore::replace_sources(RebuildRequest request) {
  StagedSegment staged(*writer_, change_mutex_, options_.limits.max_joining_bytes);
  request.put = [&staged](SegmentPiece piece) { return as_of_writing(staged.put(std::move(piece))); };
  // Millions of rows take a second, and commits wait where the head is full twice over.
  request.meanwhile = [this] { seal_meanwhile(); };
  GS_TRY(auto made, rebuild(request));
  std::vector<NewSegment> fresh;
  if (made) {
    staged.complete(*made);
    fresh.push_back(*std::move(made));
  }
  GS_CHECK(as_of_writing(publish(std::move(fresh), request.sources, std::nullopt)));
  staged.keep();
  return {};
}

Result<void> DiskStore::join_segments() {
  if (is_catalogue_damaged_) return {};
  std::vector<SegmentOwner> owners;
  {
    const std::shared_lock lock(mutex_);
    for (const auto& [owner, list] : segments_) {
      if (list.size() >= kJoined) owners.push_back(owner);
    }
  }
  Result<void> outcome;
  for (const SegmentOwner& owner : owners) {
    const auto done = within_memory([&]() -> Result<void> {
      for (bool joined = true; joined && !is_unsealed();) {
        joined = false;
        auto done_one = join_oldest(owner, joined);
        if (done_one) continue;
        if (done_one.error().code() != Errc::kCorrupt) return done_one;
        if (outcome) outcome = std::move(done_one);
        joined = true;  // those behind it, perhaps: it is not tried again
      }
      return {};
    });
    // Those of other measurements may go well all the same.
    if (!done && outcome) outcome = done;
  }
  return outcome;
}

Result<void> DiskStore::flush() {
  {
    std::unique_lock lock(queue_mutex_);
    settled_.wait(lock, [this, begun = queued_count_] { return settled_count_ >= begun; });
  }
  const std::scoped_lock upkeep(upkeep_mutex_);
  // Twice where an earlier sealing failed: its rest goes first.
  GS_CHECK(seal_head());
  GS_CHECK(seal_head());
  return join_segments();
}

}  // namespace gpuscale::tsdb
