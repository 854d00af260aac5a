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

/// What a phase's reason tells of.
enum class PhaseCause {
  kCounts,    ///< of nodes, ready and coming and leaving: nothing stands in the way
  kFault,     ///< of provider, telemetry or state.db
  kFlapping,  ///< the pool shrank and grew under the same load
  kDevices,   ///< ready nodes have failed devices
  kSilence,   ///< ready nodes send no telemetry
  kBlocked,   ///< there are more nodes than wanted, and none may go
};
std::string_view to_string(PhaseCause cause);

struct PhaseInput {
  int desired = 0;
  pool::PoolCounts counts;
  std::vector<std::string> silent;  ///< ready nodes whose telemetry has stopped
  std::vector<std::string> sick;    ///< ready nodes that report failed devices
  std::string fault;                ///< of provider, telemetry or state.db; "" = none
  std::string flapping;             ///< "" = it does not
  std::string scale_in_blocked;
};

struct PhaseVerdict {
  PoolPhase phase = PoolPhase::kSteady;
  std::string reason;
  PhaseCause cause = PhaseCause::kCounts;
};

PhaseVerdict judge_phase(const PhaseInput& input);

}  // namespace gpuscale::scaling
