// SPDX-License-Identifier: Apache-2.0
/// One simulation as a picture: demand, and the nodes that each policy paid for. Pure.
#pragma once
#include <string>
#include <vector>

#include "sim/pool_model.h"

namespace gpuscale::sim {

struct ChartLine {
  std::string name;
  std::vector<double> values;  ///< one a tick; the same number in every line
};

/// A standing SVG document, 960 x 360, with title, axes, a grid and a legend. Of the ticks that share a
/// column of pixels the greatest is drawn, so that no peak is lost.
std::string render_svg(const std::string& title, const std::vector<ChartLine>& lines,
                       std::int64_t tick_seconds);

}  // namespace gpuscale::sim
