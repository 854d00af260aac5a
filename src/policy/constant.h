// SPDX-License-Identifier: Apache-2.0
/// A pool of constant size: what everything else is compared with.
#pragma once
#include "policy/policy.h"

namespace gpuscale::policy {

class Constant final : public Policy {
 public:
  explicit Constant(std::int64_t nodes) : nodes_(nodes) {}
  std::int64_t period_seconds() const override { return 60; }
  std::optional<std::int64_t> decide(const PoolView&) override { return nodes_; }
  std::string reason() const override { return "always " + std::to_string(nodes_); }

 private:
  std::int64_t nodes_;
};

}  // namespace gpuscale::policy
