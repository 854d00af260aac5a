// SPDX-License-Identifier: Apache-2.0
/// Any bytes as the condition of a rule: must not crash, and what was accepted reads the same once printed.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "alert/condition.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gpuscale::alert;
  const auto condition = parse_condition({reinterpret_cast<const char*>(data), size});
  if (!condition) return 0;
  const std::string text = to_text(*condition);
  const auto again = parse_condition(text);
  // The canonical form, with all its brackets, may be longer or deeper than what a rule may hold; then alone
  // it is refused.
  const bool may_be_refused =
      text.size() > kMaxConditionBytes ||
      (!again && again.error().message().find("no deeper brackets") != std::string::npos);
  if (!again && !may_be_refused) std::abort();
  if (again && to_text(*again) != text) std::abort();
  return 0;
}
