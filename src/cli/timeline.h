// SPDX-License-Identifier: Apache-2.0
/// One reaction of the loop, hop by hop: from the step of the load to the node that takes it. Built from the
/// activity ledger alone, so the demo's check and the reaction benchmark split it alike. Pure.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activity/ledger.h"
#include "base/result.h"
#include "base/time.h"

namespace gpuscale::cli {

/// The entries of {"activity":[...]}, ascending by time. Errors: kCorrupt naming the entry.
Result<std::vector<activity::Entry>> parse_activity(const nlohmann::json& body);

/// "scale_out" or "scale_in" of a trigger's or a pool's entry, by details.type, else by details.from and
/// details.to; "" where the entry does not say.
std::string_view direction_of(const activity::Entry& entry);

/// Names of the hops, in order. The firing evaluation is the first after the load step whose trigger scales
/// out.
inline constexpr std::string_view kHopLoadStep = "load step";
inline constexpr std::string_view kHopSample = "newest sample";  ///< of the firing evaluation
inline constexpr std::string_view kHopStored = "stored";         ///< when that sample was
inline constexpr std::string_view kHopRuleFired = "rule fired";
inline constexpr std::string_view kHopMessageSent = "webhook sent";  ///< and answered
inline constexpr std::string_view kHopAccepted = "trigger accepted";
inline constexpr std::string_view kHopLaunching = "node launching";
inline constexpr std::string_view kHopReady = "node ready";
inline constexpr std::string_view kHopUnder = "average under the line";  ///< the rule is content again

struct Hop {
  std::string name;
  std::optional<WallTime> at;  ///< absent = it was not found
  std::string subject;         ///< rule, channel, trigger or node
};

class Timeline {
 public:
  std::vector<Hop>
      hops;  ///< as the names above, save that the trigger's acceptance may precede the webhook's answer
  std::string correlation;  ///< of the episode; "" where no rule fired

  std::optional<WallTime> at(std::string_view name) const;
  /// Between two hops by name, as "load step" to "trigger accepted"; absent where either is missing.
  std::optional<Nanos> between(std::string_view from, std::string_view to) const;
};

/// The first reaction after `load_step_at`. Always holds every hop.
Timeline timeline(const std::vector<activity::Entry>& entries, WallTime load_step_at);

/// A table with the time (UTC) of every hop, the seconds since the first and since the one before.
std::string to_text(const Timeline& timeline);
/// {"correlation","hops":[{"name","at","subject","since_start_ms","since_previous_ms"}]}; absent values are
/// null.
nlohmann::json to_json(const Timeline& timeline);

/// "02:15:36.123"; "-" where absent.
std::string format_clock(const std::optional<WallTime>& at);
/// "+3.214 s"; "-" where absent.
std::string format_delta(const std::optional<Nanos>& delta);

}  // namespace gpuscale::cli
