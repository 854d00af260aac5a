// SPDX-License-Identifier: Apache-2.0
/// A provider with the user's hooks around a node's drain: `drain` once it takes no new work, `undrain` where
/// the drain is undone, `end` before it ends. A node counts as at work while a hook of its drain runs, and
/// ends only once its `end` hook has; a hook that hangs is killed at its limit, and what waited for it goes
/// on. At least once: a server that restarts while a node drains runs its hooks again. Not thread-safe.
#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "log/log.h"
#include "pool/decorators/hook_runner.h"
#include "pool/provider.h"

namespace gpuscale::pool {

class HookedProvider final : public NodeProvider {
 public:
  HookedProvider(std::unique_ptr<NodeProvider> inner, DrainHooks hooks, std::string pool,
                 const log::Log& log);

  std::string type() const override { return inner_->type(); }
  Result<void> launch(const NodeId& id) override { return inner_->launch(id); }
  Result<std::vector<Instance>> list() override;
  Result<void> drain(const NodeId& id) override;
  Result<void> undrain(const NodeId& id) override;
  Result<Workload> workload(const NodeId& id) override;
  /// While the node's `end` hook runs the end has not begun: asked again it does.
  Result<void> terminate(const NodeId& id) override;

 private:
  void ask(const std::string& hook, const std::vector<std::string>& command, const NodeId& id);
  void begin_drain(const NodeId& id);

  const std::unique_ptr<NodeProvider> inner_;
  const DrainHooks hooks_;
  const std::string pool_;
  std::set<std::string> draining_;                ///< whose `drain` hook was asked for
  std::set<std::string> ending_;                  ///< whose `end` hook was asked for
  std::map<std::string, std::string> endpoints_;  ///< by node, of the newest list
  HookRunner runner_;
};

}  // namespace gpuscale::pool
