// SPDX-License-Identifier: Apache-2.0
/// The policies by name, each with its one knob: what `gpuscale simulate --policy` understands.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "policy/policy.h"

namespace gpuscale::policy {

struct PolicyKind {
  std::string_view name;     ///< "hpa"
  std::string_view summary;  ///< one line for people
  std::string_view knob;     ///< what the number after the name sets
  double default_knob = 0;
  double least_knob = 0;  ///< both bounds belong to the range
  double most_knob = 0;
};

/// All of them, our own first.
std::span<const PolicyKind> policy_kinds();
const PolicyKind* find_policy_kind(std::string_view name);

/// "hpa" or "hpa=0.45".
struct PolicyChoice {
  std::string name;
  double knob = 0;

  static Result<PolicyChoice> parse(std::string_view text);  ///< kInvalidArgument names what would be good
  std::string to_string() const;                             ///< "hpa=0.45"
  friend bool operator==(const PolicyChoice&, const PolicyChoice&) = default;
};

/// A fresh policy that has learned nothing yet. The choice comes from PolicyChoice::parse().
std::unique_ptr<Policy> make_policy(const PolicyChoice& choice);

}  // namespace gpuscale::policy
