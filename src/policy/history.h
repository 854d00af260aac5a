// SPDX-License-Identifier: Apache-2.0
/// Private to the room: what a load's day, or week, has been like, where that is any use.
#pragma once
#include <cstdint>
#include <optional>

#include "base/result.h"
#include "policy/load_base.h"
#include "policy/season.h"
#include "policy/state_text.h"

namespace gpuscale::policy {

/// A base (load_base.h) that expects of the load what it did at this time of the cycle, and adds by how much
/// it has lately been different. It expects rises only: what usually falls now is given up when it has
/// fallen. Whether a load's days are alike nobody knows beforehand, so it has to prove itself: it is kept
/// beside the bases that know no history, and used while it has cost clearly less than they would have over
/// the last day. All cover the same share of their errors, so what costs less is the better forecast.
class History {
 public:
  History(std::int64_t cycle_seconds, int sightings, double load);

  struct Look {
    std::int64_t at;       ///< seconds since 1970
    double seconds;        ///< that `work` came in
    std::int64_t horizon;  ///< s, from a launch to its use
    double work;           ///< node-seconds
    bool heard;            ///< it was measured: what only stands for that is not remembered
    double load;           ///< nodes
    double rise;           ///< the most that the load has been lately; nodes
  };
  void follow(const Look& look);
  /// @param settled the load has been averaged in full
  void learn(double need, std::size_t lag, bool settled) {
    // What was learned does not fade while there is nothing to learn.
    if (known_) base_.learn(need, lag, settled);
  }
  void measure(const LoadBase::Margins& uncovered, std::size_t margin, const LoadBase::Peak& peak) {
    base_.measure(uncovered, margin, peak);
  }
  /// Of the latest look. @param without nodes that are wanted by the bases that know no history
  void compare(double seconds, double without);

  bool known() const { return known_; }  ///< it knows what this time of the cycle brings
  /// Nodes with a margin; as of the latest measure().
  double want(std::size_t margin, const LoadBase::Peak& peak) const { return base_.want(margin, peak); }
  double want() const { return base_.want(); }
  /// What it costs of what those cost that know no history, over the last day; absent = not a day is known.
  std::optional<double> share() const;
  /// It has proven itself, and knows what this time of the cycle brings.
  bool used() const { return known_ && proven_; }

  /// All but whether it knows what this time of the cycle brings: it tells by the next look.
  void write(StateWriter& out) const;
  /// kInvalidArgument leaves it half read.
  Result<void> read(StateReader& in);

 private:
  void remember(const Look& look);

  Season season_;
  std::optional<std::int64_t> last_at_;
  LoadBase base_;
  std::optional<double> rest_;  ///< roots of nodes by which the load has lately been above what it usually is
  bool known_ = false;
  double seconds_ = 0;  ///< for which it was compared
  double cost_ = 0;     ///< of the last day, fading; node-seconds
  double without_ = 0;  ///< the same of those that know no history
  bool proven_ = false;
};

}  // namespace gpuscale::policy
