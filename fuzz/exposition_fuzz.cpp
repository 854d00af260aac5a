// SPDX-License-Identifier: Apache-2.0
/// Any bytes as an inference server's metrics: must not crash, neither when read nor when mapped.
#include <cstdint>
#include <string_view>

#include "agent/inference_preset.h"
#include "metrics/exposition_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gpuscale;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::size_t labels = 0;
  const auto outcome = metrics::parse_exposition(
      text, [&](const metrics::ExpositionSample& sample) { labels += sample.labels.size(); });
  for (const std::string_view preset : agent::preset_names()) {
    const auto mapping = agent::find_preset(preset);
    if (mapping) labels += agent::map_exposition(text, *mapping).size();
  }
  return outcome.samples + labels == SIZE_MAX ? 1 : 0;
}
