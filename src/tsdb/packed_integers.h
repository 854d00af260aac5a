// SPDX-License-Identifier: Apache-2.0
/// Private to the room: integers in few bits, quick to unpack. Pure. The grammar is in
/// docs/storage-format.md.
#pragma once
#include <array>
#include <span>
#include <string>
#include <vector>

#include "tsdb/byte_code.h"

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
  std::span<const std::int64_t> values() const { return {run_.data(), size_}; }
  bool ok() const { return ok_; }

 private:
  bool give_up();

  ByteReader& reader_;
  std::size_t left_;
  bool distances_ = false;
  bool started_ = false;
  bool ok_ = true;
  std::int64_t last_ = 0;
  std::size_t size_ = 0;
  std::array<std::int64_t, kMost> run_;
};

}  // namespace gpuscale::tsdb
