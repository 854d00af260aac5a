// SPDX-License-Identifier: Apache-2.0
#include "gpu/nvml/device_reader.h"

#include <algorithm>
#include <utility>

namespace gpuscale::gpu::nvml {
namespace {

/// The driver keeps 72 to 120 samples; more than this is not a ring but an error.
constexpr std::uint32_t kMaxSamples = 4096;

std::optional<double> percent(std::uint64_t value) {
  if (value > 100) return std::nullopt;
  return static_cast<double>(value);
}

std::optional<double> watts(std::uint32_t milliwatts) {
  constexpr std::uint32_t kAbsurd = 100'000'000;  // 100 kW: no board draws that
  if (milliwatts == kNoValue32 || milliwatts >= kAbsurd) return std::nullopt;
  return static_cast<double>(milliwatts) / 1000.0;
}

std::optional<std::uint64_t> unsigned_value(int type, const Value& value) {
  switch (type) {  // nvmlValueType_t
    case 1:
      return value.as_uint;
    case 2:
    case 3:
      return value.as_ull;
    case 5:
      return value.as_int >= 0 ? std::optional<std::uint64_t>(value.as_int) : std::nullopt;
    case 6:
      return value.as_ushort;
    default:
      return std::nullopt;
  }
}

}  // namespace

DeviceReader::DeviceReader(const Library& library, DeviceIdentity identity, DeviceHandle handle)
    : library_(&library), identity_(std::move(identity)), handle_(handle) {}

DeviceReader::DeviceReader(const Library& library, DeviceIdentity identity, int code)
    : library_(&library),
      identity_(std::move(identity)),
      state_(state_for(code)),
      detail_(library.describe(code)) {}

bool DeviceReader::usable(Call call, int code) {
  switch (react(code)) {
    case Reaction::kUse:
      return true;
    case Reaction::kSkip:
      return false;
    case Reaction::kMask:
    case Reaction::kTryOlder:
      masked_[call] = true;
      return false;
    case Reaction::kReenumerate:
      if (mask_invalid_) {
        masked_[call] = true;
        return false;
      }
      aftermath_ = Aftermath::kReenumerate;
      break;
    case Reaction::kReinitialize:
      aftermath_ = Aftermath::kReinitialize;
      break;
    case Reaction::kDeviceState:
      state_ = state_for(code);
      detail_ = library_->describe(code);
      // What may pass by itself is asked again at the next reading; a lost device only when enumerated anew.
      if (state_ == DeviceState::kLost || state_ == DeviceState::kNeedsReset) handle_ = nullptr;
      break;
  }
  aftermath_code_ = code;
  stopped_ = true;
  return false;
}

Reading DeviceReader::read(WallTime now) {
  if (handle_ != nullptr) {
    state_ = DeviceState::kOk;
    detail_.clear();
  }
  stopped_ = false;
  aftermath_ = Aftermath::kNone;
  Reading reading;
  read_utilization(reading);
  read_memory(reading);
  read_power(reading);
  read_temperature(reading);
  reading.sm_clock_mhz = read_clock(kSm, kClockSm);
  reading.memory_clock_mhz = read_clock(kMem, kClockMemory);
  if (state_ != DeviceState::kOk) reading = Reading{};
  reading.device = identity_;
  reading.at = now;
  reading.state = state_;
  reading.detail = detail_;
  return reading;
}

void DeviceReader::read_utilization(Reading& reading) {
  const bool drained = asks(kSamples) && drain_samples(reading);
  Utilization rates{};
  if (!asks(kRates) || !usable(kRates, library_->utilization_rates(handle_, &rates))) return;
  if (!drained) reading.utilization_gpu = percent(rates.gpu);
  reading.utilization_memory = percent(rates.memory);
}

/// The driver's ring holds several samples a second; draining it loses no burst between two readings. The
/// first time it holds a past of unknown length, which is not this interval: it only sets the mark.
bool DeviceReader::drain_samples(Reading& reading) {
  int type = 0;
  std::uint32_t count = 0;
  if (!usable(kSamples,
              library_->samples(handle_, kSamplesGpuUtilization, last_sample_us_, &type, &count, nullptr))) {
    return false;
  }
  if (count == 0 || count > kMaxSamples) return false;
  ring_.assign(count, Sample{});
  const int code =
      library_->samples(handle_, kSamplesGpuUtilization, last_sample_us_, &type, &count, ring_.data());
  if (!usable(kSamples, code)) return false;
  ring_.resize(std::min<std::size_t>(count, ring_.size()));
  const std::uint64_t since = last_sample_us_;
  double sum = 0;
  double highest = 0;
  std::size_t used = 0;
  for (const Sample& sample : ring_) {
    last_sample_us_ = std::max(last_sample_us_, sample.time_us);
    const auto raw = unsigned_value(type, sample.value);
    const auto value = raw ? percent(*raw) : std::nullopt;
    if (since == 0 || sample.time_us <= since || !value) continue;
    sum += *value;
    highest = std::max(highest, *value);
    ++used;
  }
  if (used == 0) return false;
  reading.utilization_gpu = sum / static_cast<double>(used);
  reading.utilization_gpu_max = highest;
  return true;
}

void DeviceReader::read_memory(Reading& reading) {
  const auto take = [&reading](std::uint64_t used, std::uint64_t total) {
    if (total == 0 || total == kNoValue64 || used > total) return;
    reading.memory_used_bytes = static_cast<std::int64_t>(used);
    reading.memory_total_bytes = static_cast<std::int64_t>(total);
  };
  if (asks(kMemory2)) {
    Memory2 memory{};
    memory.version = version_word<Memory2>(2);
    const int code = library_->memory_v2(handle_, &memory);
    if (usable(kMemory2, code)) {
      const bool adds_up = memory.free_bytes + memory.used + memory.reserved == memory.total;
      const std::uint64_t not_used = memory.reserved + memory.free_bytes;
      take(adds_up || not_used > memory.total ? memory.used : memory.total - not_used, memory.total);
      return;
    }
    if (!masked_[kMemory2]) return;
  }
  Memory memory{};
  if (asks(kMemory1) && usable(kMemory1, library_->memory_v1(handle_, &memory)))
    take(memory.used, memory.total);
}

void DeviceReader::read_power(Reading& reading) {
  std::uint32_t milliwatts = 0;
  if (asks(kPower) && usable(kPower, library_->power_milliwatts(handle_, &milliwatts))) {
    reading.power_watts = watts(milliwatts);
  }
  if (asks(kLimit) && usable(kLimit, library_->power_limit_milliwatts(handle_, &milliwatts))) {
    reading.power_limit_watts = watts(milliwatts);
  }
}

void DeviceReader::read_temperature(Reading& reading) {
  const auto take = [&reading](std::int64_t celsius) {
    if (celsius > -60 && celsius < 250) reading.temperature_celsius = static_cast<double>(celsius);
  };
  if (asks(kTempV)) {
    Temperature temperature{.version = version_word<Temperature>(1), .sensor = kSensorGpu, .celsius = 0};
    if (usable(kTempV, library_->temperature_v(handle_, &temperature))) {
      take(temperature.celsius);
      return;
    }
    if (!masked_[kTempV]) return;
  }
  std::uint32_t celsius = 0;
  if (asks(kTemp) && usable(kTemp, library_->temperature(handle_, kSensorGpu, &celsius))) {
    take(static_cast<std::int64_t>(celsius));
  }
}

std::optional<double> DeviceReader::read_clock(Call call, int type) {
  constexpr std::uint32_t kAbsurd = 100'000;
  std::uint32_t mhz = 0;
  if (!asks(call) || !usable(call, library_->clock_mhz(handle_, type, &mhz))) return std::nullopt;
  if (mhz == kNoValue32 || mhz > kAbsurd) return std::nullopt;
  return static_cast<double>(mhz);
}

}  // namespace gpuscale::gpu::nvml
