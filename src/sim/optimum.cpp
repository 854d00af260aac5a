// SPDX-License-Identifier: Apache-2.0
#include "sim/optimum.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace gpuscale::sim {
namespace {

constexpr float kNever = std::numeric_limits<float>::infinity();
constexpr double kNoise = 1e-9;
constexpr double kLeastLevels = 24;   // of waiting work
constexpr double kMostLevels = 1000;  // beyond them the cost no longer changes
constexpr std::int64_t kMostSteps = 4096;

/// Arrived work a tick, and how much of it may still wait when the tick ends.
struct Deadlines {
  std::vector<double> arrived;
  std::vector<double> may_wait;
  double most = 0;
};

Deadlines deadlines_of(std::span<const double> demand, const PoolParameters& parameters) {
  const auto wait = static_cast<std::size_t>(parameters.slo_wait_seconds / parameters.tick_seconds);
  Deadlines out;
  double latest = 0;
  for (std::size_t k = 0; k < demand.size(); ++k) {
    out.arrived.push_back(demand[k] * static_cast<double>(parameters.tick_seconds));
    latest += out.arrived[k];
    if (k >= wait) latest -= out.arrived[k - wait];
    out.may_wait.push_back(wait == 0 ? 0 : std::max(0.0, latest));
    out.most = std::max(out.most, out.may_wait.back());
  }
  return out;
}

/// The grid of states: sizes in steps of nodes, and levels of waiting work.
class Programme {
 public:
  Programme(const PoolParameters& parameters, std::size_t sizes, std::int64_t step, std::size_t levels,
            double level)
      : tick_(static_cast<double>(parameters.tick_seconds)),
        step_(static_cast<double>(step)),
        boot_(static_cast<float>(parameters.boot_seconds) * static_cast<float>(step)),
        drain_(static_cast<float>(parameters.drain_seconds) * static_cast<float>(step)),
        sizes_(sizes),
        levels_(levels),
        least_(static_cast<std::size_t>((parameters.min_nodes + step - 1) / step)),
        level_(level),
        cost_(sizes * levels, 0.0F),
        choice_(sizes * levels, 0.0F),
        best_(levels) {}

  /// From the cost of all that follows a tick to the cost with it.
  void step_back(double arrived, double may_wait, bool may_grow) {
    for (std::size_t size = 0; size < sizes_; ++size) choose(size, arrived, may_wait);
    std::fill(best_.begin(), best_.end(), kNever);
    for (std::size_t size = 0; size < sizes_; ++size) take(size, drain_, false);
    if (may_grow) {
      std::fill(best_.begin(), best_.end(), kNever);
      for (std::size_t size = sizes_; size-- > 0;) take(size, boot_, true);
    }
    keep_small();
  }
  double cost(std::size_t size) const { return spent_ + static_cast<double>(cost_[size * levels_]); }

