// SPDX-License-Identifier: Apache-2.0
/// Private to the room: finds the series of a measurement by its tags. Every line that arrives asks it, so a
/// series' tags lie in one text, which is mostly the very bytes that were sent, and a search touches little
/// else.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tsdb/store.h"

namespace gpuscale::tsdb {

/// The text that a series is found by, from its tags ascending by key: no other tags have it. It is
/// metrics::PointView::tag_text, but where a tag holds a backslash. Stands in no file.
std::string index_text(std::span<const metrics::TagView> tags);
std::string index_text(const metrics::Tags& tags);
/// Of such a text. Stands in no file.
std::uint64_t hash_text(std::string_view text);

/// An open hash table, linear probing. Not thread-safe; any number may search while nobody changes it.
class SeriesIndex {
 public:
  /// nullptr where no series has this text; valid until the next change.
  const SeriesId* find(std::string_view text, std::uint64_t hash) const;
  /// The series must not be here yet.
  void add(const SeriesInfo& series, std::string_view text, std::uint64_t hash);
  void remove(SeriesId id, std::uint64_t hash);

  std::size_t size() const { return size_; }
  /// In no order.
  template <class Visit>
  void each(Visit visit) const {
    for (const Slot& slot : slots_) {
      if (slot.text != nullptr) visit(slot.series);
    }
  }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::unique_ptr<char[]> text;  ///< null: free
    std::size_t size = 0;          ///< of the text
    SeriesInfo series{};
  };

  std::size_t next(std::size_t at) const { return (at + 1) & (slots_.size() - 1); }
  std::size_t home_of(std::uint64_t hash) const { return hash & (slots_.size() - 1); }
  void place(Slot slot);

  std::vector<Slot> slots_;  // a power of two of them
  std::size_t size_ = 0;
};

}  // namespace gpuscale::tsdb
