// SPDX-License-Identifier: Apache-2.0
/// The provider port: makes and removes nodes, decides nothing. Every call may be repeated; a provider keeps
/// no truth of its own that list() does not show. testing/fake_provider.h is the published fake; tests/ holds
/// the conformance suite every provider passes.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "pool/node.h"

namespace gpuscale::pool {

enum class InstanceState { kStarting, kRunning, kStopping };

/// What really exists, as the provider sees it.
struct Instance {
  NodeId id;
  InstanceState state = InstanceState::kStarting;
  std::string endpoint;  ///< "" until known
  std::string detail;    ///< pid, cloud id ...
  std::string zone{};    ///< what may fail as one: zone, rack; "" = not told
};

/// Work that a node still has, as the node itself says.
struct Workload {
  std::int64_t in_flight = 0;  ///< requests accepted and not answered
  bool draining = false;       ///< the node refuses new work
  std::string held_by{};       ///< what must end before it is idle, "" = nothing
};

class NodeProvider {
 public:
  virtual ~NodeProvider() = default;
  /// "local".
  virtual std::string type() const = 0;
  /// Asks for the node `id`; returns when the request is made, not when it runs. Idempotent by id: a second
  /// call with an id that exists does nothing. Errors: kExhausted (no stock, no quota), kUnavailable,
  /// kTimeout.
  virtual Result<void> launch(const NodeId& id) = 0;
  /// Every instance of this pool that exists, also those we did not expect.
  virtual Result<std::vector<Instance>> list() = 0;
  /// The node takes no new work from now on / takes work again. Idempotent. kNotFound where it does not
  /// exist.
  virtual Result<void> drain(const NodeId& id) = 0;
  virtual Result<void> undrain(const NodeId& id) = 0;
  /// kUnavailable where the node does not answer: unknown, not zero.
  virtual Result<Workload> workload(const NodeId& id) = 0;
  /// Begins to end the instance: gently, then by force. Returns at once; list() shows it until it has gone.
  /// Idempotent; ending what does not exist is success.
  virtual Result<void> terminate(const NodeId& id) = 0;
};

}  // namespace gpuscale::pool
