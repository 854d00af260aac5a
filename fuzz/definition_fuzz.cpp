// SPDX-License-Identifier: Apache-2.0
/// Any JSON as the definition of each kind, and any bytes as a file whose entries are shown: must not crash;
/// what is parted from its secrets joins to the same again.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "config/definitions.h"
#include "declare/secrets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gpuscale;
  const std::string text(reinterpret_cast<const char*>(data), size);
  (void)config::definitions_in(text);
  // As deep as the API lets through.
  const auto shallow = [](int depth, nlohmann::json::parse_event_t, nlohmann::json&) { return depth < 16; };
  const nlohmann::json body = nlohmann::json::parse(text, shallow, false);
  if (!body.is_object()) return 0;
  for (const config::Kind kind : config::kKinds) {
    const declare::Parted parted = declare::part(kind, body);
    const auto whole = declare::join(parted.shown, parted.secrets);
    if (whole && *whole != body && !parted.secrets.empty()) std::abort();
    const auto reading = config::parse_with(
        "pools: [{name: gpu}]", "fuzz.yaml",
        [](const std::string&) { return std::optional<std::string>("x"); }, {{kind, "fuzz", body}});
    if (!reading || reading->faults.size() != 1) std::abort();
  }
  return 0;
}
