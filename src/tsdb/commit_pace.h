// SPDX-License-Identifier: Apache-2.0
/// Private to the room: how many writes share a commit. Each commit costs the disk a round, however little is
/// in it, so it should hold many; but while it is on its way nobody works whose write is in it or waits for
/// the next. If all were in it, disk and processors would rest in turn: so it leaves some of a crowd behind,
/// and while they go to disk the others are answered and send again. Pure.
#pragma once
#include <algorithm>
#include <cstddef>

namespace gpuscale::tsdb {

class CommitPace {
 public:
  /// Beyond it a writer would wait for strangers' megabytes.
  static constexpr std::size_t kMost = 1'024;

  /// Writes for which the next commit waits a moment; 1: it does not wait.
  std::size_t enough() const { return last_ >= kCrowd ? std::min(last_, kEnough) : 1; }
  /// Writes that it takes, of those that wait.
  std::size_t most() const { return std::clamp(writers_ * 5 / 8, kLeastShare, kMost); }
  /// One is on disk that held `taken` writes; so many more wait.
  void ended(std::size_t taken, std::size_t waiting) {
    last_ = taken;
    // At its end it has mostly seen all of them. Who stays away is forgotten slowly: it may only be late.
    writers_ = std::max(taken + waiting, writers_ - writers_ / 16);
  }

 private:
  /// Where so many shared the last commit, those that were answered will come again.
  static constexpr std::size_t kCrowd = 4;
  // Measured with 64 connections: 16 carries a tenth more than 28, and a share of 36 to 40, which is 5/8 of
  // those seen at once, 5 % more than all that wait.
  static constexpr std::size_t kEnough = 16;
  static constexpr std::size_t kLeastShare = 32;

  std::size_t last_ = 0;
  std::size_t writers_ = 0;  ///< about so many write at once
};

}  // namespace gpuscale::tsdb
