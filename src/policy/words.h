// SPDX-License-Identifier: Apache-2.0
/// Private to the room: how the policies' reasons write what they count.
#pragma once
#include <cstdint>
#include <string>

namespace gpuscale::policy {

std::string percent_of(double share);       ///< 0.713 -> "71.3%"
std::string number_of(double value);        ///< to four digits: "0.7", "1234"
std::string work_of(double nodes);          ///< "1 node", "2.5 nodes"
std::string nodes_of(std::int64_t count);   ///< "1 node", "3 nodes"
std::string span_of(std::int64_t seconds);  ///< 90 -> "1m30s"
/// "3 were wanted within the last 5m".
std::string wanted_within(std::int64_t nodes, std::int64_t seconds);

}  // namespace gpuscale::policy
