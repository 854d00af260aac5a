// SPDX-License-Identifier: Apache-2.0
/// Private to the room: finds the series of a measurement by its tags. Every line that arrives asks it, so a
/// series' tags lie in one piece of memory, not in ten strings, and a search touches little else.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tsdb/store.h"

namespace gpuscale::tsdb {

/// Of the tags of a series, ascending by key. Stands in no file.
std::uint64_t hash_tags(std::span<const metrics::TagView> tags);
std::uint64_t hash_tags(const metrics::Tags& tags);

/// An open hash table, linear probing. Not thread-safe; any number may search while nobody changes it.
class SeriesIndex {
 public:
  /// nullptr where no series has exactly these tags; valid until the next change.
  const SeriesId* find(std::span<const metrics::TagView> tags, std::uint64_t hash) const;
  /// `hash` is that of its tags. The series must not be here yet.
  void add(const SeriesInfo& series, std::uint64_t hash);
  void remove(SeriesId id, std::uint64_t hash);

  std::size_t size() const { return size_; }
  /// In no order.
  template <class Visit>
  void each(Visit visit) const {
    for (const Slot& slot : slots_) {
      if (slot.key != nullptr) visit(slot.series);
    }
  }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::unique_ptr<char[]> key;  ///< sizes and texts of the tags; null: free
    std::size_t key_bytes = 0;
    SeriesInfo series{};
  };

  std::size_t next(std::size_t at) const { return (at + 1) & (slots_.size() - 1); }
  std::size_t home_of(std::uint64_t hash) const { return hash & (slots_.size() - 1); }
  void place(Slot slot);

  std::vector<Slot> slots_;  // a power of two of them
  std::size_t size_ = 0;
};

}  // namespace gpuscale::tsdb
