// SPDX-License-Identifier: Apache-2.0
#include "policy/season.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "base/floor_division.h"

namespace gpuscale::policy {
namespace {

constexpr double kFallShare = 0.2;  // of its way down, that a bin goes in a cycle; docs/simulation.md
constexpr double kPrecision = 1e2;  // of what is remembered: few digits, which read back as they were
constexpr double kMostRoot = 1e6;
constexpr double kMostWritten = 1e15;  // whole numbers up to here are exact

double rounded(double root) {
  return std::round(root * kPrecision) / kPrecision;
}

}  // namespace

Season::Season(std::int64_t cycle_seconds, int sightings)
    : sightings_(sightings), bins_(static_cast<std::size_t>(cycle_seconds / kBinSeconds)) {}

std::size_t Season::place(std::int64_t bin) const {
  return static_cast<std::size_t>(base::floor_rest(bin, std::ssize(bins_)));
}

void Season::remember(const Sum& over) {
  if (2 * over.seconds < static_cast<double>(kBinSeconds)) return;
  Bin& bin = bins_[place(over.bin)];
  const double seen = rounded(std::min(std::sqrt(over.work / over.seconds), kMostRoot));
  const double shown = sightings_ == 1 ? seen : std::min(seen, bin.newest);
  const double kept = bin.root + kFallShare * std::min(0.0, seen - bin.root);
  bin.root = rounded(is_known(bin) ? std::max(shown, kept) : shown);
  bin.newest = seen;
  bin.cycles = std::min(bin.cycles + 1, sightings_);
}

void Season::add(std::int64_t at, double seconds, double work) {
  const std::int64_t bin = base::floor_divided(at, kBinSeconds);
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
  const std::int64_t bin = base::floor_divided(since_middle, kBinSeconds);
  const Bin& left = bins_[place(bin)];
  const Bin& right = bins_[place(bin + 1)];
  if (!is_known(left) || !is_known(right)) return std::nullopt;
  const auto part = static_cast<double>(since_middle - bin * kBinSeconds) / static_cast<double>(kBinSeconds);
  return left.root + part * (right.root - left.root);
}

std::optional<Season::Range> Season::between(std::int64_t from, std::int64_t to) const {
  const auto first = at(from);
  if (!first) return std::nullopt;
  Range range{*first, *first};
  // It is least and most at an end or in the middle of a bin.
  constexpr std::int64_t kHalf = kBinSeconds / 2;
  for (std::int64_t middle = base::floor_divided(from + kHalf, kBinSeconds) * kBinSeconds + kHalf;;
       middle += kBinSeconds) {
    const auto there = at(std::min(middle, to));
    if (!there) return std::nullopt;
    range = {std::min(range.least, *there), std::max(range.most, *there)};
    if (middle >= to) return range;
  }
}

void Season::write(StateWriter& out) const {
  // 0 = unknown, else one more than the hundredths.
  const auto put = [&out](double root) { out.put(1 + std::round(root * kPrecision)); };
  for (const Bin& bin : bins_) {
    if (bin.cycles == 0) {
      out.put(0);
      continue;
    }
    put(bin.newest);
    if (is_known(bin)) {
      put(bin.root);
    } else {
      out.put(0);
    }
  }
  for (const auto& sum : {before_, now_}) {
    const bool known = sum && sum->bin >= 0;
    out.put(known ? static_cast<double>(sum->bin) + 1 : 0);
    out.put(known ? sum->seconds : 0);
    out.put(known ? sum->work : 0);
  }
}

Result<void> Season::read(StateReader& in) {
  const auto whole = [&in](double most) -> Result<double> {
    GS_TRY(const double number, in.number());
    if (number <= most && number == std::trunc(number)) return number;
    return fail(Errc::kInvalidArgument, "the stored state is damaged; learning begins anew");
  };
  constexpr double kMost = kMostRoot * kPrecision + 1;
  Season fresh(*this);
  for (Bin& bin : fresh.bins_) {
    bin = {};
    GS_TRY(const double newest, whole(kMost));
    if (newest == 0) continue;
    GS_TRY(const double root, whole(kMost));
    bin = {.root = root > 0 ? (root - 1) / kPrecision : 0,
           .newest = (newest - 1) / kPrecision,
           .cycles = root > 0 ? sightings_ : 1};
  }
  for (auto* sum : {&fresh.before_, &fresh.now_}) {
    GS_TRY(const double bin, whole(kMostWritten));
    GS_TRY(const double seconds, in.number());
    GS_TRY(const double work, in.number());
    sum->reset();
    if (bin > 0) *sum = Sum{.bin = static_cast<std::int64_t>(bin) - 1, .seconds = seconds, .work = work};
  }
  *this = std::move(fresh);
  return {};
}

}  // namespace gpuscale::policy
