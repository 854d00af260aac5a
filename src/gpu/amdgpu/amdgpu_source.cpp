// SPDX-License-Identifier: Apache-2.0
#include "gpu/amdgpu/amdgpu_source.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <utility>

#include "gpu/amdgpu/kernel_file.h"
#include "gpu/due.h"

namespace gpuscale::gpu::amdgpu {
namespace {

namespace fs = std::filesystem;

constexpr const char* kVendor = "0x1002";  // AMD's, as the PCI ID repository has it
constexpr int kMaxCards = 128;
constexpr Nanos kProcessesEvery = std::chrono::seconds{30};

/// The whole number that the file holds; empty where it holds none or cannot be read.
std::optional<std::int64_t> number_in(const FileText& file) {
  std::int64_t value = 0;
  const char* const end = file.text.data() + file.text.size();
  const auto [stop, error] = std::from_chars(file.text.data(), end, value);
  if (file.error != 0 || error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

std::optional<double> scaled(std::optional<std::int64_t> value, double unit, double most) {
  if (!value || *value < 0) return std::nullopt;
  const double out = static_cast<double>(*value) * unit;
  return out <= most ? std::optional<double>(out) : std::nullopt;
}

std::string value_of(const std::string& uevent, const std::string& key) {
  const std::size_t at = uevent.find(key + "=");
  if (at == std::string::npos || (at > 0 && uevent[at - 1] != '\n')) return "";
  const std::size_t from = at + key.size() + 1;
  return uevent.substr(from, uevent.find('\n', from) - from);
}

}  // namespace

bool has_device(const std::string& root) {
  return AmdgpuSource::open(log::Log::silent(), nullptr, root).has_value();
}

Result<std::unique_ptr<AmdgpuSource>> AmdgpuSource::open(log::Log log, CallWatch* watch, std::string root) {
  std::unique_ptr<AmdgpuSource> source(new AmdgpuSource(std::move(log), watch, std::move(root)));
  source->find_cards();
  if (source->cards_.empty()) {
    return fail(Errc::kNotFound,
                "no AMD GPU: " + source->root_ +
                    "/sys/class/drm has no card of the amdgpu driver; load it with `modprobe "
                    "amdgpu`");
  }
  source->log_.info("amdgpu.opened", {{"devices", source->cards_.size()}});
  return source;
}

void AmdgpuSource::find_cards() {
  cards_.clear();
  for (int number = 0; number < kMaxCards; ++number) {
    const std::string folder = root_ + "/sys/class/drm/card" + std::to_string(number) + "/device";
    const std::string uevent = read_text(folder + "/uevent", watch_).text;
    if (read_text(folder + "/vendor", watch_).text != kVendor || value_of(uevent, "DRIVER") != "amdgpu")
      continue;
    Card card;
    card.folder = folder;
    card.identity.index = static_cast<int>(cards_.size());
    card.identity.pci_bus_id = value_of(uevent, "PCI_SLOT_NAME");
    const std::string unique = read_text(folder + "/unique_id", watch_).text;
    card.identity.uuid = "AMD-" + (unique.empty() ? card.identity.pci_bus_id : unique);
    const std::string product = read_text(folder + "/product_name", watch_).text;
    card.identity.model = product.empty() ? "AMD " + value_of(uevent, "PCI_ID") : product;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder + "/hwmon", ignored)) {
      if (read_text(entry.path() / "name", watch_).text == "amdgpu") card.hwmon = entry.path();
    }
    for (int i = 1; i <= 3 && !card.hwmon.empty(); ++i) {
      const std::string file = card.hwmon + "/temp" + std::to_string(i);
      const std::string label = read_text(file + "_label", watch_).text;
      if (!label.empty()) card.temperatures[label] = file + "_input";
    }
    cards_.push_back(std::move(card));
  }
}

/// The firmware's counters make exact means of what the other files show at one moment.
void AmdgpuSource::add_table(Card& card, Reading& reading) const {
  const std::optional<GpuMetrics> table =
      parse_gpu_metrics(read_bytes(card.folder + "/gpu_metrics", watch_).text);
  const std::optional<GpuMetrics> before = std::exchange(card.before, table);
  const WallTime before_at = std::exchange(card.before_at, reading.at);
  if (!table) return;
  const auto fill = [](auto& into, const auto& from) {
    if (!into) into = from;
  };
  reading.utilization_gpu_last = reading.utilization_gpu;
  fill(reading.utilization_gpu, table->utilization_gpu);
  fill(reading.utilization_memory, table->utilization_memory);
  fill(reading.power_watts, table->power_watts);
  fill(reading.power_watts_last, table->power_watts);
  fill(reading.temperature_celsius, table->temperature_hotspot_celsius);
  fill(reading.temperature_memory_celsius, table->temperature_memory_celsius);
  fill(reading.pcie_replays, table->pcie_replays);
  reading.energy_joules = table->energy_joules;
  if (!before) return;
  const double seconds = std::chrono::duration<double>(reading.at - before_at).count();
  constexpr double kMostWatts = 10'000;
  if (table->energy_joules && before->energy_joules && seconds > 0) {
    const double watts = (*table->energy_joules - *before->energy_joules) / seconds;
    if (watts >= 0 && watts <= kMostWatts) reading.power_watts = watts;
  }
  if (!table->activity || !before->activity) return;
  if (const auto mean = mean_activity(*before->activity, *table->activity)) {
    reading.utilization_gpu = mean->gpu;
    reading.utilization_memory = mean->memory;
  }
}

Reading AmdgpuSource::read_card(Card& card, WallTime now) const {
  Reading reading;
  reading.device = card.identity;
  reading.at = now;
  if (read_text(card.folder + "/power/runtime_status", watch_).text == "suspended") {
    reading.utilization_gpu = 0;
    card.before.reset();
    return reading;
  }
  constexpr double kHundred = 100;
  const FileText busy = read_text(card.folder + "/gpu_busy_percent", watch_);
  if (busy.error == EPERM) {
    reading.state = DeviceState::kNeedsReset;
    reading.detail = "the driver refuses to read: the GPU is being reset";
    return reading;
  }
  if (!fs::exists(card.folder + "/vendor")) {
    reading.state = DeviceState::kLost;
    reading.detail = card.folder + " is gone: the GPU fell off the bus or was unbound";
    return reading;
  }
  reading.utilization_gpu = scaled(number_in(busy), 1, kHundred);
  reading.utilization_memory =
      scaled(number_in(read_text(card.folder + "/mem_busy_percent", watch_)), 1, kHundred);
  const auto used = number_in(read_text(card.folder + "/mem_info_vram_used", watch_));
  const auto total = number_in(read_text(card.folder + "/mem_info_vram_total", watch_));
  if (used && total && *used >= 0 && *used <= *total && *total > 0) {
    reading.memory_used_bytes = used;
    reading.memory_total_bytes = total;
    reading.memory_free_bytes = *total - *used;
  }
  reading.pcie_replays = number_in(read_text(card.folder + "/pcie_replay_count", watch_));
  reading.pcie_link_width = number_in(read_text(card.folder + "/current_link_width", watch_));
  if (card.hwmon.empty()) {
    add_table(card, reading);
    return reading;
  }
  constexpr double kMicro = 1e-6;
  constexpr double kMilli = 1e-3;
  constexpr double kMostWatts = 100'000;
  constexpr double kMostCelsius = 250;
  constexpr double kMostMhz = 100'000;
  auto power = number_in(read_text(card.hwmon + "/power1_average", watch_));
  if (!power) power = number_in(read_text(card.hwmon + "/power1_input", watch_));
  reading.power_watts = scaled(power, kMicro, kMostWatts);
  reading.power_watts_last = reading.power_watts;
  reading.power_limit_watts =
      scaled(number_in(read_text(card.hwmon + "/power1_cap", watch_)), kMicro, kMostWatts);
  if (reading.power_limit_watts == 0) reading.power_limit_watts.reset();
  // MI300 has no edge sensor: its junction is the die's hottest point.
  for (const char* label : {"edge", "junction"}) {
    const auto file = card.temperatures.find(label);
    if (file == card.temperatures.end() || reading.temperature_celsius) continue;
    reading.temperature_celsius = scaled(number_in(read_text(file->second, watch_)), kMilli, kMostCelsius);
  }
  if (const auto file = card.temperatures.find("mem"); file != card.temperatures.end()) {
    reading.temperature_memory_celsius =
        scaled(number_in(read_text(file->second, watch_)), kMilli, kMostCelsius);
  }
  reading.sm_clock_mhz = scaled(number_in(read_text(card.hwmon + "/freq1_input", watch_)), kMicro, kMostMhz);
  reading.memory_clock_mhz =
      scaled(number_in(read_text(card.hwmon + "/freq2_input", watch_)), kMicro, kMostMhz);
  add_table(card, reading);
  return reading;
}

void AmdgpuSource::look_at_processes(WallTime now) {
  if (!is_due(processes_at_, kProcessesEvery, now)) return;
  processes_at_ = now;
  processes_ = scan_.look(now);
}

Result<std::vector<Reading>> AmdgpuSource::read(WallTime now) {
  look_at_processes(now);
  std::vector<Reading> readings;
  for (Card& card : cards_) {
    Reading& reading = readings.emplace_back(read_card(card, now));
    if (reading.state != DeviceState::kOk) continue;
    const auto processes = processes_.by_device.find(card.identity.pci_bus_id);
    if (processes != processes_.by_device.end()) reading.processes = processes->second;
    if (processes_.complete) reading.process_count = static_cast<std::int64_t>(reading.processes.size());
  }
  const bool all_gone = std::all_of(readings.begin(), readings.end(), [](const Reading& reading) {
    return reading.state == DeviceState::kLost;
  });
  // The sampler process starts afresh, and finds what there is by then.
  if (all_gone) return fail(Errc::kUnavailable, "every AMD GPU is gone: the amdgpu driver was unloaded");
  return readings;
}

}  // namespace gpuscale::gpu::amdgpu
