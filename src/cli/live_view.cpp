// SPDX-License-Identifier: Apache-2.0
#include "cli/live_view.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "cli/screen_text.h"

namespace gpuscale::cli {
namespace {

constexpr std::size_t kMaxActivities = 8;

std::string printed(const char* format, double value) {
  std::array<char, 48> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, value);
  return buffer.data();
}

std::string whole(const std::optional<double>& value) {
  return value ? printed("%.0f", *value) : "-";
}

std::string percent(const std::optional<double>& value) {
  return value ? printed("%5.1f %%", *value) : "      -";
}

std::string clock_of(const std::optional<WallTime>& at) {
  if (!at) return "--:--:--";
  const auto seconds =
      std::chrono::floor<std::chrono::seconds>(*at - std::chrono::floor<std::chrono::days>(*at)).count();
  std::array<char, 40> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%02d:%02d:%02d", static_cast<int>(seconds / 3600),
                static_cast<int>(seconds / 60 % 60), static_cast<int>(seconds % 60));
  return buffer.data();
}

Ink ink_of_state(std::string_view state) {
  if (state == "ready" || state == "steady" || state == "inactive") return Ink::kGreen;
  if (state == "firing" || state == "error" || state == "degraded") return Ink::kRed;
  if (state == "no_data" || state == "paused" || state == "gone") return Ink::kDim;
  return Ink::kYellow;
}

Ink ink_of_load(const std::optional<double>& value, const std::optional<double>& threshold) {
  if (!value) return Ink::kDim;
  return *value > threshold.value_or(101) ? Ink::kRed : Ink::kGreen;
}

/// How many lines each list may take.
struct Shares {
  std::size_t nodes = 0;
  std::size_t rules = 0;
  std::size_t activity = 0;
  bool headings = true;
};

Shares share_out(const ViewModel& view, std::size_t room) {
  Shares shares{view.nodes.size(), view.rules.size(), std::min(view.activity.size(), kMaxActivities), true};
  const auto wanted = [&shares] {
    return shares.nodes + shares.rules + shares.activity + (shares.headings ? 3U : 0U);
  };
  const auto give_way = [&](std::size_t& share, std::size_t keep) {
    const std::size_t excess = wanted() > room ? wanted() - room : 0;
    share -= std::min(excess, share > keep ? share - keep : 0);
  };
  give_way(shares.activity, 4);
  give_way(shares.nodes, 6);
  if (wanted() > room) shares.headings = false;
  give_way(shares.activity, 1);
  give_way(shares.nodes, 2);
  give_way(shares.rules, 1);
  return shares;
}

class Frame {
 public:
  Frame(const ViewModel& view, const Screen& screen) : view_(view), screen_(screen) {}

  std::string text() {
    add_head();
    add_average();
    add_load();
    const std::size_t used = lines_.size();
    const Shares shares = share_out(view_, screen_.height > used ? screen_.height - used : 0);
    add_nodes(shares);
    add_rules(shares);
    add_activity(shares);
    std::string text;
    for (std::size_t i = 0; i < std::min(lines_.size(), screen_.height); ++i) {
      if (i > 0) text += '\n';
      text += lines_[i];
    }
    return text;
  }

 private:
  ScreenLine line() const { return {screen_.width, screen_.color, screen_.unicode}; }
  void add(const ScreenLine& line) { lines_.push_back(line.text()); }
  void add_heading(std::string_view text, const Shares& shares) {
    if (!shares.headings) return;
    ScreenLine heading = line();
    heading.add(text, Ink::kDim);
    add(heading);
  }
  void add_head();
  void add_average();
  void add_load();
  void add_nodes(const Shares& shares);
  void add_rules(const Shares& shares);
  void add_activity(const Shares& shares);
  std::size_t bar_width(std::size_t others) const {
    return std::clamp<std::size_t>(screen_.width > others ? screen_.width - others : 0, 4, 40);
  }

  const ViewModel& view_;
  const Screen& screen_;
  std::vector<std::string> lines_;
};

void Frame::add_head() {
  ScreenLine title = line();
  title.add("gpuscale ", Ink::kBold);
  const std::string time = clock_of(view_.now) + " UTC";
  title.add(fit(view_.cluster, title.left() > time.size() + 1 ? title.left() - time.size() - 1 : 0,
                screen_.unicode),
            Ink::kBold);
  if (title.left() > time.size()) title.pad_to(screen_.width - time.size());
  title.add(time, Ink::kDim);
  add(title);

  ScreenLine pool = line();
  pool.add("pool " + view_.pool + "  ");
  pool.add(whole(view_.ready) + "/" + whole(view_.desired) + " ready", Ink::kBold);
  pool.add("  " + whole(view_.min) + ".." + whole(view_.max) + "  ");
  pool.add(view_.phase, ink_of_state(view_.phase));
  if (!view_.phase_reason.empty()) pool.add("  " + view_.phase_reason, Ink::kDim);
  add(pool);
  if (view_.trouble.empty()) return;
  ScreenLine trouble = line();
  trouble.add(view_.trouble, Ink::kRed);
  add(trouble);
}

