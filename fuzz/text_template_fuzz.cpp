// SPDX-License-Identifier: Apache-2.0
/// Any bytes as a template: must not crash, and what it renders is bounded.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "alert/text_template.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using gpuscale::alert::TextTemplate;
  const auto parsed = TextTemplate::parse({reinterpret_cast<const char*>(data), size}, {"rule", "labels"});
  if (!parsed) return 0;
  const std::string text = parsed->render({{"rule", "a"}, {"labels", {{"node", "\xFF"}}}});
  if (text.size() > TextTemplate::kMaxRendered) std::abort();
  return 0;
}
