// SPDX-License-Identifier: Apache-2.0
/// Private to the room: LIMIT and OFFSET of a list.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "influxql/cell_table.h"

namespace gpuscale::influxql {

/// Keeps `limit` items (0: all) from the one at `offset`. @param width how many elements make an item
template <typename T>
void cut(std::vector<T>& list, std::int64_t offset, std::int64_t limit, std::size_t width = 1) {
  const auto size = static_cast<std::int64_t>(width == 0 ? 0 : list.size() / width);
  const std::int64_t from = std::min(offset, size);
  const std::int64_t to = limit > 0 && limit < size - from ? from + limit : size;
  const auto at = [&](std::int64_t i) {
    return list.begin() + static_cast<std::ptrdiff_t>(i) * static_cast<std::ptrdiff_t>(width);
  };
  list.erase(at(to), list.end());
  list.erase(list.begin(), at(from));
}

inline void cut(CellTable& rows, std::int64_t offset, std::int64_t limit) {
  cut(rows.cells(), offset, limit, rows.width());
}

}  // namespace gpuscale::influxql