 private:
  /// What it costs to have this size in the tick, by what waits at its start.
  void choose(std::size_t size, double arrived, double may_wait) {
    const double paid = static_cast<double>(size) * step_ * tick_;
    const double more = arrived - paid;
    const double shift_exact = more / level_;
    const double shift_whole = std::floor(shift_exact + kNoise);
    auto share = static_cast<float>(std::max(0.0, shift_exact - shift_whole));
    if (share < 1e-6F) share = 0;
    const auto shift = static_cast<std::ptrdiff_t>(shift_whole);
    const auto levels = static_cast<std::ptrdiff_t>(levels_);
    const double last = std::floor((may_wait - more) / level_ + kNoise);
    const std::ptrdiff_t fits = levels - shift - (share > 0 ? 1 : 0);
    const std::ptrdiff_t allowed =
        last < 0 || size < least_
            ? 0
            : std::clamp<std::ptrdiff_t>(
                  fits, 0, static_cast<std::ptrdiff_t>(std::min(last + 1, static_cast<double>(levels))));
    const std::ptrdiff_t emptied = std::clamp<std::ptrdiff_t>(-shift, 0, allowed);
    const float* after = &cost_[size * levels_];
    float* out = &choice_[size * levels_];
    const auto price = static_cast<float>(paid);
    std::fill(out, out + emptied, price + after[0]);
    if (share > 0) {
      const float rest = 1 - share;
      for (std::ptrdiff_t at = emptied; at < allowed; ++at) {
        out[at] = price + rest * after[at + shift] + share * after[at + shift + 1];
      }
    } else {
      for (std::ptrdiff_t at = emptied; at < allowed; ++at) out[at] = price + after[at + shift];
    }
    std::fill(out + allowed, out + levels, kNever);
  }
  /// Goes through the sizes in one direction; each step in it costs `change`.
  void take(std::size_t size, float change, bool keep_better) {
    const float* choice = &choice_[size * levels_];
    float* out = &cost_[size * levels_];
    for (std::size_t at = 0; at < levels_; ++at) {
      best_[at] = std::min(best_[at] + change, choice[at]);
      out[at] = keep_better ? std::min(out[at], best_[at]) : best_[at];
    }
  }
  /// Floats tell node-seconds apart only while the numbers are small: what is common to all states is moved
  /// to spent_.
  void keep_small() {
    constexpr float kLarge = 65'536;
    const float least = *std::min_element(cost_.begin(), cost_.end());
    if (!(least > kLarge) || least == kNever) return;
    spent_ += static_cast<double>(least);
    for (float& cost : cost_) cost -= least;
  }

  double tick_;
  double step_;
  float boot_;
  float drain_;
  std::size_t sizes_;
  std::size_t levels_;
  std::size_t least_;  ///< size that the pool's minimum allows
  double level_;       ///< node-seconds between two levels
  double spent_ = 0;
  std::vector<float> cost_;
  std::vector<float> choice_;
  std::vector<float> best_;
};

struct Grid {
  std::int64_t step = 1;  ///< nodes
  double levels = 0;
};

std::optional<double> cheapest(const Deadlines& deadlines, const PoolParameters& parameters, std::int64_t top,
                               const Grid& grid) {
  const double level = deadlines.most > 0 ? deadlines.most / grid.levels : 1;
  const auto sizes = static_cast<std::size_t>((top + grid.step - 1) / grid.step + 1);
  const auto first = static_cast<std::size_t>((parameters.first_nodes + grid.step - 1) / grid.step);
  const auto boot_ticks = static_cast<std::size_t>(parameters.boot_seconds / parameters.tick_seconds);
  Programme programme(parameters, sizes, grid.step, static_cast<std::size_t>(grid.levels) + 2, level);
  for (std::size_t k = deadlines.arrived.size(); k-- > 0;) {
    programme.step_back(deadlines.arrived[k], deadlines.may_wait[k], k > boot_ticks);
  }
  const double seconds = programme.cost(first);
  return std::isfinite(seconds) ? std::optional(seconds / 3600) : std::nullopt;
}

}  // namespace

std::optional<Optimum> optimum_for(std::span<const double> demand, const PoolParameters& parameters,
                                   double work_limit) {
  if (demand.empty()) return std::nullopt;
  const Deadlines deadlines = deadlines_of(demand, parameters);
  const double peak = *std::max_element(demand.begin(), demand.end());
  const auto top = std::max(
      {static_cast<std::int64_t>(std::ceil(peak - kNoise)), parameters.first_nodes, parameters.min_nodes});
  const double cells = static_cast<double>(demand.size()) * static_cast<double>(top + 1);
  Grid grid;
  while (grid.step < kMostSteps && cells / static_cast<double>(grid.step) * kLeastLevels > work_limit) {
    grid.step *= 2;
  }
  grid.levels =
      std::clamp(std::floor(work_limit / cells * static_cast<double>(grid.step)), kLeastLevels, kMostLevels);
  auto hours = cheapest(deadlines, parameters, top, grid);
  if (!hours && grid.levels < kMostLevels) {
    // Interpolation next to what is forbidden errs on the safe side; a finer grid leaves it less to forbid.
    grid.levels = std::min(kMostLevels, grid.levels * 4);
    hours = cheapest(deadlines, parameters, top, grid);
  }
  if (!hours) return std::nullopt;
  return Optimum{*hours, grid.step};
}

}  // namespace gpuscale::sim
