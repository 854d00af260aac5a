// SPDX-License-Identifier: Apache-2.0
/// Views of a body that is parsed part by part, one behind the other.
#pragma once
#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace gpuscale::metrics {

/// As a vector that is emptied before each part, but what it held stays made: a dozen fields of each line are
/// then stores and nothing else. Not thread-safe.
template <class View>
class ViewStorage {
 public:
  /// A view of any content, to be filled in; valid until the next add() or reserve().
  View& add() {
    if (used_ == room_.size()) grow();
    return room_[used_++];
  }
  void reserve(std::size_t views) {
    if (views > room_.size()) room_.resize(views);
  }
  /// Keeps the first `size`.
  void cut(std::size_t size) { used_ = size; }
  void clear() { used_ = 0; }

  std::size_t size() const { return used_; }
  /// How many it has room for.
  std::size_t room() const { return room_.size(); }
  const View& operator[](std::size_t at) const { return room_[at]; }
  /// Valid until the next add() or reserve().
  std::span<View> part(std::size_t begin, std::size_t size) { return {room_.data() + begin, size}; }

 private:
  [[gnu::noinline]] void grow() {
    constexpr std::size_t kFirst = 16;
    room_.resize(std::max(kFirst, 2 * room_.size()));
  }

  std::vector<View> room_;
  std::size_t used_ = 0;
};

}  // namespace gpuscale::metrics
