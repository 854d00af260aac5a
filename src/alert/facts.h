// SPDX-License-Identifier: Apache-2.0
/// What a condition may say of its rule's pool besides metrics.
#pragma once
#include <array>
#include <map>
#include <string>
#include <string_view>

namespace gpuscale::alert {

/// ready_nodes take work; capacity_nodes are launching, booting or ready; desired_nodes is what is asked for;
/// min_nodes and max_nodes bound it.
inline constexpr std::array<std::string_view, 6> kKnownFacts = {
    "ready_nodes", "capacity_nodes", "draining_nodes", "desired_nodes", "min_nodes", "max_nodes"};

/// Fact name to number; one that is missing is absent, not 0.
using Facts = std::map<std::string, double, std::less<>>;

}  // namespace gpuscale::alert
