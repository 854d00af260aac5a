// SPDX-License-Identifier: Apache-2.0
/// How the policies' reasons are written, and what they count in them.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

namespace gpuscale::policy {

/// A reason that is written when somebody asks: simulations decide millions of times and read none.
using Words = std::function<std::string()>;

std::string percent_of(double share);       ///< 0.713 -> "71.3%"
std::string number_of(double value);        ///< to four digits: "0.7", "1234"
std::string work_of(double nodes);          ///< "1 node", "2.5 nodes"
std::string nodes_of(std::int64_t count);   ///< "1 node", "3 nodes"
std::string span_of(std::int64_t seconds);  ///< 90 -> "1m30s"
/// "3 were wanted within the last 5m".
std::string wanted_within(std::int64_t nodes, std::int64_t seconds);

}  // namespace gpuscale::policy
