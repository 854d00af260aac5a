// SPDX-License-Identifier: Apache-2.0
/// The screen of `gpuscale top`: a line per device with bars, a sparkline and its state. Pure.
#pragma once
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/live_view.h"

namespace gpuscale::cli {

struct TopDevice {
  std::string node;
  std::string gpu;  ///< index, with the profile where it is a slice
  std::string uuid;
  std::string model;
  std::string state = "ok";
  std::string doubt;
  std::string owner;  ///< of the process with the most memory
  std::optional<double> utilization, utilization_max, saturation, memory_used, memory_total, power,
      power_limit, temperature;
};

enum class TopOrder { kDevice, kUtilization, kSaturation, kMemory, kPower };

/// What the keys have set.
struct TopState {
  TopOrder order = TopOrder::kDevice;
  std::string filter;   ///< only devices whose node, model, owner or state hold it
  bool typing = false;  ///< a filter is being typed
  bool quit = false;
  std::map<std::string, std::deque<double>> history;  ///< utilisation by uuid, newest last
};

/// d device, u utilisation, s saturation, m memory, p power: order. / then text and Enter: filter; Escape
/// clears it. q or Ctrl-C ends.
void press(TopState& state, char key);
/// Adds one look's utilisation to the sparklines; devices that are gone are forgotten.
void remember(TopState& state, const std::vector<TopDevice>& devices);

/// From the agent's GET /devices; what is missing stays absent.
std::vector<TopDevice> devices_of_agent(const nlohmann::json& answer);
/// From the server's answer to top_query(): the newest line of each device, `gpu` lines older than the
/// query's bound not among them.
std::vector<TopDevice> devices_of_server(const nlohmann::json& answer);
std::string top_query();

/// At most `screen.height` lines of at most `screen.width` columns, joined by '\n'. `trouble` says why the
/// view is not fresh; "" = it is.
std::string render_top(const std::vector<TopDevice>& devices, const TopState& state, const std::string& title,
                       const std::string& trouble, const Screen& screen);

}  // namespace gpuscale::cli
