// SPDX-License-Identifier: Apache-2.0
/// Private to the room: the batches that were acknowledged and are in no segment yet, one entry for each
/// commit, in files beside the database (metrics.db-log.00000000000000000001, named after their first entry).
/// A write is acknowledged once its entry is here, so an entry costs one write and one fdatasync, where a row
/// of SQLite costs sixteen and a journal. A file is full when the head is sealed and begins anew: the next
/// entries are written over the bytes of one that is no longer needed, since to grow a file costs the disk
/// twice what overwriting does (measured: 103 us against 48 for 12 KB).
///
/// Each life of a file has a salt of its own at the beginning (tsdb/log_frame.h), which costs no sync: it is
/// written with the first entry. A file of an earlier version has none: it is read and never written over.
///
/// The first frame that is not whole, or not of the next entry, is the end of a file: the rest is from its
/// earlier life, or what a crash has torn. So is one of an entry that the next file begins with: it failed.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tsdb/log_file.h"

namespace gpuscale::tsdb {

/// Not thread-safe.
class BatchLog {
 public:
  using Sequence = std::int64_t;  ///< of an entry: each is one more than the one before
  /// May keep parts of the batch only until it returns.
  using Apply = std::function<Result<void>(std::string_view batch)>;

  /// Of the database at `database`; in memory ("", ":memory:") nothing is kept. @param most_bytes of all
  /// files; beyond it appending fails as on a full disk; 0 = as many as the disk holds
  BatchLog(std::string database, std::uint64_t most_bytes);
  ~BatchLog();
  BatchLog(const BatchLog&) = delete;
  BatchLog& operator=(const BatchLog&) = delete;

  /// Hands over the batches of all entries behind `sealed`, in their order; call it once, before any other.
  /// @return the newest entry, `sealed` where there is none. Errors: kUnavailable; kCorrupt where an entry is
  /// missing or damaged though later ones are whole, with the file and the mend; what `apply` returns.
  Result<Sequence> replay(Sequence sealed, const Apply& apply);

  /// On disk when it returns. After an error it is as if it had not been called. Errors: kExhausted (disk
  /// full), kUnavailable.
  Result<void> append(Sequence sequence, std::span<const std::string_view> batches);
  /// The next entry begins a file.
  void end_file();
  /// Entries up to this one are in segments: files that hold no others are removed, but for one to be written
  /// over.
  void forget(Sequence up_to);
  /// Removes that one too.
  void give_back();
  /// Of all files.
  std::uint64_t bytes() const;

 private:
  Result<void> replay_file(LogFile& file, Sequence next_file, Sequence& newest, const Apply& apply);
  Result<void> begin_file(Sequence first);
  Result<void> bring_to_disk();
  /// Of zeros, behind the entry that made the file grow; what cannot be had is gone without.
  void make_room_ahead();
  void put_away(LogFile file);
  /// Keeps it to be written over, or removes it.
  void free(const LogFile& file);
  static void remove(const LogFile& file);

  const std::string database_;
  const std::uint64_t most_bytes_;
  std::vector<LogFile> files_;      ///< ended ones with entries that are needed, the oldest first
  std::optional<LogFile> current_;  ///< that entries are appended to
  std::optional<LogFile> spare_;    ///< no longer needed
  int descriptor_ = -1;             ///< of current_
  std::uint64_t salt_ = 0;          ///< of current_
  std::uint64_t end_ = 0;           ///< of the entries in it; 0: it has no head either
  std::string frame_;               ///< room for one, kept from entry to entry
};

}  // namespace gpuscale::tsdb
