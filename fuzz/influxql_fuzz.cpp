// SPDX-License-Identifier: Apache-2.0
/// Any bytes as InfluxQL: must neither crash nor exhaust the stack. What was accepted prints as text that is
/// accepted again and prints the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "influxql/parser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gpuscale::influxql;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = parse_query(text, {});
  if (!parsed) return parsed.error().message().empty() ? 1 : 0;
  for (const Statement& statement : *parsed) {
    const auto* select = std::get_if<SelectStatement>(&statement.node);
    if (select == nullptr) continue;
    const std::string once = print(statement);
    const auto again = parse_statement(once, {});
    if (!again || print(*again) != once) std::abort();
  }
  return 0;
}
