// SPDX-License-Identifier: Apache-2.0
#include "policy/words.h"

#include <array>
#include <cstdio>

#include "base/counted.h"
#include "base/duration.h"

namespace gpuscale::policy {
namespace {

std::string printed(const char* format, double value) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

}  // namespace

std::string percent_of(double share) {
  return printed("%.1f%%", 100 * share);
}

std::string number_of(double value) {
  return printed("%.4g", value);
}

std::string work_of(double nodes) {
  const std::string number = number_of(nodes);
  return number + (number == "1" ? " node" : " nodes");
}

std::string nodes_of(std::int64_t count) {
  return base::counted(count, "node");
}

std::string span_of(std::int64_t seconds) {
  return base::format_duration(std::chrono::seconds{seconds});
}

std::string wanted_within(std::int64_t nodes, std::int64_t seconds) {
  return base::counted(nodes, "was", "were") + " wanted within the last " + span_of(seconds);
}

}  // namespace gpuscale::policy
