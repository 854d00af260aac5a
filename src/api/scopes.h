// SPDX-License-Identifier: Apache-2.0
/// What a caller may do. A token carries any of four scopes; `admin` contains the others.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gpuscale::api {

/// write: agents' samples; read: everything that only looks; trigger: pulling triggers, sizes of pools,
/// nodes; admin: tokens, databases, and all of the above.
enum class Scope : std::uint8_t { kWrite = 1, kRead = 2, kTrigger = 4, kAdmin = 8 };
/// "write", "read", "trigger", "admin".
std::string_view to_string(Scope scope);

class Scopes {
 public:
  Scopes() = default;
  Scopes(std::initializer_list<Scope> scopes);

  /// Errors: kInvalidArgument naming the unknown word and the known ones; also for an empty list.
  static Result<Scopes> parse(const std::vector<std::string>& names);

  /// Whether a call that needs `scope` is allowed.
  bool allow(Scope scope) const;
  bool contain(Scopes others) const { return allow(Scope::kAdmin) || (bits_ & others.bits_) == others.bits_; }
  void add(Scope scope) { bits_ = static_cast<std::uint8_t>(bits_ | static_cast<std::uint8_t>(scope)); }
  std::vector<std::string> names() const;
  friend bool operator==(Scopes, Scopes) = default;

 private:
  std::uint8_t bits_ = 0;
};

/// Who is calling, once known.
struct Principal {
  std::string name;  ///< "admin", "token agents", "anonymous": fit for the ledger
  Scopes scopes;
};

}  // namespace gpuscale::api
