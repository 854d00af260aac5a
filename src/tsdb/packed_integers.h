// SPDX-License-Identifier: Apache-2.0
/// Private to the room: integers in few bits, quick to unpack. Pure. The grammar is in
/// docs/storage-format.md.
#pragma once
#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <vector>

#include "tsdb/byte_code.h"
#include "tsdb/sample_columns.h"

namespace gpuscale::tsdb {

/// Appends `values`, as differences or as distances from the least of their run, whichever is shorter. The
/// reader must know how many there are.
void pack_integers(std::string& out, std::span<const std::int64_t> values);
/// Unpacks run by run: while (runs.next()) use runs.values(). ok() is false once the bytes proved malformed.
class PackedRuns {
 public:
  static constexpr std::size_t kMost = 64;  ///< integers of one run

  PackedRuns(ByteReader& reader, std::size_t count);
  bool next();
  /// next() past a run whose values nobody wants, which costs less.
  bool skip();
  std::size_t coming() const;  ///< how many values next() would give
  std::span<const std::int64_t> values() const { return {run_.data(), size_}; }
  bool ok() const { return ok_; }

 private:
  bool give_up();
  bool take(bool wanted);

  ByteReader& reader_;
  std::size_t left_;
  bool distances_ = false;
  unsigned shift_ = 0;
  bool started_ = false;
  bool ok_ = true;
  std::int64_t last_ = 0;
  std::size_t size_ = 0;
  std::array<std::int64_t, kMost> run_;
};

/// Calls `visit` with the values at `rows`, piece by piece. False where the bytes up to there are malformed.
template <typename Visit>
bool each_run_at(PackedRuns& runs, RowRange rows, const Visit& visit) {
  std::size_t at = 0;
  while (at < rows.end) {
    const std::size_t end = at + runs.coming();
    if (end <= rows.begin) {
      if (!runs.skip()) break;
    } else {
      if (!runs.next()) break;
      const std::size_t first = std::max(at, rows.begin);
      visit(runs.values().subspan(first - at, std::min(end, rows.end) - first));
    }
    at = end;
  }
  return runs.ok() && at >= rows.end;
}

}  // namespace gpuscale::tsdb
