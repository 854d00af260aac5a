// SPDX-License-Identifier: Apache-2.0
/// Keeps the calls to a provider under its service's quota: changes by a token bucket, looks by a list that
/// is used again for a while. A refused call is repeated by the controller with growing pauses, so nothing
/// waits here.
#pragma once
#include <memory>
#include <optional>
#include <utility>

#include "pool/provider.h"

namespace gpuscale::pool {

/// A list that is used again is never older than the change before it, so that what was launched or ended
/// shows at once. Not thread-safe.
class ThrottledProvider final : public NodeProvider {
 public:
  ThrottledProvider(std::unique_ptr<NodeProvider> inner, CallLimits limits, const Clock& clock);

  std::string type() const override { return inner_->type(); }
  /// kExhausted over the limit; the inner provider has not been asked then.
  Result<void> launch(const NodeId& id) override;
  Result<std::vector<Instance>> list() override;
  Result<void> drain(const NodeId& id) override;
  Result<void> undrain(const NodeId& id) override;
  Result<Workload> workload(const NodeId& id) override { return inner_->workload(id); }
  Result<void> terminate(const NodeId& id) override;

 private:
  Result<void> take_token();

  const std::unique_ptr<NodeProvider> inner_;
  const CallLimits limits_;
  const Clock& clock_;
  double tokens_;
  MonoTime filled_;
  std::optional<std::vector<Instance>> listed_;
  MonoTime listed_at_;
};

}  // namespace gpuscale::pool
