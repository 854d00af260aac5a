// SPDX-License-Identifier: Apache-2.0
#include "scaling/guard_rails.h"

#include <algorithm>
#include <cstdlib>

#include "base/counted.h"
#include "base/duration.h"
#include "base/rfc3339.h"
#include "scaling/budget.h"
#include "scaling/flap_meter.h"

namespace gpuscale::scaling {
namespace {

class Rails {
 public:
  Rails(const pool::PoolSpec& spec, const RailsView& view, int from, int wanted, WallTime now)
      : spec_(spec), view_(view), from_(from), now_(now) {
    verdict_.to = wanted;
  }

  void respect_hold() {
    const Hold& hold = view_.memory.hold;
    const HoldMode mode = hold.at(now_);
    if (mode == HoldMode::kNone || (mode == HoldMode::kOnlyOut && verdict_.to > from_)) return;
    clip(from_, "hold",
         (mode == HoldMode::kPaused ? "the pool is paused by " : "the pool may only grow, says ") + hold.who,
         at_most_until(hold.until));
  }

  void respect_override() {
    if (!view_.memory.overridden(now_)) return;
    const SizeOverride& over = *view_.memory.size_override;
    clip(from_, "override",
         over.who + " holds the size at " + std::to_string(over.size) + " until " +
             base::format_second(over.until),
         at_most_until(over.until));
  }

  void stabilise() {
    const bool out = verdict_.to > from_;
    const Nanos window = out ? spec_.limits.stabilise_out : spec_.limits.stabilise_in;
    int kept = verdict_.to;
    WallTime newest;
    for (const Want& want : view_.wants) {
      if (want.at > now_ || now_ - want.at > window) continue;
      const bool binds = out ? want.size < kept : want.size > kept;
      kept = out ? std::min(kept, want.size) : std::max(kept, want.size);
      if (binds) newest = want.at;
    }
    kept = out ? std::max(kept, from_) : std::min(kept, from_);
    if (kept == verdict_.to) return;
    clip(kept, "stabilisation",
         std::to_string(kept) + " was wanted within the last " + base::format_duration(window),
         newest + window - now_);
  }

  void calm_flapping() {
    if (verdict_.to > from_) return;
    const FlapMeter meter = measure_flaps(view_.memory.changes, now_);
    const auto until = meter.rests_until(view_.work, now_);
    if (!until) return;
    clip(from_, "flap",
         "the pool shrank and grew again under the same load at " + base::format_second(*meter.last) +
             "; it does not shrink before " + base::format_second(*until) + " unless the load falls",
         at_most_until(until));
  }

  void limit_rate() {
    const bool out = verdict_.to > from_;
    const pool::RateLimit& limit = out ? spec_.limits.out : spec_.limits.in;
    if (limit.nodes <= 0 || limit.per <= Nanos{0}) return;
    const int used =
        out ? grown_within(view_.memory, limit.per, now_) : shrunk_within(view_.memory, limit.per, now_);
    const int left = std::max(limit.nodes - used, 0);
    if (std::abs(verdict_.to - from_) <= left) return;
    clip(out ? from_ + left : from_ - left, "rate",
         "at most " + base::counted(limit.nodes, "node") + " per " + base::format_duration(limit.per) +
             " may " + (out ? "come, " : "go, ") + std::to_string(used) + " did",
         oldest_leaves(out, limit.per));
  }

  void fit_fleet() {
    if (!view_.fleet_gpus_left || verdict_.to <= from_) return;
    const int most = std::max(*view_.fleet_gpus_left, 0) / std::max(spec_.limits.gpus_per_node, 1);
    if (verdict_.to <= most) return;
    clip(std::max(most, from_), "fleet",
         "the other pools leave " + base::counted(std::max(*view_.fleet_gpus_left, 0), "GPU") +
             " of the fleet's cap, enough for " + base::counted(most, "node"),
         kAskAgain);
  }

  void keep_budget() {
    if (verdict_.to <= from_) return;
    const BudgetView budget = view_budget(spec_.limits.budget, view_.memory.usage, view_.gpus_running, now_);
    if (!budget.exhausted) return;
    clip(from_, "budget",
         "the budget of " + base::format_second(view_.memory.usage.period_start) +
             " is used up; the next begins " + base::format_second(budget.ends),
         at_most_until(budget.ends));
  }

  RailsVerdict verdict() { return std::move(verdict_); }
  bool moves() const { return verdict_.to != from_; }

 private:
  void clip(int to, std::string by, std::string reason, std::optional<Nanos> retry_after) {
    verdict_.to = to;
    verdict_.clipped_by = std::move(by);
    verdict_.reason = std::move(reason);
    verdict_.retry_after = retry_after;
  }

  Nanos at_most_until(std::optional<WallTime> end) const {
    return end ? std::min<Nanos>(*end - now_, kAskAgain) : kAskAgain;
  }

  /// When the oldest change that counts falls out of the window.
  std::optional<Nanos> oldest_leaves(bool out, Nanos window) const {
    for (const SizeChange& change : view_.memory.changes) {
      if (change.by_hand || (change.to > change.from) != out) continue;
      if (change.at <= now_ && now_ - change.at < window) return change.at + window - now_;
    }
    return std::nullopt;
  }

  const pool::PoolSpec& spec_;
  const RailsView& view_;
  int from_;
  WallTime now_;
  RailsVerdict verdict_;
};

int moved_within(const PoolMemory& memory, Nanos window, WallTime now, bool out) {
  int nodes = 0;
  for (const SizeChange& change : memory.changes) {
    // A stamp ahead of now comes from a clock that has been set back; counting it could bind for years.
    if (change.by_hand || change.at > now || now - change.at >= window) continue;
    const int grown = change.to - change.from;
    nodes += std::max(out ? grown : -grown, 0);
  }
  return nodes;
}

}  // namespace

int grown_within(const PoolMemory& memory, Nanos window, WallTime now) {
  return moved_within(memory, window, now, true);
}
int shrunk_within(const PoolMemory& memory, Nanos window, WallTime now) {
  return moved_within(memory, window, now, false);
}

RailsVerdict apply_rails(const pool::PoolSpec& spec, const RailsView& view, int from, int wanted,
                         bool by_hand, WallTime now) {
  Rails rails(spec, view, from, wanted, now);
  if (!by_hand) {
    if (rails.moves()) rails.respect_hold();
    if (rails.moves()) rails.respect_override();
    if (rails.moves()) rails.stabilise();
    if (rails.moves()) rails.calm_flapping();
    if (rails.moves()) rails.limit_rate();
  }
  if (rails.moves()) rails.fit_fleet();
  if (rails.moves()) rails.keep_budget();
  return rails.verdict();
}

}  // namespace gpuscale::scaling
