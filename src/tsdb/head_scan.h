// SPDX-License-Identifier: Apache-2.0
/// Private to the room: one field of many series out of what is in memory. That may be in two heads, one that
/// is becoming segments and the one that takes writes.
#pragma once
#include <span>
#include <vector>

#include "tsdb/head.h"

namespace gpuscale::tsdb {

enum class Wanted { kAll, kNewest };  ///< of each series

struct HeadQuery {
  PolicyId policy;
  FieldId field;
  TimeRange range;
  Wanted wanted;
};

/// Appends the samples of the first series to `out`, whose type is the field's, then those of the second ...
/// @param heads the older one first; null where there is none
/// @return where those of each series end in `out`; empty where no head has anything for the query
std::vector<std::size_t> scan_heads(std::span<const Head* const> heads, const HeadQuery& query,
                                    std::span<const SeriesId> ids, Column& out);

}  // namespace gpuscale::tsdb
