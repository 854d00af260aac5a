// SPDX-License-Identifier: Apache-2.0
/// Private to the room: one new segment out of older ones of the same owner: joined, or with samples cut out.
#pragma once
#include <functional>
#include <unordered_set>

#include "tsdb/segment.h"

namespace gpuscale::tsdb {

/// The samples of some series in a range, which are to go.
struct Cut {
  std::unordered_set<SeriesId> series;
  TimeRange range;
};

struct RebuildRequest {
  std::vector<std::shared_ptr<const Segment>> sources;  ///< ascending by generation
  std::vector<std::pair<FieldId, FieldType>> fields;    ///< ascending
  std::function<bool(SeriesId)> alive;                  ///< series that exist; the others are left out
  std::optional<Cut> cut;
  std::size_t samples_of_a_slot = 0;  ///< on average, from which on the new segment is given totals
  /// Null where the segment has no such field. Errors: kCorrupt where its values are of another type.
  std::function<Result<std::shared_ptr<const Strip>>(const Segment&, FieldId, FieldType)> strip;
  std::function<Result<void>(SegmentPiece)> put;  ///< takes what becomes of each field
  /// Called each 100,000 rows, between two series, and behind each field: what cannot wait for the end.
  std::function<void()> meanwhile;
  int level = 0;                ///< of the new segment
  std::int64_t generation = 0;  ///< of the new segment
};

/// Field by field, so that memory is bounded by one field of the sources. The segment's pieces are where
/// `put` took them; its id is left to the caller. Nothing where no sample is left. Errors: kCorrupt for a
/// damaged source, those of `strip` and `put`.
Result<std::optional<NewSegment>> rebuild(const RebuildRequest& request);

}  // namespace gpuscale::tsdb
