// SPDX-License-Identifier: Apache-2.0
/// Private to the room: how an entry of the log of batches is written, and what a file of them begins with.
/// Pure.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gpuscale::tsdb {

/// A file of the log begins with a random salt, drawn for each of its lives, that is part of the sum of each
/// frame: so nothing is taken for a frame but what was written as one in this life, neither an older frame
/// nor a value of a user who made it look like one.
struct FileHead {
  static constexpr std::size_t kBytes = 24;
  /// Before the salt, which stands there twice.
  static constexpr std::uint64_t kMark = 0x9a67'1cf0'5a17'f11eULL;
  /// Of files of earlier versions, which have no head; never drawn.
  static constexpr std::uint64_t kNoSalt = 0;
};

/// What stands before the batches of an entry.
struct FrameHead {
  static constexpr std::size_t kBytes = 32;
  /// Before all other bytes of a frame; no text and no small number.
  static constexpr std::uint64_t kMark = 0x9a67'1cf0'5ca1'e10bULL;

  std::int64_t sequence = 0;
  std::uint64_t length = 0;  ///< of the batches
  std::uint64_t sum = 0;     ///< over salt, sequence, length and batches

  /// Nothing where `bytes`, of which there are kBytes, are none.
  static std::optional<FrameHead> read(std::string_view bytes);
  /// Whether `batches` and `salt` are those that it was written for.
  bool fits(std::uint64_t salt, std::string_view batches) const;
};

/// Both go behind what is in `out`.
void put_file_head(std::string& out, std::uint64_t salt);
void put_frame(std::string& out, std::uint64_t salt, std::int64_t sequence,
               std::span<const std::string_view> batches);
/// Hands over each batch of a frame, without its head. Errors: kCorrupt; those of `apply`.
Result<void> each_batch(std::string_view batches, const std::function<Result<void>(std::string_view)>& apply);

}  // namespace gpuscale::tsdb
