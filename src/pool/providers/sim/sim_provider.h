// SPDX-License-Identifier: Apache-2.0
/// A cloud to try a configuration out on: over a provider whose nodes are real processes with virtual GPUs it
/// lays what a cloud is like: boots that take their time or fail, an empty stock, calls that fail, replies
/// that are lost, nodes that die. Everything else is real: telemetry, load, drains.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "pool/provider.h"
#include "pool/providers/sim/sim_options.h"

namespace gpuscale::pool::sim {

/// A machine that still boots is remembered here alone: a server that is restarted has lost it, and the
/// controller replaces it. Not thread-safe.
class SimProvider final : public NodeProvider {
 public:
  /// `clock` outlives it.
  SimProvider(std::unique_ptr<NodeProvider> nodes, SimOptions options, const Clock& clock);

  std::string type() const override { return "sim"; }
  Result<void> launch(const NodeId& id) override;
  Result<std::vector<Instance>> list() override;
  Result<void> drain(const NodeId& id) override;
  Result<void> undrain(const NodeId& id) override;
  Result<Workload> workload(const NodeId& id) override;
  Result<void> terminate(const NodeId& id) override;

 private:
  struct Boot {
    std::optional<MonoTime> ends;  ///< absent = it never does
  };

  bool chance(double percent);
  /// One call: fails at once, or works and loses its reply, by chance.
  template <typename Work>
  auto call(const std::string& what, const Work& work) -> decltype(work());
  Result<void> finish_boots();
  void let_some_die(const std::vector<Instance>& running);
  std::string zone_of(const std::string& id) const;

  const std::unique_ptr<NodeProvider> nodes_;
  const SimOptions options_;
  const Clock& clock_;
  std::mt19937_64 random_;
  std::map<std::string, Boot> booting_;
  MonoTime looked_;
};

}  // namespace gpuscale::pool::sim
