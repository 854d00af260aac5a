// SPDX-License-Identifier: Apache-2.0
/// What a simulated cloud does to its nodes, as a pool's `provider: {type: sim}` block says it.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace gpuscale::pool::sim {

struct SimOptions {
  Nanos boot = std::chrono::seconds{30};  ///< from launch to a node that begins to report
  double boot_spread = 20;                ///< percent by which a boot may be faster or slower
  double boot_failures = 0;               ///< percent of the launches that never become ready
  double call_failures = 0;               ///< percent of the calls that fail
  double lost_replies = 0;            ///< percent of the calls whose work is done and whose answer is lost
  int capacity = 0;                   ///< nodes at once; more are refused as no_capacity; 0 = no limit
  Nanos life{0};                      ///< mean time to a node's death; 0 = for ever
  std::vector<std::string> zones;     ///< given out in turn; none = no zone
  std::optional<std::uint64_t> seed;  ///< the same chances each time; absent = others at each start
};

/// Takes what is meant for the cloud out of `block`; what is left is the node's own, as of the local
/// provider. Errors: kInvalidArgument naming the key.
Result<SimOptions> take_options(std::map<std::string, std::string>& block);

/// The same check of the whole block: the cloud's keys and the nodes'.
Result<void> check_options(const std::map<std::string, std::string>& block);

}  // namespace gpuscale::pool::sim
