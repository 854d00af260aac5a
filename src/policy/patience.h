// SPDX-License-Identifier: Apache-2.0
/// Private to the room: how long work waits before somebody minds, as everywhere in docs/simulation.md.
#pragma once

namespace gpuscale::policy {

constexpr double kLateSeconds = 10;  ///< what has waited longer is late
constexpr double kLostSeconds = 30;  ///< what has waited longer is lost, and waits no more

}  // namespace gpuscale::policy
