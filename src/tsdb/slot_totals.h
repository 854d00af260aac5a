// SPDX-License-Identifier: Apache-2.0
/// What the samples of many series come to, slot by slot: kept beside segments, so that what is asked of a
/// whole fleet over days is not decoded sample by sample.
#pragma once
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "metrics/point.h"

namespace gpuscale::tsdb {

/// Slots are whole seconds since 1970.
inline constexpr std::int64_t kSlotNs = 1'000'000'000;

/// Of one numeric field, ascending by time, slots without samples left out. All lists are of one length.
struct SlotTotals {
  template <typename T>
  struct Numbers {
    std::vector<T> sums;  ///< of integers wrapping around
    std::vector<T> leasts;
    std::vector<T> mosts;
  };
  metrics::FieldType type = metrics::FieldType::kFloat;
  std::vector<std::int64_t> first_ns;  ///< times of the earliest and the latest sample of the slot
  std::vector<std::int64_t> last_ns;
  std::vector<std::int64_t> counts;  ///< of samples; not 0
  Numbers<double> floats;            ///< filled where `type` says so
  Numbers<std::int64_t> integers;

  std::size_t size() const { return first_ns.size(); }
  template <typename T>
  const Numbers<T>& numbers() const {
    if constexpr (std::is_same_v<T, double>) {
      return floats;
    } else {
      return integers;
    }
  }
  template <typename T>
  Numbers<T>& numbers() {
    return const_cast<Numbers<T>&>(std::as_const(*this).template numbers<T>());
  }
};

}  // namespace gpuscale::tsdb
