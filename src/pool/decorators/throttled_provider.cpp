// SPDX-License-Identifier: Apache-2.0
#include "pool/decorators/throttled_provider.h"

#include <algorithm>

namespace gpuscale::pool {

ThrottledProvider::ThrottledProvider(std::unique_ptr<NodeProvider> inner, CallLimits limits,
                                     const Clock& clock)
    : inner_(std::move(inner)),
      limits_(limits),
      clock_(clock),
      tokens_(limits.changes_per_minute),
      filled_(clock.mono()),
      listed_at_(filled_) {}

Result<void> ThrottledProvider::take_token() {
  listed_.reset();
  if (limits_.changes_per_minute <= 0) return {};
  const MonoTime now = clock_.mono();
  const double minutes = std::chrono::duration<double, std::ratio<60>>(now - filled_).count();
  tokens_ = std::min<double>(limits_.changes_per_minute, tokens_ + minutes * limits_.changes_per_minute);
  filled_ = now;
  if (tokens_ < 1) {
    return fail(Errc::kExhausted, "the pool's provider may be asked for " +
                                      std::to_string(limits_.changes_per_minute) +
                                      " changes a minute, and was; the rest follow");
  }
  tokens_ -= 1;
  return {};
}

Result<void> ThrottledProvider::launch(const NodeId& id) {
  GS_CHECK(take_token());
  return inner_->launch(id);
}
Result<void> ThrottledProvider::drain(const NodeId& id) {
  GS_CHECK(take_token());
  return inner_->drain(id);
}
Result<void> ThrottledProvider::undrain(const NodeId& id) {
  GS_CHECK(take_token());
  return inner_->undrain(id);
}
Result<void> ThrottledProvider::terminate(const NodeId& id) {
  GS_CHECK(take_token());
  return inner_->terminate(id);
}

Result<std::vector<Instance>> ThrottledProvider::list() {
  const MonoTime now = clock_.mono();
  if (listed_ && now - listed_at_ < limits_.list_every) return *listed_;
  GS_TRY(auto fresh, inner_->list());
  if (limits_.list_every > Nanos{0}) listed_ = fresh;
  listed_at_ = now;
  return fresh;
}

}  // namespace gpuscale::pool
