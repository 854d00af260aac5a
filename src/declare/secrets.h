// SPDX-License-Identifier: Apache-2.0
/// What of a definition is secret: it is stored sealed, apart from the rest, and shown as {"secret": "set"}.
/// Pure.
#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "config/definitions.h"

namespace gpuscale::declare {

/// By JSON pointer: "/basic/password".
using Secrets = std::map<std::string, Secret>;

/// A definition in two parts.
struct Parted {
  nlohmann::json shown;  ///< {"secret": "set"} in the place of each secret
  Secrets secrets;
};

/// Secret are: of channels `bearer`, `basic.password`, `password`, `signing_secret`, `routing_key`, headers
/// whose names say so, and URLs that are keys themselves (robots, incoming webhooks) or carry a query or a
/// password; of pools `provider.bearer`; of triggers `secret`.
Parted part(config::Kind kind, nlohmann::json definition);

/// The whole definition again: each {"secret": "set"} becomes the kept secret of its place. Errors:
/// kInvalidArgument names a place that keeps none.
Result<nlohmann::json> join(nlohmann::json definition, const Secrets& kept);

/// Whether `after` would send secrets of `before` that it keeps (says "set" for) to another place. Whoever
/// moves a receiver must know its secret. @return the place of the first such secret; "" = none.
std::string moved_secret(const nlohmann::json& before, const nlohmann::json& after);

}  // namespace gpuscale::declare
