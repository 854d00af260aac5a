// SPDX-License-Identifier: Apache-2.0
/// The victim ledger: for every node of a pool whether a scale-in would take it, when, and why (not). Sick
/// nodes go first, then the one with the least measured GPU work. A node that nothing is known about is never
/// taken: silence is not idleness. Entries are numbers; their sentences are made when somebody asks. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pool/node.h"
#include "scaling/class_load.h"
#include "scaling/node_record.h"
#include "scaling/telemetry.h"

namespace gpuscale::scaling {

/// Where a node stands. From kLeaving on it is not taken.
enum class Standing {
  kSpare,  ///< may be taken
  kSick,   ///< reports failed devices for long enough: first to go, and not capacity
  kLeaving,
  kComing,
  kProtected,
  kReturning,      ///< taken back, but it has not confirmed it
  kTelemetryDown,  ///< telemetry cannot be read
  kNeverHeard,
  kSilent,
  kLoadUnknown,
  kDevicesUnknown,  ///< the load of some of its devices is unknown
};
std::string_view to_string(Standing standing);

/// Whether a node's devices work, as far as it says.
enum class Health { kUnknown, kGood, kFailing, kSick };
std::string_view to_string(Health health);

struct Victim {
  int rank = 0;  ///< 1 = would be taken next; 0 = would not be taken
  Standing standing = Standing::kLoadUnknown;
  Health health = Health::kUnknown;
  std::optional<double> utilization;
  std::optional<std::int64_t> in_flight;
  std::int64_t devices = 0;
  std::int64_t devices_unknown = 0;  ///< failed or not measured
  Nanos silent_for{0};               ///< of kSilent
  std::string gpu_class{};
  std::string zone{};
  std::optional<std::int64_t> memory_used{};  ///< bytes
  bool last_of_zone = false;  ///< its zone would be empty without it while others are not: others go first
  bool spared = false;        ///< may go in its turn
  /// In a pool of several classes: the class that is burdened most once it and those before it have gone.
  std::optional<Departures::Burden> burden{};
};

/// What is known of one node.
struct VictimFacts {
  const NodeRecord* record;
  const NodeTelemetry* telemetry;  ///< null = it has said nothing
  Nanos failing_for{0};            ///< since it first reported a failed device without a pause
  std::string_view zone{};
};

/// One entry for each fact, in their order. Sick ones first (those without a working device before the
/// others), then least mean utilisation, fewest requests in flight, least memory held (unknown last),
/// youngest, id; but the last healthy node of a zone only after those of the zones that keep one.
/// `telemetry_read` = it could be read at all. O(n log n).
std::vector<Victim> rank_victims(const std::vector<VictimFacts>& facts, bool telemetry_read,
                                 const pool::PoolSpec& spec, WallTime now);

/// "3.2 % GPU work, 0 in flight: the least measured work of the pool".
std::string describe(const Victim& victim, const pool::Node& node);

/// "3 requests in flight, 61.2 GiB of GPU memory held"; "" where nothing is known of it.
std::string cost_to_move(const Victim& victim);

/// "3.2 %".
std::string percent_text(double percent);

}  // namespace gpuscale::scaling
