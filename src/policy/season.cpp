// SPDX-License-Identifier: Apache-2.0
#include "policy/season.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace gpuscale::policy {
namespace {

constexpr double kFallShare = 0.2;  // of its way down, that a bin goes in a cycle; docs/simulation.md
constexpr double kPrecision = 1e3;  // of what is remembered: few digits, which read back as they were
constexpr double kMostRoot = 1e6;

}  // namespace

Season::Season(std::int64_t cycle_seconds)
    : roots_(static_cast<std::size_t>(cycle_seconds / kBinSeconds), kUnknown) {}

std::size_t Season::place(std::int64_t bin) const {
  const auto bins = static_cast<std::int64_t>(roots_.size());
  return static_cast<std::size_t>((bin % bins + bins) % bins);
}

void Season::remember(const Sum& over) {
  if (2 * over.seconds < static_cast<double>(kBinSeconds)) return;
  double& root = roots_[place(over.bin)];
  const double seen = std::min(std::sqrt(over.work / over.seconds), kMostRoot);
  root = root == kUnknown || seen > root ? seen : root + kFallShare * (seen - root);
  root = std::round(root * kPrecision) / kPrecision;
}

void Season::add(std::int64_t at, double seconds, double work) {
  const std::int64_t bin = at / kBinSeconds;
  if (now_ && now_->bin != bin) {
    if (before_) remember(*before_);
    before_ = std::exchange(now_, std::nullopt);
  }
  if (!now_) now_ = Sum{.bin = bin};
  now_->seconds += seconds;
  now_->work += work;
}

std::optional<double> Season::at(std::int64_t at) const {
  // Between the middles of two bins.
  const std::int64_t since_middle = at - kBinSeconds / 2;
  const std::int64_t bin = since_middle / kBinSeconds;
  const double left = roots_[place(bin)];
  const double right = roots_[place(bin + 1)];
  if (left == kUnknown || right == kUnknown) return std::nullopt;
  const auto part = static_cast<double>(since_middle - bin * kBinSeconds) / static_cast<double>(kBinSeconds);
  return left + part * (right - left);
}

std::optional<Season::Range> Season::between(std::int64_t from, std::int64_t to) const {
  const auto first = at(from);
  if (!first) return std::nullopt;
  Range range{*first, *first};
  // It is least and most at an end or in the middle of a bin.
  constexpr std::int64_t kHalf = kBinSeconds / 2;
  for (std::int64_t middle = (from + kHalf) / kBinSeconds * kBinSeconds + kHalf;; middle += kBinSeconds) {
    const auto there = at(std::min(middle, to));
    if (!there) return std::nullopt;
    range = {std::min(range.least, *there), std::max(range.most, *there)};
    if (middle >= to) return range;
  }
}

void Season::write(StateWriter& out) const {
  for (const double root : roots_) out.put(root == kUnknown ? 0 : 1 + std::round(root * kPrecision));
}

Result<void> Season::read(StateReader& in) {
  std::vector<double> roots(roots_.size(), kUnknown);
  for (double& root : roots) {
    GS_TRY(const double written, in.number());
    if (written > kMostRoot * kPrecision + 1 || written != std::trunc(written)) {
      return fail(Errc::kInvalidArgument, "the stored state is damaged; learning begins anew");
    }
    if (written > 0) root = (written - 1) / kPrecision;
  }
  roots_ = std::move(roots);
  before_.reset();
  now_.reset();
  return {};
}

}  // namespace gpuscale::policy
