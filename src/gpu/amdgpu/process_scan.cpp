// SPDX-License-Identifier: Apache-2.0
#include "gpu/amdgpu/process_scan.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <set>

#include "gpu/amdgpu/kernel_file.h"

namespace gpuscale::gpu::amdgpu {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostDescriptors = 100'000;
constexpr std::size_t kMostProcesses = 256;  // of one device
constexpr std::size_t kFdinfoBytes = 8192;
constexpr std::size_t kPropertiesBytes = std::size_t{16} << 10U;
constexpr const char* kFdinfo = "amdgpu's fdinfo";
constexpr const char* kKfd = "the compute driver's sysfs";

std::optional<std::int64_t> leading_number(std::string_view text, std::string_view* rest = nullptr) {
  std::int64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value < 0) return std::nullopt;
  if (rest != nullptr) *rest = text.substr(static_cast<std::size_t>(stop - text.data()));
  return value;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::string_view rest;
  const auto value = leading_number(text, &rest);
  return rest.empty() ? value : std::nullopt;
}

/// "1024 KiB", "3 MiB", "17".
std::optional<std::int64_t> bytes_in(std::string_view text) {
  std::string_view unit;
  const auto value = leading_number(text, &unit);
  if (!value) return std::nullopt;
  const std::int64_t scale = unit.empty() ? 1 : unit == " KiB" ? 1 << 10 : unit == " MiB" ? 1 << 20 : 0;
  constexpr std::int64_t kMost = std::int64_t{1} << 50;
  if (scale == 0 || *value > kMost / scale) return std::nullopt;
  return *value * scale;
}

/// The value of "name value" in a list of such lines.
std::optional<std::int64_t> property(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.starts_with(name) && line.substr(name.size()).starts_with(' ')) {
      return whole_number(line.substr(name.size() + 1));
    }
  }
  return std::nullopt;
}

/// KFD's own numbers of the devices, to their PCI addresses.
std::map<std::string, std::string> compute_devices(const std::string& root, CallWatch* watch) {
  std::map<std::string, std::string> devices;
  std::error_code ignored;
  for (const auto& node : fs::directory_iterator(root + "/sys/class/kfd/kfd/topology/nodes", ignored)) {
    const std::string id = read_text(node.path() / "gpu_id", watch, kKfd).text;
    const std::string properties = read_text(node.path() / "properties", watch, kKfd, kPropertiesBytes).text;
    const auto location = property(properties, "location_id");
    const auto domain = property(properties, "domain").value_or(0);
    if (id.empty() || id == "0" || !location || *location > 0xFFFF || domain > 0xFFFF'FFFF) continue;
    std::array<char, 32> address{};
    const auto place = static_cast<unsigned>(*location);
    std::snprintf(address.data(), address.size(), "%04x:%02x:%02x.%x", static_cast<unsigned>(domain),
                  place >> 8U, (place >> 3U) & 0x1FU, place & 7U);
    devices[id] = address.data();
  }
  return devices;
}

}  // namespace

std::optional<DrmUse> parse_fdinfo(std::string_view text) {
  DrmUse use;
  bool ours = false;
  std::optional<std::int64_t> client;
  std::optional<std::int64_t> resident;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view key = line.substr(0, colon);
    const std::size_t from = line.find_first_not_of(" \t", colon + 1);
    if (from == std::string_view::npos) continue;
    const std::string_view value = line.substr(from);
    if (key == "drm-driver") {
      ours = value == "amdgpu";
    } else if (key == "drm-pdev") {
      use.pci_bus_id = value;
    } else if (key == "drm-client-id") {
      client = whole_number(value);
    } else if (key == "drm-resident-vram") {
      resident = bytes_in(value);
    } else if (key == "drm-memory-vram") {
      use.vram_bytes = bytes_in(value);
    } else if (key == "drm-engine-gfx" || key == "drm-engine-compute") {
      std::string_view unit;
      const auto nanoseconds = leading_number(value, &unit);
      constexpr std::int64_t kMost = std::int64_t{1} << 61;
      if (nanoseconds && unit == " ns" && *nanoseconds < kMost)
        use.busy_ns = use.busy_ns.value_or(0) + *nanoseconds;
      if (use.busy_ns.value_or(0) >= kMost) use.busy_ns.reset();
    }
  }
  if (!ours || !client || use.pci_bus_id.empty()) return std::nullopt;
  use.client = *client;
  if (resident) use.vram_bytes = resident;
  return use;
}

