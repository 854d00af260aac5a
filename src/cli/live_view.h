// SPDX-License-Identifier: Apache-2.0
/// The terminal view of `gpuscale up` and `gpuscale top`: a frame of text made from what the server says.
/// Pure, save for screen_of(), which asks the terminal. Text from outside never reaches the terminal as
/// control characters.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "load/report.h"

namespace gpuscale::cli {

struct NodeView {
  std::string id;
  std::string state;                  ///< "ready", "draining", ...
  std::optional<double> utilization;  ///< percent
  std::optional<double> in_flight;
  std::optional<double> age_seconds;
  std::string reason;
};

struct RuleView {
  std::string name;
  std::string state;        ///< "firing", "inactive", ...
  std::string explanation;  ///< "avg(C, 10s) = 61.2 > 45"
};

struct ActivityView {
  std::optional<WallTime> at;
  std::string kind;
  std::string summary;
};

struct ViewModel {
  std::string cluster;
  WallTime now;
  std::string pool;
  std::optional<double> desired, min, max, ready;
  std::string phase;
  std::string phase_reason;
  std::vector<NodeView> nodes;
  std::optional<double> average;    ///< over the ready nodes that tell, percent
  std::optional<double> threshold;  ///< of the rule that scales out, percent
  std::vector<RuleView> rules;
  std::vector<ActivityView> activity;  ///< ascending by time
  std::optional<load::Report> load;
  std::string trouble;  ///< why the view is not fresh; "" = it is
};

/// From the bodies of GET /api/v1/status (or /pools), /nodes, /rules and /activity; what is missing or of
/// another type stays absent. `pool` "" = the first.
ViewModel view_model(const nlohmann::json& status, const nlohmann::json& nodes, const nlohmann::json& rules,
                     const nlohmann::json& activity, const std::string& pool, WallTime now);

/// The number after the last '>' or '>=' of the first rule's condition that has one: "avg(C, 1m) > 45" -> 45.
std::optional<double> threshold_of(const nlohmann::json& rules);
/// The value that this rule compared last; absent where it had no data.
std::optional<double> average_of(const nlohmann::json& rules);

struct Screen {
  std::size_t width = 80;
  std::size_t height = 24;
  bool color = false;
  bool unicode = true;  ///< false: bars and marks of ASCII
};

/// At most `height` lines of at most `width` columns each, joined by '\n'. Rules, then nodes, then activities
/// give way where the screen is low.
std::string render(const ViewModel& view, const Screen& screen);

/// What a terminal is sent to show the frame in place of the one before without flicker: home, each line
/// cleared to its end, the rest of the screen cleared.
std::string repaint(std::string_view frame);
inline constexpr std::string_view kHideCursor = "\x1b[?25l";
inline constexpr std::string_view kShowCursor = "\x1b[?25h";

/// Of the terminal at `fd`: its size (80 x 24 where it does not tell), colour where it is a terminal,
/// NO_COLOR is not set and TERM is not "dumb", Unicode where the locale's variables name UTF-8.
Screen screen_of(int fd);

}  // namespace gpuscale::cli
