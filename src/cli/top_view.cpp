// SPDX-License-Identifier: Apache-2.0
#include "cli/top_view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <tuple>
#include <utility>

#include "base/duration.h"
#include "cli/screen_text.h"

namespace gpuscale::cli {
namespace {

constexpr std::size_t kSparkline = 8;
constexpr std::size_t kMostFilter = 40;
constexpr std::size_t kBar = 10;

std::string whole(std::optional<double> value, const char* absent = "-") {
  return value ? std::to_string(std::lround(*value)) : absent;
}

std::string gibibytes(std::optional<double> bytes) {
  if (!bytes) return "-";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", *bytes / (1 << 30));
  return text.data();
}

std::string sparkline(const std::deque<double>& values, bool unicode) {
  static constexpr std::array<const char*, 8> kBlocks{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static constexpr std::array<const char*, 8> kAscii{"_", ".", "-", "-", "=", "=", "#", "#"};
  std::string out;
  for (const double value : values) {
    const auto level = static_cast<std::size_t>(std::clamp(value / 100 * 7.999, 0.0, 7.0));
    out += (unicode ? kBlocks : kAscii)[level];
  }
  return out;
}

double key_of(const TopDevice& device, TopOrder order) {
  const std::optional<double>& value = order == TopOrder::kUtilization  ? device.utilization
                                       : order == TopOrder::kSaturation ? device.saturation
                                       : order == TopOrder::kMemory     ? device.memory_used
                                                                        : device.power;
  return value.value_or(-1);
}

std::vector<const TopDevice*> shown_devices(const std::vector<TopDevice>& devices, const TopState& state) {
  std::vector<const TopDevice*> shown;
  for (const TopDevice& device : devices) {
    const std::string all = device.node + " " + device.model + " " + device.owner + " " + device.state;
    if (all.find(state.filter) != std::string::npos) shown.push_back(&device);
  }
  std::stable_sort(shown.begin(), shown.end(), [&](const TopDevice* a, const TopDevice* b) {
    if (state.order == TopOrder::kDevice) return std::tie(a->node, a->gpu) < std::tie(b->node, b->gpu);
    return key_of(*a, state.order) > key_of(*b, state.order);
  });
  return shown;
}

Ink ink_of(std::optional<double> percent) {
  if (!percent) return Ink::kDim;
  return *percent >= 90 ? Ink::kRed : *percent >= 60 ? Ink::kYellow : Ink::kGreen;
}

std::string right(const std::string& text, std::size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}

/// Columns of a screen of 80: NODE 12, GPU 4, UTIL bar 10 + 4, spark 8, SAT 4, MEM 11, POWER 8, TEMP 4, WHO
/// rest.
ScreenLine head(const Screen& screen) {
  ScreenLine line(screen.width, screen.color, screen.unicode);
  line.add("NODE", Ink::kBold);
  line.pad_to(13);
  line.add("GPU", Ink::kBold);
  line.pad_to(18);
  line.add("UTIL %", Ink::kBold);
  line.pad_to(42);
  line.add(" SAT", Ink::kBold);
  line.pad_to(47);
  line.add("   MEM GiB", Ink::kBold);
  line.pad_to(58);
  line.add("  W/LIM", Ink::kBold);
  line.pad_to(66);
  line.add("  C", Ink::kBold);
  line.pad_to(70);
  line.add("WHO/STATE", Ink::kBold);
  return line;
}

ScreenLine row(const TopDevice& device, const TopState& state, const Screen& screen) {
  ScreenLine line(screen.width, screen.color, screen.unicode);
  line.add(fit(device.node, 12, screen.unicode));
  line.pad_to(13);
  line.add(fit(device.gpu, 4, screen.unicode));
  line.pad_to(18);
  if (device.state != "ok") {
    line.add(device.state, Ink::kRed);
    if (!device.detail.empty()) line.add("  " + device.detail, Ink::kDim);
    return line;
  }
  line.add(bar(device.utilization, std::nullopt, kBar, screen.unicode), ink_of(device.utilization));
  line.pad_to(28);
  line.add(right(whole(device.utilization), 4));
  line.pad_to(33);
  if (const auto past = state.history.find(device.uuid); past != state.history.end()) {
    line.add(sparkline(past->second, screen.unicode), Ink::kCyan);
  }
  line.pad_to(42);
  line.add(right(whole(device.saturation), 4), ink_of(device.saturation));
  line.pad_to(47);
  line.add(right(gibibytes(device.memory_used) + "/" + gibibytes(device.memory_total), 10));
  line.pad_to(58);
  line.add(right(whole(device.power) + "/" + whole(device.power_limit), 7));
  line.pad_to(66);
  line.add(right(whole(device.temperature), 3));
  line.pad_to(70);
  if (!device.doubt.empty()) line.add("!", Ink::kYellow);
  line.add(device.owner, Ink::kDim);
  return line;
}

/// A head and at most `room` - 1 users, those with the most memory (or utilisation, where that is the order)
/// first.
std::vector<std::string> use_lines(const std::vector<TopUse>& uses, const TopState& state, std::size_t room,
                                   const Screen& screen) {
  if (room == 0) return {};
  std::vector<const TopUse*> shown;
  for (const TopUse& use : uses) {
    if ((use.node + " " + use.owner).find(state.filter) != std::string::npos) shown.push_back(&use);
  }
  std::stable_sort(shown.begin(), shown.end(), [&](const TopUse* a, const TopUse* b) {
    const auto key = [&](const TopUse& use) {
      return (state.order == TopOrder::kUtilization ? use.utilization : use.memory).value_or(-1);
    };
    return key(*a) > key(*b);
  });
  std::vector<std::string> lines;
  const auto add = [&](const std::string& node, const std::string& gpu, const std::string& pid,
                       const std::string& memory, const std::string& utilization, const std::string& who,
                       Ink ink) {
    ScreenLine line(screen.width, screen.color, screen.unicode);
    line.add(fit(node, 12, screen.unicode), ink);
    line.pad_to(13);
    line.add(fit(gpu, 4, screen.unicode), ink);
    line.pad_to(18);
    line.add(right(pid, 8), ink);
    line.pad_to(28);
    line.add(right(utilization, 6), ink);
    line.pad_to(36);
    line.add(right(memory, 8), ink);
    line.pad_to(46);
    line.add(who, ink);
    lines.push_back(line.text());
  };
  add("NODE", "GPU", "PID", "MEM GiB", "UTIL %", shown.empty() ? "WHO (nobody)" : "WHO", Ink::kBold);
  for (std::size_t i = 0; i < shown.size() && lines.size() < room; ++i) {
    const TopUse& use = *shown[i];
    add(use.node, use.gpu, use.pid ? std::to_string(*use.pid) : "-", gibibytes(use.memory),
        whole(use.utilization), use.owner, Ink::kPlain);
  }
  return lines;
}

}  // namespace

void press(TopState& state, char key) {
  constexpr char kEscape = '\x1b';
  constexpr char kInterrupt = '\x03';
  if (key == kInterrupt) {
    state.quit = true;
  } else if (key == kEscape) {
    state.filter.clear();
    state.typing = false;
  } else if (state.typing) {
    if (key == '\r' || key == '\n') {
      state.typing = false;
    } else if (key == '\x7f' || key == '\b') {
      if (!state.filter.empty()) state.filter.pop_back();
    } else if (key >= ' ' && state.filter.size() < kMostFilter) {
      state.filter += key;
    }
  } else if (key == 'q') {
    state.quit = true;
  } else if (key == '/') {
    state.typing = true;
  } else if (key == 't') {
    state.uses = !state.uses;
  } else {
    constexpr std::pair<char, TopOrder> kKeys[] = {{'d', TopOrder::kDevice},
                                                   {'u', TopOrder::kUtilization},
                                                   {'s', TopOrder::kSaturation},
                                                   {'m', TopOrder::kMemory},
                                                   {'p', TopOrder::kPower}};
    for (const auto& [letter, order] : kKeys) {
      if (key == letter) state.order = order;
    }
  }
}

void remember(TopState& state, const std::vector<TopDevice>& devices) {
  auto before = std::exchange(state.history, {});
  for (const TopDevice& device : devices) {
    std::deque<double>& values = state.history[device.uuid];
    values = std::move(before[device.uuid]);
    if (device.utilization && device.state == "ok") values.push_back(*device.utilization);
    if (values.size() > kSparkline) values.pop_front();
  }
}

std::string render_top(const TopLook& look, const TopState& state, const std::string& title,
                       const std::string& trouble, const Screen& screen) {
  const std::vector<const TopDevice*> shown = shown_devices(look.devices, state);
  double sum = 0;
  std::size_t measured = 0;
  std::size_t silent = 0;
  for (const TopDevice* device : shown) {
    if (device->state.starts_with("silent")) ++silent;
    if (!device->utilization || device->state != "ok") continue;
    sum += *device->utilization;
    ++measured;
  }
  ScreenLine first(screen.width, screen.color, screen.unicode);
  first.add(title, Ink::kBold);
  first.add("  " + std::to_string(shown.size()) + " of " + std::to_string(look.devices.size()) + " devices");
  if (silent > 0) first.add(", " + std::to_string(silent) + " silent", Ink::kYellow);
  if (measured > 0) first.add("  mean " + whole(sum / static_cast<double>(measured)) + " %");
  if (!trouble.empty()) first.add("  " + trouble, Ink::kRed);
  std::vector<std::string> lines{first.text(), head(screen).text()};
  const std::size_t room = screen.height > 4 ? screen.height - 4 : 0;
  const std::size_t room_of_uses = room - std::min(shown.size(), (room + 1) / 2);
  const std::vector<std::string> uses =
      state.uses ? use_lines(look.uses, state, room_of_uses, screen) : std::vector<std::string>{};
  const std::size_t rows = std::min(shown.size(), room - uses.size());
  for (std::size_t i = 0; i < rows; ++i) lines.push_back(row(*shown[i], state, screen).text());
  lines.insert(lines.end(), uses.begin(), uses.end());
  const auto doubtful =
      std::find_if(shown.begin(), shown.end(), [](const TopDevice* d) { return !d->doubt.empty(); });
  ScreenLine note(screen.width, screen.color, screen.unicode);
  if (rows < shown.size()) {
    note.add(std::to_string(shown.size() - rows) + " more do not fit", Ink::kDim);
  } else if (doubtful != shown.end()) {
    note.add("! " + (*doubtful)->node + " GPU " + (*doubtful)->gpu + ": " + (*doubtful)->doubt, Ink::kYellow);
  }
  ScreenLine keys(screen.width, screen.color, screen.unicode);
  if (state.typing || !state.filter.empty()) {
    keys.add("filter: " + state.filter + (state.typing ? "_  Enter keeps, Esc clears" : "  Esc clears"));
  } else {
    keys.add("order: device util saturation memory power  t who uses it  / filter  q quit", Ink::kDim);
  }
  lines.push_back(note.text());
  lines.push_back(keys.text());
  std::string out;
  for (std::size_t i = 0; i < std::min(lines.size(), screen.height); ++i)
    out += (i > 0 ? "\n" : "") + lines[i];
  return out;
}

}  // namespace gpuscale::cli
