// SPDX-License-Identifier: Apache-2.0
/// Which node a scale-in takes: the ready one with the least measured GPU work. A node that nothing is known
/// about is never taken: silence is not idleness. Pure.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pool/node.h"
#include "scaling/node_record.h"
#include "scaling/telemetry.h"

namespace gpuscale::scaling {

struct Victim {
  int rank = 0;        ///< 1 = would be taken next; 0 = would not be taken
  std::string reason;  ///< why (not), for people
};

/// By node id, one entry for every record. Least mean utilisation first, then fewest requests in flight
/// (unknown last), then the youngest, then by id. `telemetry` absent = it could not be read, so nobody may be
/// taken.
std::map<std::string, Victim> rank_victims(const std::vector<NodeRecord>& nodes,
                                           const std::optional<TelemetryByNode>& telemetry,
                                           const pool::PoolSpec& spec, WallTime now);

/// Mean utilisation that the ready nodes would have if `removed` of them went and their work stayed:
/// U*N/(N-k). Absent where a ready node's utilisation is unknown or nobody would be left.
std::optional<double> projected_utilization(const std::vector<NodeRecord>& nodes,
                                            const TelemetryByNode& telemetry, int removed);

/// "3.2 % GPU work".
std::string describe_utilization(double percent);

}  // namespace gpuscale::scaling
