// SPDX-License-Identifier: Apache-2.0
#include "gpu/nvml/nvml_source.h"

#include <algorithm>
#include <array>
#include <utility>

namespace gpuscale::gpu::nvml {
namespace {

constexpr Nanos kFirstPause = std::chrono::seconds{1};
constexpr Nanos kLongestPause = std::chrono::seconds{30};
/// A lost GPU seldom returns, and asking for it costs the driver: seldom is enough.
constexpr Nanos kProbePause = std::chrono::seconds{30};
constexpr std::uint32_t kMaxDevices = 256;

std::string text_of(const Symbol<DeviceHandle, char*, std::uint32_t>& getter, DeviceHandle handle) {
  std::array<char, kTextBytes> text{};
  if (getter(handle, text.data(), static_cast<std::uint32_t>(text.size())) != kSuccess) return "";
  text.back() = '\0';
  return text.data();
}

}  // namespace

Result<std::unique_ptr<NvmlSource>> NvmlSource::open(log::Log log) {
  GS_TRY(auto library, Library::load());
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
  if (alive_) library_->shutdown();
}

Result<void> NvmlSource::start() {
  if (const int code = library_->init(); code != kSuccess) return start_error(code, library_->describe(code));
  alive_ = true;
  auto found = enumerate();
  if (!found) {
    library_->shutdown();
    alive_ = false;
  }
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
  return {*library_, std::move(identity), handle};
}

Result<void> NvmlSource::enumerate() {
  std::uint32_t count = 0;
  if (const int code = library_->device_count(&count); code != kSuccess) {
    return start_error(code, library_->describe(code));
  }
  const std::vector<DeviceReader> before = std::exchange(devices_, {});
  for (std::uint32_t index = 0; index < std::min(count, kMaxDevices); ++index) {
    devices_.push_back(make_reader(index));
  }
  keep_the_lost(before);
  return {};
}

/// A GPU that the driver no longer lists, or lists without an identity, is lost, not forgotten.
void NvmlSource::keep_the_lost(const std::vector<DeviceReader>& before) {
  for (const DeviceReader& old : before) {
    const DeviceIdentity& known = old.identity();
    if (known.uuid.empty()) continue;
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
  if (now < next_attempt_) return fail(Errc::kUnavailable, reported_);
  auto started = start();
  if (started) {
    log_.info("nvml.recovered", {{"devices", devices_.size()}});
    pause_ = Nanos{0};
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
  if (!alive_) GS_CHECK(revive(now));
  std::vector<Reading> readings;
  readings.reserve(devices_.size());
  for (DeviceReader& device : devices_) {
    readings.push_back(device.read(now));
    note_state(readings.back());
  }
  GS_CHECK(attend(now));
  return readings;
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
    library_->shutdown();
    alive_ = false;
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
  if (!stale && trouble && now >= next_probe_) {
    if (next_probe_ != WallTime{}) GS_CHECK(enumerate());
    next_probe_ = now + kProbePause;
  }
  return {};
}

}  // namespace gpuscale::gpu::nvml
