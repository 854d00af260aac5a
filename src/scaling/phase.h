// SPDX-License-Identifier: Apache-2.0
/// A pool's condition in one word and one sentence. Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "pool/node.h"

namespace gpuscale::scaling {

enum class PoolPhase { kSteady, kScalingOut, kScalingIn, kDegraded };
std::string_view to_string(PoolPhase phase);

struct PhaseInput {
  int desired = 0;
  pool::PoolCounts counts;
  std::vector<std::string> silent;  ///< ready nodes whose telemetry has stopped
  std::vector<std::string> sick;    ///< ready nodes that report failed devices
  std::string fault;                ///< of provider, telemetry or state.db; "" = none
  std::string scale_in_blocked;
};

struct PhaseVerdict {
  PoolPhase phase = PoolPhase::kSteady;
  std::string reason;
};

PhaseVerdict judge_phase(const PhaseInput& input);

}  // namespace gpuscale::scaling
