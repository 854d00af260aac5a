// SPDX-License-Identifier: Apache-2.0
/// What a forecasting policy may know of the load.
#pragma once

namespace gpuscale::policy {

enum class LoadSignal {
  kArrived,      ///< the work that arrives is known (requests are counted)
  kUtilization,  ///< only what the nodes do is known; blind where they are full
};

}  // namespace gpuscale::policy
