// SPDX-License-Identifier: Apache-2.0
/// Counts as sentences show them: "1 node", "3 nodes".
#pragma once
#include <concepts>
#include <string>
#include <string_view>

namespace gpuscale::base {

/// `plural` = "" takes `singular` with an s.
template <std::integral Count>
std::string counted(Count count, std::string_view singular, std::string_view plural = {}) {
  std::string out = std::to_string(count) + ' ';
  if (count == 1) return out.append(singular);
  return plural.empty() ? out.append(singular).append("s") : out.append(plural);
}

}  // namespace gpuscale::base
