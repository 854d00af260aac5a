// SPDX-License-Identifier: Apache-2.0
#include "gpu/nvml/fields.h"

#include <array>

#include "gpu/nvml/values.h"

namespace gpuscale::gpu::nvml {
namespace {

constexpr std::uint32_t kAllLinks = 0xFFFF'FFFFU;
constexpr std::uint32_t kMemoryTemperature = 82;
constexpr std::uint32_t kPowerInstant = 186;
constexpr std::uint32_t kNvlinkTxKib = 138;
constexpr std::uint32_t kNvlinkRxKib = 139;
constexpr std::uint32_t kPcieTxBytes = 197;
constexpr std::uint32_t kPcieRxBytes = 198;

struct SlowField {
  std::uint32_t field;
  std::optional<std::int64_t> Reading::* value;
};
constexpr SlowField kSlow[] = {
    {3, &Reading::ecc_corrected_volatile},    {4, &Reading::ecc_uncorrected_volatile},
    {5, &Reading::ecc_corrected_aggregate},   {6, &Reading::ecc_uncorrected_aggregate},
    {29, &Reading::retired_pages_single_bit}, {30, &Reading::retired_pages_double_bit},
    {31, &Reading::retired_pages_pending},    {38, &Reading::nvlink_crc_flit_errors},
    {45, &Reading::nvlink_crc_data_errors},   {52, &Reading::nvlink_replay_errors},
    {59, &Reading::nvlink_recovery_errors},   {74, &Reading::throttle_power_ns},
    {75, &Reading::throttle_thermal_ns},      {76, &Reading::throttle_sync_boost_ns},
    {77, &Reading::throttle_board_limit_ns},  {78, &Reading::throttle_low_utilization_ns},
    {79, &Reading::throttle_reliability_ns},  {94, &Reading::pcie_replays},
    {142, &Reading::remapped_rows_corrected}, {143, &Reading::remapped_rows_uncorrected},
    {144, &Reading::remapped_rows_pending},   {145, &Reading::remapped_rows_failed},
    {230, &Reading::recovery_action},
};

/// A field with a time and a latency of 0 was never filled in: ECC's are so where ECC is off.
bool is_filled(const FieldValue& field) {
  return field.code == kSuccess && (field.time_us != 0 || field.latency_us != 0);
}

std::optional<std::uint64_t> number(const FieldValue& field) {
  if (!is_filled(field)) return std::nullopt;
  const auto raw = unsigned_value(field.value_type, field.value);
  return raw && count(*raw) ? raw : std::nullopt;
}

}  // namespace

FastFields read_fast_fields(const Library& library, DeviceHandle handle, CallGate& gate) {
  std::array<FieldValue, 6> fields{};
  constexpr std::array<std::uint32_t, 6> kFields{kMemoryTemperature, kPowerInstant, kNvlinkTxKib,
                                                 kNvlinkRxKib,       kPcieTxBytes,  kPcieRxBytes};
  for (std::size_t i = 0; i < fields.size(); ++i) fields[i].field = kFields[i];
  fields[2].scope = fields[3].scope = kAllLinks;
  FastFields out;
  if (!gate.asks(Call::kFastFields) ||
      !gate.usable(Call::kFastFields,
                   library.field_values(handle, static_cast<int>(fields.size()), fields.data()))) {
    return out;
  }
  // Some drivers (R545) call this one a double; it is an unsigned number all the same.
  if (is_filled(fields[0])) out.temperature_memory_celsius = celsius(fields[0].value.as_uint);
  if (const auto milliwatts = number(fields[1])) out.power_watts = watts(*milliwatts);
  out.nvlink_tx_kib = number(fields[2]);
  out.nvlink_rx_kib = number(fields[3]);
  out.pcie_tx_bytes = number(fields[4]);
  out.pcie_rx_bytes = number(fields[5]);
  return out;
}

void read_slow_fields(const Library& library, DeviceHandle handle, CallGate& gate, Reading& reading) {
  std::array<FieldValue, std::size(kSlow)> fields{};
  for (std::size_t i = 0; i < fields.size(); ++i) fields[i].field = kSlow[i].field;
  if (!gate.asks(Call::kSlowFields) ||
      !gate.usable(Call::kSlowFields,
                   library.field_values(handle, static_cast<int>(fields.size()), fields.data()))) {
    return;
  }
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (const auto value = number(fields[i])) reading.*kSlow[i].value = static_cast<std::int64_t>(*value);
  }
}

std::optional<double> rate(std::optional<std::uint64_t> before, std::optional<std::uint64_t> now,
                           Nanos between, double unit) {
  if (!before || !now || *now < *before || between <= Nanos{0}) return std::nullopt;
  return static_cast<double>(*now - *before) * unit / std::chrono::duration<double>(between).count();
}

}  // namespace gpuscale::gpu::nvml
