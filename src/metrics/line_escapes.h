// SPDX-License-Identifier: Apache-2.0
/// Private to the room: what a backslash stands before in line protocol, by place.
#pragma once
#include <string_view>

namespace gpuscale::metrics {

inline constexpr std::string_view kMeasurementEscapes = ", ";
inline constexpr std::string_view kTagEscapes = ", =";

}  // namespace gpuscale::metrics
