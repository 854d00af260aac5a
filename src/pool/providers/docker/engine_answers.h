// SPDX-License-Identifier: Apache-2.0
/// Private to the docker provider: what the Engine API answers, read. Pure.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "pool/node.h"

namespace gpuscale::pool::docker {

inline constexpr const char* kInstanceLabel = "gpuscale.instance";
inline constexpr const char* kPoolLabel = "gpuscale.pool";
inline constexpr const char* kNodeLabel = "gpuscale.node";
constexpr std::size_t kMaxEngineAnswer = 64U << 20U;

enum class ContainerState { kCreated, kRunning, kEnded };
struct Container {
  std::string id;
  NodeId node;
  ContainerState state = ContainerState::kCreated;
  std::string endpoint;  ///< "" while unknown
};

/// 2xx and 304 are success; else an error by kind with the engine's own message: 404 kNotFound, 409
/// kConflict, 401 and 403 kForbidden, 429 and want of devices or space kExhausted, the rest kUnavailable.
Result<void> outcome_of(int status, std::string_view body);

/// The answer of /containers/json. Errors: kUnavailable naming the entry.
Result<std::vector<Container>> containers_of(std::string_view body, int port);
/// The endpoint in the answer of /containers/{id}/json. kUnavailable where it has none yet.
Result<std::string> inspected_endpoint(std::string_view body, int port);

}  // namespace gpuscale::pool::docker