void Frame::add_average() {
  ScreenLine average = line();
  average.add("average ");
  average.add(bar(view_.average, view_.threshold, bar_width(38), screen_.unicode),
              ink_of_load(view_.average, view_.threshold));
  average.add(" " + percent(view_.average), Ink::kBold);
  if (view_.threshold) average.add("  line at " + printed("%g", *view_.threshold) + " %", Ink::kDim);
  add(average);
}

void Frame::add_load() {
  if (!view_.load) return;
  const load::Report& report = *view_.load;
  const load::Window& recent = report.last_10s;
  ScreenLine load = line();
  load.add("load    " + printed("%.1f/s", recent.per_second(recent.offered)) + " offered " +
           printed("%.1f/s", recent.per_second(recent.served)) + " served  p50 " +
           load::format_latency(recent.latency.p50) + " p99 " + load::format_latency(recent.latency.p99) +
           "  ");
  load.add("lost " + std::to_string(report.lost), report.lost > 0 ? Ink::kRed : Ink::kPlain);
  add(load);
}

void Frame::add_nodes(const Shares& shares) {
  add_heading("nodes", shares);
  std::size_t id_width = 4;
  for (const NodeView& node : view_.nodes) id_width = std::max(id_width, columns_of(node.id));
  id_width = std::min<std::size_t>(id_width, 20);
  const bool cut = view_.nodes.size() > shares.nodes;
  const std::size_t shown = cut && shares.nodes > 0 ? shares.nodes - 1 : shares.nodes;
  for (std::size_t i = 0; i < std::min(shown, view_.nodes.size()); ++i) {
    const NodeView& node = view_.nodes[i];
    ScreenLine row = line();
    row.add("  " + fit(node.id, id_width, screen_.unicode));
    row.pad_to(2 + id_width + 2);
    row.add(node.state, ink_of_state(node.state));
    row.pad_to(2 + id_width + 2 + 10);
    if (node.state != "ready" && !node.utilization && !node.reason.empty()) {
      row.add(node.reason, Ink::kDim);
      add(row);
      continue;
    }
    row.add(bar(node.utilization, view_.threshold, bar_width(id_width + 40), screen_.unicode),
            ink_of_load(node.utilization, view_.threshold));
    row.add(" " + percent(node.utilization));
    if (node.in_flight) row.add("  in flight " + whole(node.in_flight), Ink::kDim);
    if (node.state != "ready" && !node.reason.empty()) row.add("  " + node.reason, Ink::kDim);
    add(row);
  }
  if (!cut || shares.nodes == 0) return;
  ScreenLine more = line();
  more.add("  and " + std::to_string(view_.nodes.size() - shown) + " more", Ink::kDim);
  add(more);
}

void Frame::add_rules(const Shares& shares) {
  add_heading("rules", shares);
  std::size_t name_width = 0;
  for (const RuleView& rule : view_.rules) name_width = std::max(name_width, columns_of(rule.name));
  name_width = std::min<std::size_t>(name_width, 28);
  for (std::size_t i = 0; i < shares.rules; ++i) {
    const RuleView& rule = view_.rules[i];
    ScreenLine row = line();
    row.add("  " + fit(rule.name, name_width, screen_.unicode));
    row.pad_to(2 + name_width + 2);
    row.add(rule.state, ink_of_state(rule.state));
    row.pad_to(2 + name_width + 2 + 10);
    row.add(rule.explanation, Ink::kDim);
    add(row);
  }
}

void Frame::add_activity(const Shares& shares) {
  add_heading("activity", shares);
  for (std::size_t i = view_.activity.size() - std::min(shares.activity, view_.activity.size());
       i < view_.activity.size(); ++i) {
    const ActivityView& entry = view_.activity[i];
    ScreenLine row = line();
    row.add("  " + clock_of(entry.at) + "  ", Ink::kDim);
    row.add(fit(entry.kind, 18, screen_.unicode), Ink::kCyan);
    row.pad_to(2 + 8 + 2 + 18 + 1);
    row.add(entry.summary);
    add(row);
  }
}

}  // namespace

std::string render(const ViewModel& view, const Screen& screen) {
  return Frame(view, screen).text();
}

std::string repaint(std::string_view frame) {
  std::string out = "\x1b[H";
  for (const char c : frame) {
    if (c == '\n') {
      out += "\x1b[K\r\n";
    } else {
      out += c;
    }
  }
  return out + "\x1b[K\x1b[J";
}

Screen screen_of(int fd) {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string_view(value == nullptr ? "" : value);
  };
  Screen screen;
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
    screen.width = size.ws_col;
    screen.height = size.ws_row;
  }
  screen.color = ::isatty(fd) != 0 && variable("NO_COLOR").empty() && variable("TERM") != "dumb";
  // The first of these that is set decides, as for setlocale(3).
  std::string_view locale = variable("LC_ALL");
  if (locale.empty()) locale = variable("LC_CTYPE");
  if (locale.empty()) locale = variable("LANG");
  screen.unicode =
      locale.find("UTF-8") != std::string_view::npos || locale.find("utf8") != std::string_view::npos;
  return screen;
}

}  // namespace gpuscale::cli
