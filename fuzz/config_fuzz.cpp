// SPDX-License-Identifier: Apache-2.0
/// Any bytes as a configuration file: must not crash, and is refused with words or taken.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "config/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gpuscale;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto config =
      config::parse(text, "fuzz.yaml", [](const std::string&) { return std::optional<std::string>("x"); });
  if (!config && config.error().message().empty()) std::abort();
  return 0;
}