void ProcessScan::add_open_files(std::int64_t pid, double elapsed_ns, std::map<Client, std::int64_t>& busy,
                                 Uses& uses, DeviceProcesses& found) {
  const std::string process = root_ + "/proc/" + std::to_string(pid);
  std::error_code refused;
  std::set<std::pair<std::string, std::int64_t>> counted;
  fs::directory_iterator entry(process + "/fd", refused);
  if (refused == std::errc::permission_denied) found.complete = false;
  for (; !refused && entry != fs::directory_iterator(); entry.increment(refused)) {
    if (++descriptors_ > kMostDescriptors) {
      found.complete = false;
      return;
    }
    std::error_code gone;
    if (!fs::read_symlink(entry->path(), gone).native().starts_with("/dev/dri/")) continue;
    const auto open_file = parse_fdinfo(
        read_text(process + "/fdinfo/" + entry->path().filename().native(), watch_, kFdinfo, kFdinfoBytes)
            .text);
    if (!open_file || !counted.emplace(open_file->pci_bus_id, open_file->client).second) continue;
    ProcessUse& use = uses[{open_file->pci_bus_id, pid}];
    use.pid = pid;
    if (open_file->vram_bytes) use.memory_bytes = use.memory_bytes.value_or(0) + *open_file->vram_bytes;
    if (!open_file->busy_ns) continue;
    const Client client{pid, open_file->pci_bus_id, open_file->client};
    busy[client] = *open_file->busy_ns;
    const auto before = busy_.find(client);
    if (before == busy_.end() || elapsed_ns <= 0 || *open_file->busy_ns < before->second) continue;
    constexpr double kHundred = 100;
    const double share = kHundred * static_cast<double>(*open_file->busy_ns - before->second) / elapsed_ns;
    use.utilization_gpu = std::min(kHundred, use.utilization_gpu.value_or(0) + share);
  }
}

void ProcessScan::add_compute_processes(Uses& uses) const {
  const std::map<std::string, std::string> devices = compute_devices(root_, watch_);
  if (devices.empty()) return;
  std::error_code ignored;
  for (const auto& process : fs::directory_iterator(root_ + "/sys/class/kfd/kfd/proc", ignored)) {
    const auto pid = whole_number(process.path().filename().native());
    if (!pid) continue;
    for (const auto& [id, address] : devices) {
      const auto bytes = whole_number(read_text(process.path() / ("vram_" + id), watch_, kKfd).text);
      if (!bytes || *bytes == 0) continue;
      ProcessUse& use = uses[{address, *pid}];
      use.pid = *pid;
      // Newer kernels count the same memory at the open file too.
      use.memory_bytes = std::max(use.memory_bytes.value_or(0), *bytes);
    }
  }
}

DeviceProcesses ProcessScan::look(WallTime now) {
  DeviceProcesses found;
  Uses uses;
  std::map<Client, std::int64_t> busy;
  descriptors_ = 0;
  const auto elapsed = static_cast<double>((now - std::exchange(looked_at_, now)).count());
  std::error_code refused;
  for (const auto& entry : fs::directory_iterator(root_ + "/proc", refused)) {
    if (const auto pid = whole_number(entry.path().filename().native())) {
      add_open_files(*pid, elapsed, busy, uses, found);
    }
  }
  if (refused) found.complete = false;
  add_compute_processes(uses);
  busy_ = std::move(busy);
  for (const auto& [key, use] : uses) found.by_device[key.first].push_back(use);
  for (auto& [device, processes] : found.by_device) {
    std::stable_sort(processes.begin(), processes.end(), [](const ProcessUse& a, const ProcessUse& b) {
      return a.memory_bytes.value_or(0) > b.memory_bytes.value_or(0);
    });
    if (processes.size() > kMostProcesses) processes.resize(kMostProcesses);
  }
  return found;
}

}  // namespace gpuscale::gpu::amdgpu
