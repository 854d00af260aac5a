// SPDX-License-Identifier: Apache-2.0
/// Lines that a program on the node pushes to the agent (POST /write): any business metric that a rule may go
/// by. Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "agent/sampler.h"
#include "metrics/line_protocol.h"

namespace gpuscale::agent {

struct PushedLines {
  std::vector<std::string> lines;   ///< with cluster, pool and node where they had none, and a time
  std::vector<std::string> errors;  ///< one per line that is refused
};

/// Measurements `gpu` and `node` are refused: nodes are removed by what they say, and only the agent knows
/// it.
PushedLines take_pushed(const NodeIdentity& identity, std::string_view body, metrics::Precision precision,
                        WallTime now);

}  // namespace gpuscale::agent
