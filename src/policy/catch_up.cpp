// SPDX-License-Identifier: Apache-2.0
#include "policy/catch_up.h"

#include <algorithm>

#include "policy/patience.h"

namespace gpuscale::policy {
namespace {

constexpr double kFromSeconds = 5;  // less of the ready nodes' work is soon done
constexpr double kWorkOffSeconds = 30;

}  // namespace

double catch_up(const Behind& behind, double boot_seconds) {
  if (behind.waiting <= kFromSeconds * behind.ready) return 0;
  const double grown = behind.waiting + std::max(0.0, behind.load - behind.ready) * boot_seconds;
  const double then = std::min(kLostSeconds * behind.load, grown);
  return then > kLateSeconds * behind.load ? behind.load + then / kWorkOffSeconds : 0;
}

}  // namespace gpuscale::policy
