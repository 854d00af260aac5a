// SPDX-License-Identifier: Apache-2.0
/// Any JSON as an alert of Grafana or Alertmanager: must not crash, and what fires is not over.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/alert_body.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto body = nlohmann::json::parse(text, nullptr, false);
  if (body.is_discarded()) return 0;
  const auto alert = gpuscale::api::read_alert(body);
  if (alert && alert->firing && alert->resolved) std::abort();
  return 0;
}
