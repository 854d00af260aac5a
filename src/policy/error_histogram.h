// SPDX-License-Identifier: Apache-2.0
/// Private to the room: how wrong forecasts were, forgetting exponentially.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "policy/state_text.h"

namespace gpuscale::policy {

/// Errors on [-16, 16) in roots of nodes (a load's noise grows like its root), in bins of 0.05.
class ErrorHistogram {
 public:
  /// @param tau_seconds after which a sample counts 1/e
  /// @param prior_deviation, prior_weight of the bell curve that stands in until there are samples
  ErrorHistogram(double period_seconds, double tau_seconds, double prior_deviation, double prior_weight);

  void pass_period();
  void add(double error);
  /// The error that the share `alpha` of all weight does not exceed; linear within a bin.
  double quantile(double alpha) const;
  /// The errors that the shares `uncovered` of all weight exceed, into `errors`. Shares ascend.
  void quantiles(std::span<const double> uncovered, std::span<double> errors) const;

  /// Only bins that hold weight are written.
  void write(StateWriter& out) const;
  /// kInvalidArgument leaves it as it was.
  Result<void> read(StateReader& in);

 private:
  std::vector<double> bins_;
  double total_ = 0;
  std::size_t top_ = 0;  ///< the highest bin that holds weight
  double weight_ = 1;    ///< of a sample added now: it grows instead of the others fading
  double growth_ = 1;    ///< of weight_ in a period
};

}  // namespace gpuscale::policy
