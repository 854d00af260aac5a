// SPDX-License-Identifier: Apache-2.0
/// What one look of `gpuscale top` finds, by the agent's or the server's answer. Pure.
#pragma once
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace gpuscale::cli {

struct TopDevice {
  std::string node;
  std::string gpu;  ///< index, with the profile where it is a slice
  std::string uuid;
  std::string model;
  std::string state = "ok";
  std::string detail;  ///< why, where the state is not "ok"
  std::string doubt;
  std::string owner;  ///< of the process with the most memory
  std::optional<double> utilization, saturation, memory_used, memory_total, power, power_limit, temperature;
};

/// A process by the agent's answer, a pod by the server's.
struct TopUse {
  std::string node;
  std::string gpu;
  std::optional<std::int64_t> pid;
  std::string owner;
  std::optional<double> memory;       ///< bytes
  std::optional<double> utilization;  ///< percent of the device
};

struct TopLook {
  std::vector<TopDevice> devices;
  std::vector<TopUse> uses;
};

/// {"devices": [...], "uses": [...]}, numbers under the names that the store has for them; null = unknown.
nlohmann::json json_of(const TopLook& look);

/// From the agent's GET /devices; what is missing stays absent.
TopLook look_of_agent(const nlohmann::json& answer);

/// The server's store as a place to look at: it knows what the agents sent, so a device whose agent fell
/// silent has to be remembered, or it would vanish from the screen when it matters.
class ServerLooks {
 public:
  /// Statements for one request, the same number each time but the first, which also asks for what fell
  /// silent before.
  std::string query() const;
  /// Devices that answer, those that fell silent within the last ten minutes, and nodes without a device that
  /// answers.
  TopLook take(const nlohmann::json& answer, WallTime now);

 private:
  struct Seen {
    TopDevice device;
    WallTime at;
  };
  std::map<std::string, Seen> seen_;  ///< by node and uuid
  bool first_ = true;
};

}  // namespace gpuscale::cli
