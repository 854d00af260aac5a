// SPDX-License-Identifier: Apache-2.0
#include "gpu/nvml/nvml_source.h"

#include <algorithm>
#include <array>
#include <utility>

#include "gpu/due.h"
#include "gpu/nvml/reaction.h"

namespace gpuscale::gpu::nvml {
namespace {

constexpr Nanos kFirstPause = std::chrono::seconds{1};
constexpr Nanos kLongestPause = std::chrono::seconds{30};
/// From the driver's call for a device to the next opening: what else holds it has to let go as well.
constexpr Nanos kGiveWayFor = std::chrono::seconds{5};
/// A lost GPU seldom returns, and asking for it costs the driver: seldom is enough.
constexpr Nanos kProbePause = std::chrono::seconds{30};
constexpr std::uint32_t kMaxDevices = 256;
constexpr std::uint32_t kMaxSlices = 16;

std::string text_of(const Symbol<DeviceHandle, char*, std::uint32_t>& getter, DeviceHandle handle) {
  std::array<char, kTextBytes> text{};
  if (getter(handle, text.data(), static_cast<std::uint32_t>(text.size())) != kSuccess) return "";
  text.back() = '\0';
  return text.data();
}

}  // namespace

Result<std::unique_ptr<NvmlSource>> NvmlSource::open(log::Log log, CallWatch* watch) {
  GS_TRY(auto library, Library::load(watch));
  std::unique_ptr<NvmlSource> source(new NvmlSource(std::move(library), std::move(log)));
  GS_CHECK(source->start());
  const bool any = std::any_of(source->devices_.begin(), source->devices_.end(),
                               [](const DeviceReader& device) { return !device.in_trouble(); });
  if (!any) return start_error(kGpuNotFound, source->devices_.empty() ? "none listed" : "none answers");
  source->log_.info("nvml.opened",
                    {{"library", source->library_->path()}, {"devices", source->devices_.size()}});
  return source;
}

NvmlSource::~NvmlSource() {
  if (alive_) shut_down();
}

void NvmlSource::shut_down() {
  events_.stop();
  bindings_.stop();
  for (DeviceReader& device : devices_) device.release();
  library_->shutdown();
  alive_ = false;
}

Result<void> NvmlSource::start() {
  if (const int code = library_->init(); code != kSuccess) return start_error(code, library_->describe(code));
  alive_ = true;
  bindings_.start();
  auto found = enumerate();
  if (!found) shut_down();
  return found;
}

DeviceReader NvmlSource::make_reader(std::uint32_t index) const {
  DeviceIdentity identity{.index = static_cast<int>(index), .uuid = "", .model = ""};
  DeviceHandle handle = nullptr;
  if (const int code = library_->handle_by_index(index, &handle); code != kSuccess) {
    return {*library_, std::move(identity), code};
  }
  identity.uuid = text_of(library_->uuid, handle);
  identity.model = text_of(library_->name, handle);
  PciInfo pci{};
  if (library_->pci_info(handle, &pci) == kSuccess) {
    pci.bus_id[sizeof pci.bus_id - 1] = '\0';
    identity.pci_bus_id = pci.bus_id;
  }
  return {*library_, std::move(identity), handle};
}

Result<void> NvmlSource::enumerate() {
  std::uint32_t count = 0;
  if (const int code = library_->device_count(&count); code != kSuccess) {
    return start_error(code, library_->describe(code));
  }
  const std::vector<DeviceReader> before = std::exchange(devices_, {});
  std::vector<std::pair<DeviceHandle, std::string>> watched;
  for (std::uint32_t index = 0; index < std::min(count, kMaxDevices); ++index) {
    DeviceReader gpu = make_reader(index);
    const DeviceHandle handle = gpu.handle();
    const DeviceIdentity identity = gpu.identity();
    devices_.push_back(std::move(gpu));
    if (handle == nullptr) continue;
    watched.emplace_back(handle, identity.uuid);
    add_slices(handle, identity);
  }
  keep_the_lost(before);
  events_.start(watched);
  std::array<char, kTextBytes> version{};
  if (library_->driver_version(version.data(), static_cast<std::uint32_t>(version.size())) == kSuccess) {
    version.back() = '\0';
    driver_version_ = version.data();
  }
  return {};
}

/// Slots may be empty between others; "NVIDIA H100 80GB HBM3 MIG 1g.10gb" ends in the profile.
void NvmlSource::add_slices(DeviceHandle gpu, const DeviceIdentity& whole) {
  std::uint32_t current = 0;
  std::uint32_t pending = 0;
  std::uint32_t slots = 0;
  if (library_->mig_mode(gpu, &current, &pending) != kSuccess || current != 1) return;
  if (library_->max_mig_devices(gpu, &slots) != kSuccess) return;
  for (std::uint32_t slot = 0; slot < std::min(slots, kMaxSlices); ++slot) {
    DeviceHandle slice = nullptr;
    if (library_->mig_handle_by_index(gpu, slot, &slice) != kSuccess) continue;
    std::uint32_t gpu_instance = 0;
    std::uint32_t compute_instance = 0;
    if (library_->gpu_instance_id(slice, &gpu_instance) != kSuccess) continue;
    (void)library_->compute_instance_id(slice, &compute_instance);
    DeviceIdentity identity = whole;
    const std::string name = text_of(library_->name, slice);
    constexpr std::string_view kMark = "MIG ";
    const std::size_t mark = name.rfind(kMark);
    identity.mig = MigIdentity{.gpu_instance = static_cast<int>(gpu_instance),
                               .compute_instance = static_cast<int>(compute_instance),
                               .profile = mark == std::string::npos ? "" : name.substr(mark + kMark.size()),
                               .parent_uuid = identity.uuid};
    identity.uuid = text_of(library_->uuid, slice);
    devices_.emplace_back(*library_, std::move(identity), slice, gpu);
  }
}

/// A GPU that the driver no longer lists, or lists without an identity, is lost, not forgotten.
void NvmlSource::keep_the_lost(const std::vector<DeviceReader>& before) {
  for (const DeviceReader& old : before) {
    const DeviceIdentity& known = old.identity();
    if (known.uuid.empty() || known.mig) continue;  // a slice that is gone was taken away by someone
    const bool present = std::any_of(devices_.begin(), devices_.end(), [&known](const DeviceReader& device) {
      return device.identity().uuid == known.uuid;
    });
    if (present) continue;
    std::erase_if(devices_, [&known](const DeviceReader& device) {
      return device.identity().index == known.index && device.identity().uuid.empty();
    });
    devices_.emplace_back(*library_, known, kGpuIsLost);
  }
  std::stable_sort(devices_.begin(), devices_.end(), [](const DeviceReader& a, const DeviceReader& b) {
    return a.identity().index < b.identity().index;
  });
}

Result<void> NvmlSource::revive(WallTime now) {
  // Of a clock that was set back the rest of the pause may be a day.
  if (now < next_attempt_ && next_attempt_ - now <= kLongestPause) return fail(Errc::kUnavailable, reported_);
  auto started = start();
  if (started) {
    log_.info("nvml.recovered", {{"devices", devices_.size()}});
    pause_ = Nanos{0};
    gave_way_ = false;
    reported_.clear();
    return {};
  }
  pause_ = std::clamp(pause_ * 2, kFirstPause, kLongestPause);
  next_attempt_ = now + pause_;
  if (started.error().message() != reported_) {
    reported_ = started.error().message();
    log_.error("nvml.unavailable", {{"error", started.error()}});
  }
  return started;
}

Result<std::vector<Reading>> NvmlSource::read(WallTime now) {
  if (alive_) follow_bindings();
  if (gave_way_ && next_attempt_ == WallTime{}) next_attempt_ = now + kGiveWayFor;
  if (!alive_) GS_CHECK(revive(now));
  if (events_.drain(now)) GS_CHECK(enumerate());
  std::vector<Reading> readings;
  readings.reserve(devices_.size());
  for (DeviceReader& device : devices_) {
    readings.push_back(device.read(now));
    readings.back().driver_version = driver_version_;
    events_.tell(readings.back());
    note_state(readings.back());
  }
  GS_CHECK(attend(now));
  return readings;
}

/// An open device file keeps a device from leaving its driver, and a device that came is seen only by a
/// library that is initialised anew.
void NvmlSource::follow_bindings() {
  const BindingChange change = bindings_.drain();
  if (change == BindingChange::kNone) return;
  shut_down();
  next_attempt_ = WallTime{};
  gave_way_ = change == BindingChange::kLeaves;
  reported_ =
      gave_way_ ? "a GPU is leaving the NVIDIA driver (unbind, reset or passthrough): its device files were "
                  "closed and are opened again in some seconds"
                : "a GPU came to the NVIDIA driver";
  log_.info(gave_way_ ? "nvml.gave_way" : "nvml.device_came");
}

void NvmlSource::glance() {
  if (!alive_) return;
  follow_bindings();
  if (!alive_) return;
  for (DeviceReader& device : devices_) device.glance();
}

void NvmlSource::note_state(const Reading& reading) {
  // A lost GPU keeps its index, which the driver may have given to another since.
  const std::string& uuid = reading.device.uuid;
  const std::string name = uuid.empty() ? std::to_string(reading.device.index) : uuid;
  DeviceState& last = last_states_.try_emplace(name, DeviceState::kOk).first->second;
  if (last == reading.state) return;
  last = reading.state;
  if (reading.state == DeviceState::kOk) {
    log_.info("gpu.recovered", {{"uuid", reading.device.uuid}});
  } else {
    log_.error(
        "gpu.failed",
        {{"uuid", reading.device.uuid}, {"state", to_string(reading.state)}, {"detail", reading.detail}});
  }
}

/// What the readings showed about the whole: NVML dead, handles stale, devices that may have come back.
Result<void> NvmlSource::attend(WallTime now) {
  bool stale = false;
  bool trouble = false;
  for (const DeviceReader& device : devices_) {
    trouble = trouble || device.in_trouble();
    stale = stale || device.aftermath() == Aftermath::kReenumerate;
    if (device.aftermath() != Aftermath::kReinitialize) continue;
    const int code = device.aftermath_code();
    shut_down();
    reported_ = start_error(code, library_->describe(code)).message();
    log_.error("nvml.unavailable", {{"error", reported_}});
    next_attempt_ = now;
    return fail(Errc::kUnavailable, reported_);
  }
  if (stale) {
    GS_CHECK(enumerate());
    if (std::exchange(reenumerated_for_invalid_, true)) {
      for (DeviceReader& device : devices_) device.accept_invalid_arguments();
    }
  } else {
    reenumerated_for_invalid_ = false;
  }
  if (!stale && trouble && is_due(probed_at_, kProbePause, now)) {
    if (probed_at_) GS_CHECK(enumerate());
    probed_at_ = now;
  }
  return {};
}

}  // namespace gpuscale::gpu::nvml
