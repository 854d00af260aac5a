// SPDX-License-Identifier: Apache-2.0
#include "cli/top_view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <tuple>
#include <utility>

#include "cli/screen_text.h"

namespace gpuscale::cli {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kSparkline = 8;
constexpr std::size_t kMostFilter = 40;
constexpr std::size_t kBar = 10;

std::string text_at(const Json& object, const char* key) {
  return object.is_object() && object.contains(key) && object[key].is_string()
             ? object[key].get<std::string>()
             : "";
}

std::optional<double> number_at(const Json& object, const char* key) {
  if (!object.is_object() || !object.contains(key) || !object[key].is_number()) return std::nullopt;
  return object[key].get<double>();
}

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
    if (device.utilization) values.push_back(*device.utilization);
    if (values.size() > kSparkline) values.pop_front();
  }
}

std::vector<TopDevice> devices_of_agent(const Json& answer) {
  std::vector<TopDevice> devices;
  if (!answer.is_object() || !answer.contains("devices") || !answer["devices"].is_array()) return devices;
  const std::string source = text_at(answer, "state");
  for (const Json& each : answer["devices"]) {
    if (!each.is_object()) continue;
    TopDevice device;
    device.node = text_at(answer, "node");
    device.gpu = whole(number_at(each, "gpu"));
    if (const std::string mig = text_at(each, "mig"); !mig.empty()) device.gpu += ":" + mig;
    device.uuid = text_at(each, "uuid");
    device.model = text_at(each, "model");
    device.state = source == "ok" ? text_at(each, "state") : source;
    device.doubt = text_at(each, "doubt");
    if (each.contains("processes") && each["processes"].is_array() && !each["processes"].empty()) {
      device.owner = text_at(each["processes"][0], "owner");
    }
    const Json values = each.contains("values") ? each["values"] : Json();
    device.utilization = number_at(values, "utilization_gpu");
    device.utilization_max = number_at(values, "utilization_gpu_max");
    device.saturation = number_at(values, "saturation");
    device.memory_used = number_at(values, "memory_used_bytes");
    device.memory_total = number_at(values, "memory_total_bytes");
    device.power = number_at(values, "power_watts");
    device.power_limit = number_at(values, "power_limit_watts");
    device.temperature = number_at(values, "temperature_celsius");
    devices.push_back(std::move(device));
  }
  return devices;
}

std::string top_query() {
  return "SELECT last(utilization_gpu) AS utilization_gpu, last(saturation) AS saturation, "
         "last(memory_used_bytes) AS memory_used_bytes, last(memory_total_bytes) AS memory_total_bytes, "
         "last(power_watts) AS power_watts, last(power_limit_watts) AS power_limit_watts, "
         "last(temperature_celsius) AS temperature_celsius FROM gpu WHERE time > now() - 15s "
         "GROUP BY node, gpu, uuid, model, mig";
}

std::vector<TopDevice> devices_of_server(const Json& answer) {
  std::vector<TopDevice> devices;
  if (!answer.is_object() || !answer.contains("results") || !answer["results"].is_array()) return devices;
  for (const Json& result : answer["results"]) {
    if (!result.is_object() || !result.contains("series") || !result["series"].is_array()) continue;
    for (const Json& series : result["series"]) {
      if (!series.is_object() || !series.contains("tags") || !series.contains("columns") ||
          !series.contains("values") || !series["values"].is_array() || series["values"].empty()) {
        continue;
      }
      Json values = Json::object();
      const Json& row_of = series["values"][0];
      for (std::size_t i = 0; i < series["columns"].size() && i < row_of.size(); ++i) {
        if (series["columns"][i].is_string()) values[series["columns"][i].get<std::string>()] = row_of[i];
      }
      TopDevice device;
      device.node = text_at(series["tags"], "node");
      device.gpu = text_at(series["tags"], "gpu");
      if (const std::string mig = text_at(series["tags"], "mig"); !mig.empty()) device.gpu += ":" + mig;
      device.uuid = text_at(series["tags"], "uuid");
      device.model = text_at(series["tags"], "model");
      device.utilization = number_at(values, "utilization_gpu");
      device.saturation = number_at(values, "saturation");
      device.memory_used = number_at(values, "memory_used_bytes");
      device.memory_total = number_at(values, "memory_total_bytes");
      device.power = number_at(values, "power_watts");
      device.power_limit = number_at(values, "power_limit_watts");
      device.temperature = number_at(values, "temperature_celsius");
      devices.push_back(std::move(device));
    }
  }
  return devices;
}

std::string render_top(const std::vector<TopDevice>& devices, const TopState& state, const std::string& title,
                       const std::string& trouble, const Screen& screen) {
  const std::vector<const TopDevice*> shown = shown_devices(devices, state);
  double sum = 0;
  std::size_t measured = 0;
  for (const TopDevice* device : shown) {
    if (!device->utilization || device->state != "ok") continue;
    sum += *device->utilization;
    ++measured;
  }
  ScreenLine first(screen.width, screen.color, screen.unicode);
  first.add(title, Ink::kBold);
  first.add("  " + std::to_string(shown.size()) + " of " + std::to_string(devices.size()) + " devices");
  if (measured > 0) first.add("  mean " + whole(sum / static_cast<double>(measured)) + " %");
  if (!trouble.empty()) first.add("  " + trouble, Ink::kRed);
  std::vector<std::string> lines{first.text(), head(screen).text()};
  const std::size_t room = screen.height > 4 ? screen.height - 4 : 0;
  const std::size_t rows = std::min(shown.size(), room);
  for (std::size_t i = 0; i < rows; ++i) lines.push_back(row(*shown[i], state, screen).text());
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
    keys.add("order: d device  u util  s saturation  m memory  p power   / filter   q quit", Ink::kDim);
  }
  lines.push_back(note.text());
  lines.push_back(keys.text());
  std::string out;
  for (std::size_t i = 0; i < std::min(lines.size(), screen.height); ++i)
    out += (i > 0 ? "\n" : "") + lines[i];
  return out;
}

}  // namespace gpuscale::cli
