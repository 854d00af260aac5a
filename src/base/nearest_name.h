// SPDX-License-Identifier: Apache-2.0
/// The known name that somebody who slipped most likely meant.
#pragma once
#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpuscale::base {

/// Levenshtein's: how many letters are put in, left out or changed between the two.
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

/// The first of the nearest in `known`; nothing where even that is another word and not a slip of the finger:
/// more than two letters, or a third of them, are different.
inline std::optional<std::string> nearest_name(std::string_view name, const std::vector<std::string>& known) {
  std::optional<std::string> nearest;
  std::size_t least = 0;
  for (const std::string& each : known) {
    const std::size_t longer = std::max(each.size(), name.size());
    const std::size_t shorter = std::min(each.size(), name.size());
    const std::size_t near_enough = std::min<std::size_t>(2, longer / 3);
    if (longer - shorter > near_enough) continue;
    const std::size_t distance = edit_distance(name, each);
    if (distance > near_enough || (nearest && distance >= least)) continue;
    least = distance;
    nearest = each;
  }
  return nearest;
}

/// "; did you mean \"node\"?", "" where none is near.
inline std::string did_you_mean(std::string_view name, const std::vector<std::string>& known) {
  const auto nearest = nearest_name(name, known);
  return nearest ? "; did you mean \"" + *nearest + "\"?" : "";
}

}  // namespace gpuscale::base
