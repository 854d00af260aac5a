// SPDX-License-Identifier: Apache-2.0
/// The recipe of 2017: two alert rules on the pool's mean utilisation over five minutes in buckets of 30 s,
/// looked at once a minute, each pulling a trigger of one node. Grafana 4 notifies when a rule's state
/// changes and not again (grafana/grafana#6685); `repeat` is what its users wished for.
#pragma once
#include "policy/policy.h"
#include "policy/words.h"

namespace gpuscale::policy {

struct RecipeOptions {
  double high_percent = 45;
  double low_percent = 15;
  bool repeat = false;  ///< at each look while the rule holds
};

class Recipe final : public Policy {
 public:
  explicit Recipe(RecipeOptions options) : options_(options) {}
  std::int64_t period_seconds() const override { return 60; }
  std::optional<std::int64_t> decide(const PoolView& view) override;
  std::string reason() const override { return reason_ ? reason_() : ""; }
  Evidence evidence() const override { return evidence_; }

 private:
  RecipeOptions options_;
  bool was_high_ = false;
  bool was_low_ = false;
  Words reason_;
  Evidence evidence_;
};

}  // namespace gpuscale::policy
