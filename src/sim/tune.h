// SPDX-License-Identifier: Apache-2.0
/// The setting of a policy that a pool's own history asks for, and how sure that is. Pure.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "policy/catalogue.h"
#include "sim/pool_model.h"

namespace gpuscale::sim {

struct TuneOptions {
  double most_bad = 0.001;  ///< share of the load that may be late or lost
  std::size_t parts = 4;    ///< that the history is cut into; each is left out once
};

/// What the setting that the other parts chose did on the part that it had not seen.
struct LeftOut {
  double knob = 0;
  double bad = 0;
  double node_hours = 0;
};

struct Tuning {
  policy::PolicyChoice proposal;  ///< chosen on the whole history
  double bad = 0;                 ///< of the proposal, over all parts
  double node_hours = 0;
  bool reaches_goal = false;  ///< false = no setting does; the proposal is the one with the least bad load
  std::vector<LeftOut> left_out;

  /// Parts in which what was chosen without them kept to the goal, of all parts.
  double sureness(double most_bad) const;
};

/// Settings tried: a fixed ladder over the policy's own range. Each runs through the whole history once, as
/// it would have lived through it: only the first part begins with nothing learned.
/// @param name of a policy with a setting; kInvalidArgument where it has none or the history is too short
/// (each part must hold an hour)
Result<Tuning> tune(std::span<const double> demand, const PoolParameters& parameters, const std::string& name,
                    const TuneOptions& options);

}  // namespace gpuscale::sim
