// SPDX-License-Identifier: Apache-2.0
/// What a policy measures when it does not go by GPU utilisation: queries and an expression over them, as
/// conditions of rules have. Here it is only text; scaling/formula_reader.h gives it its value.
#pragma once
#include <functional>
#include <map>
#include <string>

namespace gpuscale::policy {

struct Formula {
  std::map<std::string, std::string, std::less<>> queries;  ///< ref -> query text
  std::string value;                                        ///< "sum(Q, 30s) / ready_nodes"; "" = none

  bool empty() const { return value.empty(); }
  friend bool operator==(const Formula&, const Formula&) = default;
};

}  // namespace gpuscale::policy
