// SPDX-License-Identifier: Apache-2.0
/// The machine's clocks, for shells and main programs only.
#pragma once
#include "base/time.h"

namespace gpuscale::base {

class SystemClock final : public Clock {
 public:
  WallTime wall() const override {
    return std::chrono::time_point_cast<Nanos>(std::chrono::system_clock::now());
  }
  MonoTime mono() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace gpuscale::base
