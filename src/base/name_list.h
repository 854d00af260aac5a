// SPDX-License-Identifier: Apache-2.0
/// Names in a row, as messages show them.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace gpuscale::base {

/// "a, b, c"; "" of none.
inline std::string joined(const std::vector<std::string>& names, std::string_view separator = ", ") {
  std::string out;
  for (const std::string& name : names) {
    if (!out.empty()) out += separator;
    out += name;
  }
  return out;
}

/// What stands behind "; known: ": "a, b, c", or "none".
inline std::string known_names(const std::vector<std::string>& names) {
  return names.empty() ? "none" : joined(names);
}

}  // namespace gpuscale::base
