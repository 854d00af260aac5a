// SPDX-License-Identifier: Apache-2.0
/// Private to the room: how an entry of the log of batches is written. Pure.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gpuscale::tsdb {

/// What stands before the batches of an entry.
struct FrameHead {
  static constexpr std::size_t kBytes = 32;
  /// Before all other bytes of a frame; no text and no small number.
  static constexpr std::uint64_t kMark = 0x9a67'1cf0'5ca1'e10bULL;

  std::int64_t sequence = 0;
  std::uint64_t length = 0;  ///< of the batches
  std::uint64_t sum = 0;     ///< over sequence, length and batches

  /// Nothing where `bytes`, of which there are kBytes, are none.
  static std::optional<FrameHead> read(std::string_view bytes);
  /// Whether `batches` are those that it was written for.
  bool fits(std::string_view batches) const;
};

/// The whole frame in the place of what is in `out`.
void write_frame(std::string& out, std::int64_t sequence, std::span<const std::string_view> batches);
/// Hands over each batch of a frame, without its head. Errors: kCorrupt; those of `apply`.
Result<void> each_batch(std::string_view batches, const std::function<Result<void>(std::string_view)>& apply);

}  // namespace gpuscale::tsdb
