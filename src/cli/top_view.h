// SPDX-License-Identifier: Apache-2.0
/// The screen of `gpuscale top`: a line per device with bars, a sparkline and its state. Pure.
#pragma once
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cli/live_view.h"
#include "cli/top_look.h"

namespace gpuscale::cli {

enum class TopOrder { kDevice, kUtilization, kSaturation, kMemory, kPower };

/// What the keys have set.
struct TopState {
  TopOrder order = TopOrder::kDevice;
  std::string filter;   ///< only devices whose node, model, owner or state hold it
  bool typing = false;  ///< a filter is being typed
  bool uses = false;    ///< below the devices: who uses them
  bool quit = false;
  std::map<std::string, std::deque<double>> history;  ///< utilisation by uuid, newest last
};

/// d device, u utilisation, s saturation, m memory, p power: order. t shows and hides who uses the devices.
/// / then text and Enter: filter; Escape clears it. q or Ctrl-C ends.
void press(TopState& state, char key);
/// Adds one look's utilisation to the sparklines; devices that are gone are forgotten.
void remember(TopState& state, const std::vector<TopDevice>& devices);

/// At most `screen.height` lines of at most `screen.width` columns, joined by '\n'. `trouble` says why the
/// view is not fresh; "" = it is.
std::string render_top(const TopLook& look, const TopState& state, const std::string& title,
                       const std::string& trouble, const Screen& screen);

}  // namespace gpuscale::cli
