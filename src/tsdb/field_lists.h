// SPDX-License-Identifier: Apache-2.0
/// Private to the room: the fields of rows, one list for all the series that have the same. Ten thousand
/// devices of one kind then need one, and who reads them all finds it near.
#pragma once
#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <vector>

#include "tsdb/batch.h"

namespace gpuscale::tsdb {

/// Not thread-safe.
class FieldLists {
 public:
  using List = std::shared_ptr<const std::vector<CellName>>;

  /// As of(), but null where none is known.
  List find(std::span<const CellName> fields) const {
    for (const List& known : known_) {
      if (known != nullptr && std::equal(known->begin(), known->end(), fields.begin(), fields.end()))
        return known;
    }
    return nullptr;
  }
  /// The list with these fields in this order: one that is known, where it is among those made last.
  List of(const std::vector<CellName>& fields) {
    if (List known = find(fields)) return known;
    // Of so many kinds of lines the oldest are mostly steps to wider ones.
    return known_[next_++ % known_.size()] = std::make_shared<const std::vector<CellName>>(fields);
  }

 private:
  std::array<List, 32> known_;  ///< a ring
  std::size_t next_ = 0;
};

}  // namespace gpuscale::tsdb
