// SPDX-License-Identifier: Apache-2.0
#include "api/scopes.h"

#include <array>

namespace gpuscale::api {

namespace {

constexpr std::array kAll{Scope::kWrite, Scope::kRead, Scope::kTrigger, Scope::kAdmin};

}  // namespace

std::string_view to_string(Scope scope) {
  switch (scope) {
    case Scope::kWrite:
      return "write";
    case Scope::kRead:
      return "read";
    case Scope::kTrigger:
      return "trigger";
    case Scope::kAdmin:
      return "admin";
  }
  return "admin";
}

Scopes::Scopes(std::initializer_list<Scope> scopes) {
  for (const Scope scope : scopes) add(scope);
}

Result<Scopes> Scopes::parse(const std::vector<std::string>& names) {
  if (names.empty())
    return fail(Errc::kInvalidArgument, "scopes is empty; give some of write, read, trigger, admin");
  Scopes scopes;
  for (const std::string& name : names) {
    bool known = false;
    for (const Scope scope : kAll) {
      if (name != to_string(scope)) continue;
      scopes.add(scope);
      known = true;
    }
    if (!known) {
      return fail(Errc::kInvalidArgument,
                  "unknown scope \"" + name + "\"; known: write, read, trigger, admin");
    }
  }
  return scopes;
}

bool Scopes::allow(Scope scope) const {
  const auto wanted = static_cast<unsigned>(scope) | static_cast<unsigned>(Scope::kAdmin);
  return (bits_ & wanted) != 0;
}

std::vector<std::string> Scopes::names() const {
  std::vector<std::string> names;
  for (const Scope scope : kAll) {
    if ((bits_ & static_cast<unsigned>(scope)) != 0) names.emplace_back(to_string(scope));
  }
  return names;
}

}  // namespace gpuscale::api
