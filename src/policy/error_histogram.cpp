// SPDX-License-Identifier: Apache-2.0
#include "policy/error_histogram.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace gpuscale::policy {
namespace {

constexpr std::size_t kBins = 640;
constexpr double kLeast = -16.0;
constexpr double kWidth = 0.05;
constexpr double kRescaleAt = 1e6;

}  // namespace

ErrorHistogram::ErrorHistogram(double period_seconds, double tau_seconds, double prior_deviation,
                               double prior_weight)
    : bins_(kBins), total_(prior_weight), growth_(std::exp(period_seconds / tau_seconds)) {
  double area = 0;
  for (std::size_t i = 0; i < kBins; ++i) {
    const double z = (kLeast + (static_cast<double>(i) + 0.5) * kWidth) / prior_deviation;
    bins_[i] = std::exp(-0.5 * z * z);
    area += bins_[i];
  }
  for (std::size_t i = 0; i < kBins; ++i) {
    bins_[i] = bins_[i] / area * prior_weight;
    if (bins_[i] > 1e-9 * prior_weight) top_ = i;
  }
}

void ErrorHistogram::pass_period() {
  weight_ *= growth_;
  if (weight_ <= kRescaleAt) return;
  for (double& bin : bins_) bin /= weight_;
  total_ /= weight_;
  weight_ = 1;
}

void ErrorHistogram::add(double error) {
  const double place = std::trunc((error - kLeast) / kWidth);
  const auto bin = static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(kBins - 1)));
  bins_[bin] += weight_;
  total_ += weight_;
  top_ = std::max(top_, bin);
}

double ErrorHistogram::quantile(double alpha) const {
  const double uncovered = 1.0 - alpha;
  double error = 0;
  quantiles({&uncovered, 1}, {&error, 1});
  return error;
}

void ErrorHistogram::quantiles(std::span<const double> uncovered, std::span<double> errors) const {
  std::size_t at = 0;
  double passed = 0;
  for (std::size_t i = top_ + 1; i-- > 0 && at < uncovered.size();) {
    const double bin = bins_[i];
    for (; at < uncovered.size() && passed + bin >= uncovered[at] * total_; ++at) {
      const double inside = bin > 0 ? (uncovered[at] * total_ - passed) / bin : 0.0;
      errors[at] = kLeast + (static_cast<double>(i) + 1 - inside) * kWidth;
    }
    passed += bin;
  }
  for (; at < uncovered.size(); ++at) errors[at] = kLeast;
}

void ErrorHistogram::write(StateWriter& out) const {
  // Weights in units of a sample added now: what has faded to nothing is left out.
  constexpr double kFaded = 1e-12;
  std::vector<std::size_t> held;
  for (std::size_t i = 0; i < kBins; ++i) {
    if (bins_[i] / weight_ > kFaded) held.push_back(i);
  }
  out.put(static_cast<double>(held.size()));
  for (const std::size_t i : held) {
    out.put(static_cast<double>(i));
    out.put(bins_[i] / weight_);
  }
}

Result<void> ErrorHistogram::read(StateReader& in) {
  GS_TRY(const double count, in.number());
  std::vector<double> bins(kBins);
  double total = 0;
  std::size_t top = 0;
  for (double i = 0; i < std::min(count, static_cast<double>(kBins)); ++i) {
    GS_TRY(const double place, in.number());
    GS_TRY(const double weight, in.number());
    if (place >= static_cast<double>(kBins)) {
      return fail(Errc::kInvalidArgument, "the stored state is damaged; learning begins anew");
    }
    top = std::max(top, static_cast<std::size_t>(place));
    bins[static_cast<std::size_t>(place)] += weight;
    total += weight;
  }
  if (!(total > 0)) return fail(Errc::kInvalidArgument, "the stored state is empty; learning begins anew");
  bins_ = std::move(bins);
  total_ = total;
  top_ = top;
  weight_ = 1;
  return {};
}

}  // namespace gpuscale::policy
