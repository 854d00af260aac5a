// SPDX-License-Identifier: Apache-2.0
/// Two providers as one: a node that the first has no capacity for is made by the second, and for a while so
/// is every other, so that an empty stock is not asked again with each launch. What exists is what both list.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "log/log.h"
#include "pool/decorators/fallback_memory.h"
#include "pool/provider.h"

namespace gpuscale::pool {

/// How long the first provider is spared after it had no capacity.
constexpr Nanos kSpareAfterExhaustion = std::chrono::minutes{5};

/// Only kExhausted, which says that nothing was made, sends a node to the second: after any other error it
/// may exist. Where a node is, is learned from list() and kept until it has gone; a repeated launch goes to
/// where the first one went, also after a crash: where it goes is written down before it is asked for. Not
/// thread-safe.
class FallbackProvider final : public NodeProvider {
 public:
  /// `clock` outlives it. Errors: the memory's.
  static Result<std::unique_ptr<FallbackProvider>> open(std::unique_ptr<NodeProvider> first,
                                                        std::unique_ptr<NodeProvider> second,
                                                        FallbackMemory memory, const Clock& clock,
                                                        log::Log log);

  std::string type() const override { return first_->type() + " or " + second_->type(); }
  Result<void> launch(const NodeId& id) override;
  /// Fails where one of them does: a part would look like deaths.
  Result<std::vector<Instance>> list() override;
  Result<void> drain(const NodeId& id) override;
  Result<void> undrain(const NodeId& id) override;
  Result<Workload> workload(const NodeId& id) override;
  /// Of a node that neither has shown: both are told.
  Result<void> terminate(const NodeId& id) override;

 private:
  FallbackProvider(std::unique_ptr<NodeProvider> first, std::unique_ptr<NodeProvider> second,
                   FallbackMemory memory, const Clock& clock, log::Log log)
      : first_(std::move(first)),
        second_(std::move(second)),
        memory_(std::move(memory)),
        clock_(clock),
        log_(std::move(log)) {}
  NodeProvider* home_of(const NodeId& id) const;
  /// At the node's home; while that is unknown at the first, then at the second.
  template <typename Ask>
  auto at_home(const NodeId& id, const Ask& ask);
  Result<void> launch_at_first(const NodeId& id);
  Result<void> launch_at_second(const NodeId& id, const std::string& why);
  Result<void> note(const NodeId& id, FallbackMemory::Home home);
  void forget(const std::vector<std::string>& ids);
  void spare(const std::string& why);
  void spare_no_longer();

  const std::unique_ptr<NodeProvider> first_;
  const std::unique_ptr<NodeProvider> second_;
  FallbackMemory memory_;
  const Clock& clock_;
  const log::Log log_;
  std::map<std::string, NodeProvider*> asked_;   ///< launched and not yet listed
  std::map<std::string, NodeProvider*> listed_;  ///< by the newest list()
  std::optional<MonoTime> spared_until_;
  std::string why_spared_;
};

}  // namespace gpuscale::pool
