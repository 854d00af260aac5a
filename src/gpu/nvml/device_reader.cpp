// SPDX-License-Identifier: Apache-2.0
#include "gpu/nvml/device_reader.h"

#include <algorithm>
#include <utility>

#include "gpu/due.h"
#include "gpu/nvml/values.h"
#include "gpu/signals.h"

namespace gpuscale::gpu::nvml {
namespace {

/// The driver keeps 72 to 120 samples; more than this is not a ring but an error.
constexpr std::uint32_t kMaxSamples = 4096;
constexpr Nanos kSlowEvery = std::chrono::seconds{10};
/// A process list takes the driver's global lock for milliseconds.
constexpr Nanos kProcessesEvery = std::chrono::seconds{30};
/// The energy counter moves every 100 ms or so: over less than this the mean would jump.
constexpr Nanos kLeastEnergySpan = std::chrono::milliseconds{500};
constexpr double kKibibyte = 1024;

}  // namespace

DeviceReader::DeviceReader(const Library& library, DeviceIdentity identity, DeviceHandle handle)
    : library_(&library),
      identity_(std::move(identity)),
      handle_(handle),
      gate_(library),
      gpm_(std::make_unique<GpmReader>(library, handle, std::nullopt)) {}

DeviceReader::DeviceReader(const Library& library, DeviceIdentity identity, DeviceHandle slice,
                           DeviceHandle parent)
    : library_(&library),
      identity_(std::move(identity)),
      handle_(slice),
      gate_(library),
      gpm_(std::make_unique<GpmReader>(library, parent,
                                       static_cast<std::uint32_t>(identity_.mig->gpu_instance))) {}

DeviceReader::DeviceReader(const Library& library, DeviceIdentity identity, int code)
    : library_(&library), identity_(std::move(identity)), gate_(library, code) {}

Reading DeviceReader::read(WallTime now) {
  gate_.begin();
  Reading reading;
  read_memory(reading);
  if (!is_slice()) {
    read_utilization(reading);
    read_fast_counters(reading, now);
    read_temperature(reading);
    read_clocks(reading);
    read_slow(reading, now);
  }
  if (gpm_) gpm_->read(now, gate_, reading);
  read_processes(now);
  reading.processes = processes_;
  if (processes_known_) reading.process_count = static_cast<std::int64_t>(processes_.size());
  if (gate_.state() != DeviceState::kOk) reading = Reading{};
  reading.device = identity_;
  reading.at = now;
  reading.state = gate_.state();
  reading.detail = gate_.detail();
  return reading;
}

void DeviceReader::glance() {
  if (is_slice() || in_trouble()) return;
  if (const auto power = current_power()) note_power(*power);
}

void DeviceReader::read_utilization(Reading& reading) {
  const bool drained = gate_.asks(Call::kSamples) && drain_samples(reading);
  Utilization rates{};
  if (gate_.asks(Call::kRates) && gate_.usable(Call::kRates, library_->utilization_rates(handle_, &rates))) {
    if (!drained) reading.utilization_gpu = percent(std::uint64_t{rates.gpu});
    reading.utilization_memory = percent(std::uint64_t{rates.memory});
  }
  std::uint32_t busy = 0;
  std::uint32_t period_us = 0;
  if (gate_.asks(Call::kEncoder) &&
      gate_.usable(Call::kEncoder, library_->encoder_utilization(handle_, &busy, &period_us))) {
    reading.utilization_encoder = percent(std::uint64_t{busy});
  }
  if (gate_.asks(Call::kDecoder) &&
      gate_.usable(Call::kDecoder, library_->decoder_utilization(handle_, &busy, &period_us))) {
    reading.utilization_decoder = percent(std::uint64_t{busy});
  }
}

/// The driver's ring holds several samples a second; draining it loses no burst between two readings. The
/// first time it holds a past of unknown length, which is not this interval: it only sets the mark.
bool DeviceReader::drain_samples(Reading& reading) {
  int type = 0;
  std::uint32_t found = 0;
  if (!gate_.usable(Call::kSamples, library_->samples(handle_, kSamplesGpuUtilization, last_sample_us_, &type,
                                                      &found, nullptr))) {
    return false;
  }
  if (found == 0 || found > kMaxSamples) return false;
  ring_.assign(found, Sample{});
  const int code =
      library_->samples(handle_, kSamplesGpuUtilization, last_sample_us_, &type, &found, ring_.data());
  if (!gate_.usable(Call::kSamples, code)) return false;
  ring_.resize(std::min<std::size_t>(found, ring_.size()));
  const std::uint64_t since = last_sample_us_;
  double sum = 0;
  std::size_t used = 0;
  for (const Sample& sample : ring_) {
    const bool is_newest = sample.time_us >= last_sample_us_;
    last_sample_us_ = std::max(last_sample_us_, sample.time_us);
    const auto raw = unsigned_value(type, sample.value);
    const auto value = raw ? percent(*raw) : std::nullopt;
    if (since == 0 || sample.time_us <= since || !value) continue;
    sum += *value;
    reading.utilization_gpu_max = std::max(reading.utilization_gpu_max.value_or(0), *value);
    reading.utilization_gpu_min = std::min(reading.utilization_gpu_min.value_or(100), *value);
    if (is_newest) reading.utilization_gpu_last = *value;
    ++used;
  }
  if (used == 0) return false;
  reading.utilization_gpu = sum / static_cast<double>(used);
  return true;
}

void DeviceReader::read_memory(Reading& reading) {
  const auto take = [&reading](std::uint64_t used, std::uint64_t total) {
    if (total == 0 || total == kNoValue64 || used > total) return;
    reading.memory_used_bytes = static_cast<std::int64_t>(used);
    reading.memory_total_bytes = static_cast<std::int64_t>(total);
  };
  if (gate_.asks(Call::kMemory2)) {
    Memory2 memory{};
    memory.version = version_word<Memory2>(2);
    const int code = library_->memory_v2(handle_, &memory);
    if (gate_.usable(Call::kMemory2, code)) {
      const bool adds_up = memory.free_bytes + memory.used + memory.reserved == memory.total;
      const std::uint64_t not_used = memory.reserved + memory.free_bytes;
      take(adds_up || not_used > memory.total ? memory.used : memory.total - not_used, memory.total);
      if (reading.memory_used_bytes && not_used <= memory.total) {
        reading.memory_free_bytes = static_cast<std::int64_t>(memory.free_bytes);
        reading.memory_reserved_bytes = static_cast<std::int64_t>(memory.reserved);
      }
      return;
    }
    if (!gate_.is_masked(Call::kMemory2)) return;
  }
  Memory memory{};
  if (gate_.asks(Call::kMemory1) && gate_.usable(Call::kMemory1, library_->memory_v1(handle_, &memory))) {
    take(memory.used, memory.total);
    if (reading.memory_used_bytes && memory.free_bytes <= memory.total) {
      reading.memory_free_bytes = static_cast<std::int64_t>(memory.free_bytes);
    }
  }
}

void DeviceReader::read_fast_counters(Reading& reading, WallTime now) {
  const FastFields fields = read_fast_fields(*library_, handle_, gate_);
  reading.temperature_memory_celsius = fields.temperature_memory_celsius;
  if (counted_at_) {
    const Nanos span = now - *counted_at_;
    reading.nvlink_tx_bytes_per_second = rate(counted_.nvlink_tx_kib, fields.nvlink_tx_kib, span, kKibibyte);
    reading.nvlink_rx_bytes_per_second = rate(counted_.nvlink_rx_kib, fields.nvlink_rx_kib, span, kKibibyte);
    reading.pcie_tx_bytes_per_second = rate(counted_.pcie_tx_bytes, fields.pcie_tx_bytes, span, 1);
    reading.pcie_rx_bytes_per_second = rate(counted_.pcie_rx_bytes, fields.pcie_rx_bytes, span, 1);
  }
  read_power(reading, fields, now);
  counted_ = fields;
  counted_at_ = now;
}

std::optional<double> DeviceReader::current_power() {
  std::uint32_t milliwatts = 0;
  if (!gate_.asks(Call::kPower) ||
      !gate_.usable(Call::kPower, library_->power_milliwatts(handle_, &milliwatts))) {
    return std::nullopt;
  }
  return watts(milliwatts);
}

void DeviceReader::note_power(double watts) {
  least_power_ = std::min(least_power_.value_or(watts), watts);
  most_power_ = std::max(most_power_.value_or(watts), watts);
}

/// The mean comes from the energy counter, which misses nothing; the getter's own mean is of the last second,
/// and on some boards samples a quarter of it.
void DeviceReader::read_power(Reading& reading, const FastFields& fields, WallTime now) {
  const auto getter = current_power();
  reading.power_watts_last = fields.power_watts ? fields.power_watts : getter;
  reading.power_watts = getter ? getter : fields.power_watts;
  if (reading.power_watts_last) note_power(*reading.power_watts_last);
  std::uint64_t energy = 0;
  if (gate_.asks(Call::kEnergy) &&
      gate_.usable(Call::kEnergy, library_->energy_millijoules(handle_, &energy)) && count(energy)) {
    reading.energy_joules = static_cast<double>(energy) / 1000;
    if (counted_at_ && now - *counted_at_ >= kLeastEnergySpan) {
      const auto mean = rate(energy_millijoules_, energy, now - *counted_at_, 1);
      if (mean && watts(static_cast<std::uint64_t>(*mean))) reading.power_watts = *mean / 1000;
    }
    energy_millijoules_ = energy;
  }
  reading.power_watts_min = std::exchange(least_power_, std::nullopt);
  reading.power_watts_max = std::exchange(most_power_, std::nullopt);
  std::uint32_t milliwatts = 0;
  if (gate_.asks(Call::kLimit) &&
      gate_.usable(Call::kLimit, library_->power_limit_milliwatts(handle_, &milliwatts))) {
    reading.power_limit_watts = watts(milliwatts);
  }
}

void DeviceReader::read_temperature(Reading& reading) {
  if (gate_.asks(Call::kTemperatureV)) {
    Temperature temperature{.version = version_word<Temperature>(1), .sensor = kSensorGpu, .celsius = 0};
    if (gate_.usable(Call::kTemperatureV, library_->temperature_v(handle_, &temperature))) {
      reading.temperature_celsius = celsius(temperature.celsius);
      return;
    }
    if (!gate_.is_masked(Call::kTemperatureV)) return;
  }
  std::uint32_t degrees = 0;
  if (gate_.asks(Call::kTemperature) &&
      gate_.usable(Call::kTemperature, library_->temperature(handle_, kSensorGpu, &degrees))) {
    reading.temperature_celsius = celsius(degrees);
  }
}

void DeviceReader::read_clocks(Reading& reading) {
  std::uint32_t mhz = 0;
  if (gate_.asks(Call::kSmClock) &&
      gate_.usable(Call::kSmClock, library_->clock_mhz(handle_, kClockSm, &mhz))) {
    reading.sm_clock_mhz = megahertz(mhz);
  }
  if (gate_.asks(Call::kMemoryClock) &&
      gate_.usable(Call::kMemoryClock, library_->clock_mhz(handle_, kClockMemory, &mhz))) {
    reading.memory_clock_mhz = megahertz(mhz);
  }
  std::uint64_t reasons = 0;
  if (gate_.asks(Call::kThrottle) &&
      gate_.usable(Call::kThrottle, library_->throttle_reasons(handle_, &reasons))) {
    reading.throttle_reasons = count(reasons);
  }
}

/// Every ten seconds; in between the reading repeats them and says so.
void DeviceReader::read_slow(Reading& reading, WallTime now) {
  reading.slow_is_fresh = is_due(slow_at_, kSlowEvery, now);
  if (reading.slow_is_fresh) {
    slow_at_ = now;
    slow_ = Reading{};
    read_slow_fields(*library_, handle_, gate_, slow_);
    std::uint32_t number = 0;
    if (gate_.asks(Call::kMaxClock) &&
        gate_.usable(Call::kMaxClock, library_->max_clock_mhz(handle_, kClockSm, &number))) {
      slow_.sm_clock_max_mhz = megahertz(number);
    }
    if (gate_.asks(Call::kPcieGeneration) &&
        gate_.usable(Call::kPcieGeneration, library_->pcie_generation(handle_, &number))) {
      slow_.pcie_link_generation = count(number);
    }
    if (gate_.asks(Call::kPcieWidth) &&
        gate_.usable(Call::kPcieWidth, library_->pcie_width(handle_, &number))) {
      slow_.pcie_link_width = count(number);
    }
    int state = 0;
    constexpr int kSlowestState = 15;  // 32 stands for "unknown"
    if (gate_.asks(Call::kPerformanceState) &&
        gate_.usable(Call::kPerformanceState, library_->performance_state(handle_, &state)) && state >= 0 &&
        state <= kSlowestState) {
      slow_.performance_state = state;
    }
  }
  for (const auto& signal : real_signals()) {
    if (signal.pace == Pace::kSlow) reading.*signal.value = slow_.*signal.value;
  }
  for (const auto& signal : whole_signals()) {
    if (signal.pace == Pace::kSlow && signal.value != &Reading::process_count) {
      reading.*signal.value = slow_.*signal.value;
    }
  }
}

void DeviceReader::read_processes(WallTime now) {
  if (handle_ == nullptr || !is_due(processes_at_, kProcessesEvery, now)) return;
  processes_at_ = now;
  processes_ = process_reader_.read(*library_, handle_, gate_, !is_slice());
  processes_known_ = !gate_.is_masked(Call::kComputeProcesses);
}

}  // namespace gpuscale::gpu::nvml
