// SPDX-License-Identifier: Apache-2.0
/// Private to the room: when which stretch of time was last written to, so that answers computed from samples
/// may be kept until one of those samples changes. Not thread-safe: the store guards it.
#pragma once
#include <cstdint>
#include <map>
#include <optional>

#include "base/floor_division.h"
#include "tsdb/segment.h"

namespace gpuscale::tsdb {

class Changes {
 public:
  Changes() = default;
  Changes(const Changes&) = delete;  // it holds where it was noted last
  Changes& operator=(const Changes&) = delete;

  /// What is noted from now on counts as newer than before.
  void next_version() { ++version_; }
  void note(const SegmentOwner& owner, std::int64_t time_ns);
  /// Everything may have changed: something was removed.
  void note_all() { all_ = ++version_; }
  std::uint64_t version() const { return version_; }
  /// The earliest time of the range at which samples may be newer than `version`.
  std::optional<std::int64_t> first_since(const SegmentOwner& owner, TimeRange range,
                                          std::uint64_t version) const;

 private:
  /// Remembered for each owner, more than an hour of them, at about 50 bytes; what is older is remembered
  /// as one.
  static constexpr std::size_t kSlots = 4'096;
  /// As fine as telemetry comes: a standing query reads again what lies in the slots that changed.
  static constexpr std::int64_t kSlotNs = 1'000'000'000;

  struct Slots {
    using Versions = std::map<std::int64_t, std::uint64_t>;  ///< by the number of the slot
    Versions versions;
    Versions::iterator next = versions.end();  ///< behind the one noted last: most lines go forward in time
    std::int64_t forgotten_before = std::numeric_limits<std::int64_t>::min();
    std::uint64_t forgotten = 0;  ///< the newest version of those
  };
  static std::int64_t slot_of(std::int64_t time_ns) { return base::floor_divided(time_ns, kSlotNs); }
  /// The first slot begins before the first time there is.
  static std::int64_t start_of(std::int64_t slot) {
    constexpr std::int64_t kFirst = std::numeric_limits<std::int64_t>::min();
    return slot < kFirst / kSlotNs ? kFirst : slot * kSlotNs;
  }

  std::map<SegmentOwner, Slots> owners_;
  std::uint64_t version_ = 1;
  std::uint64_t all_ = 1;
  // The slot noted last: most samples fall into the same.
  SegmentOwner last_owner_;
  Slots* slots_of_last_ = nullptr;
  std::int64_t last_slot_ = std::numeric_limits<std::int64_t>::min();
  std::uint64_t last_version_ = 0;
};

}  // namespace gpuscale::tsdb
