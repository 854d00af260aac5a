// SPDX-License-Identifier: Apache-2.0
/// Private to the room: rows of the log for which a damaged catalogue has no place - nothing says whose they
/// are. They are put into the database as the log that they stand in is forgotten, and taken out of it as the
/// segments come that they are in at last: each time in one transaction, so that they are always in one
/// place, and in the order in which they were written.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "db/database.h"
#include "tsdb/batch.h"

namespace gpuscale::tsdb {

/// Not thread-safe.
class Strays {
 public:
  /// Asked once for each series of a policy, with the shape of its first row: so its rows stay in their
  /// order.
  using HasPlace = std::function<bool(PolicyId policy, SeriesId series, std::span<const CellName> shape)>;
  using Apply = std::function<Result<void>(std::string_view batch)>;

  /// Hands over the rows of a batch that the database kept, as row `id`, which have a place by now. Before
  /// those of the log, which are newer. Errors: kCorrupt, those of `apply`.
  Result<void> take_in(std::int64_t id, std::string_view batch, const HasPlace& has_place,
                       const Apply& apply);
  /// Hands over those of a batch of the log that have a place and keeps the others. Errors: as take_in().
  Result<void> sift(std::string_view batch, const HasPlace& has_place, const Apply& apply);

  /// Whether the database is to learn of it, as what was handed over becomes segments.
  bool changed() const { return !taken_.empty() || !fresh_.empty(); }
  Result<void> save(db::Transaction& transaction) const;
  /// What save() wrote is committed.
  void saved();

  /// That wait for a place.
  std::size_t rows() const { return rows_; }

 private:
  /// @return the rows that have no place
  Result<BatchWriter> part(std::string_view batch, const HasPlace& has_place, const Apply& apply,
                           std::size_t& placed);

  std::map<std::pair<PolicyId, SeriesId>, bool> has_place_;
  struct Taken {
    std::int64_t id;
    std::string rest;  ///< what still has no place
  };
  std::vector<Taken> taken_;        ///< of the database
  std::vector<std::string> fresh_;  ///< in no database yet
  std::size_t rows_ = 0;
};

}  // namespace gpuscale::tsdb
