// SPDX-License-Identifier: Apache-2.0
/// Any bytes as what a node's agent says of its devices, and any JSON as a dashboard: must not crash; what is
/// read is bounded.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/dashboard_shape.h"
#include "api/node_devices.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gpuscale;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto devices = api::node_devices(text);
  if (devices && (*devices)["processes"].size() > api::kMostProcesses) std::abort();
  const auto body = nlohmann::json::parse(text, nullptr, false);
  if (!body.is_discarded() && api::check_dashboard(body) && body["panels"].size() > api::kMostPanels)
    std::abort();
  return 0;
}
