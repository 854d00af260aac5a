// SPDX-License-Identifier: Apache-2.0
/// The nodes that requests may go to, as last told by the server, and which of them is next. Targets is the
/// set and its decisions; TargetWatch keeps it fresh.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace gpuscale::load {

enum class TargetState { kReady, kDraining, kOther };

struct Target {
  std::string id;
  std::string endpoint;  ///< "http://127.0.0.1:40123"
  TargetState state = TargetState::kReady;
};

/// The body of GET /api/v1/nodes; nodes without endpoint come as kOther. Errors: kCorrupt.
Result<std::vector<Target>> parse_targets(std::string_view body);

/// Thread-safe.
class Targets {
 public:
  /// What the server says now. A node that is no longer named has gone. Returns the number of earlier losses
  /// that are now known to belong to a drain: the list is polled, so a node may drain a moment before it is
  /// seen to.
  std::uint64_t update(const std::vector<Target>& nodes, MonoTime now);

  /// The ready node with the fewest requests outstanding from here, among equals the one that was not picked
  /// for longest; counts one to it until release(). Nodes in `tried` are passed over. Absent where none is
  /// left.
  std::optional<Target> pick(const std::vector<std::string>& tried);
  void release(const std::string& id);

  /// The node itself has said that it drains, which is newer than any list; holds until the list calls it
  /// ready again at least kDistrust later.
  void note_draining(const std::string& id, MonoTime now);
  /// A request that the node had accepted was lost. Whether the node was then draining or gone.
  bool note_loss(const std::string& id, MonoTime now);

  std::size_t ready() const;
  std::optional<MonoTime> updated() const;  ///< of the last update()

  static constexpr std::chrono::milliseconds kDistrust{1'000};
  static constexpr std::chrono::milliseconds kLateDrain{1'000};

 private:
  struct Entry {
    std::string endpoint;
    TargetState state = TargetState::kOther;
    bool listed = false;
    std::uint32_t outstanding = 0;
    std::uint64_t picked = 0;  ///< number of the pick that took it last
    std::optional<MonoTime> said_draining;
    std::deque<MonoTime> losses;  ///< of the last kLateDrain, not yet laid to a drain; bounded by kMaxLosses
  };
  static constexpr std::size_t kMaxLosses = 10'000;

  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
  std::optional<MonoTime> updated_;
  std::uint64_t picks_ = 0;
};

}  // namespace gpuscale::load
