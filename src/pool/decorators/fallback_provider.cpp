// SPDX-License-Identifier: Apache-2.0
#include "pool/decorators/fallback_provider.h"

#include <utility>

namespace gpuscale::pool {
namespace {

/// Launches whose instance never shows are forgotten beyond this, the first by id first.
constexpr std::size_t kMostAsked = 10'000;

}  // namespace

NodeProvider* FallbackProvider::home_of(const NodeId& id) const {
  if (const auto found = listed_.find(id.value()); found != listed_.end()) return found->second;
  if (const auto found = asked_.find(id.value()); found != asked_.end()) return found->second;
  return nullptr;
}

template <typename Ask>
auto FallbackProvider::at_home(const NodeId& id, const Ask& ask) {
  if (NodeProvider* home = home_of(id)) return ask(*home);
  auto answer = ask(*first_);
  return answer || answer.error().code() != Errc::kNotFound ? std::move(answer) : ask(*second_);
}

Result<void> FallbackProvider::launch(const NodeId& id) {
  if (NodeProvider* home = home_of(id)) {
    auto again = home->launch(id);
    // Nothing was made of it there, so that it may be made elsewhere.
    if (home != first_.get() || again || again.error().code() != Errc::kExhausted) return again;
    if (listed_.contains(id.value())) return again;
    asked_.erase(id.value());
    spared_until_ = clock_.mono() + kSpareAfterExhaustion;
    return launch_at_second(id, why_spared_ = again.error().message());
  }
  if (asked_.size() >= kMostAsked) asked_.erase(asked_.begin());
  if (spared_until_ && clock_.mono() < *spared_until_) return launch_at_second(id, why_spared_);
  asked_[id.value()] = first_.get();
  auto made = first_->launch(id);
  if (made) spared_until_.reset();
  if (made || made.error().code() != Errc::kExhausted) return made;
  asked_.erase(id.value());
  spared_until_ = clock_.mono() + kSpareAfterExhaustion;
  return launch_at_second(id, why_spared_ = made.error().message());
}

Result<void> FallbackProvider::launch_at_second(const NodeId& id, const std::string& why) {
  log_.warn("provider.fallback", {{"node", id.value()}, {"to", second_->type()}, {"because", why}});
  asked_[id.value()] = second_.get();
  auto made = second_->launch(id);
  if (made || made.error().code() != Errc::kExhausted) return made;
  asked_.erase(id.value());
  // Both have to say no in the same minute: the next launch asks the first one again.
  spared_until_.reset();
  return made.error().with_context(first_->type() + ": " + why + "; " + second_->type());
}

Result<std::vector<Instance>> FallbackProvider::list() {
  GS_TRY(auto all, first_->list());
  GS_TRY(auto others, second_->list());
  listed_.clear();
  for (const Instance& instance : all) listed_.emplace(instance.id.value(), first_.get());
  for (Instance& instance : others) {
    if (!listed_.emplace(instance.id.value(), second_.get()).second) continue;
    instance.detail =
        second_->type() + ", by fallback" + (instance.detail.empty() ? "" : ": " + instance.detail);
    all.push_back(std::move(instance));
  }
  for (const auto& [id, home] : listed_) asked_.erase(id);
  return all;
}

Result<void> FallbackProvider::drain(const NodeId& id) {
  return at_home(id, [&](NodeProvider& home) { return home.drain(id); });
}
Result<void> FallbackProvider::undrain(const NodeId& id) {
  return at_home(id, [&](NodeProvider& home) { return home.undrain(id); });
}
Result<Workload> FallbackProvider::workload(const NodeId& id) {
  return at_home(id, [&](NodeProvider& home) { return home.workload(id); });
}

Result<void> FallbackProvider::terminate(const NodeId& id) {
  if (NodeProvider* home = home_of(id)) return home->terminate(id);
  auto first = first_->terminate(id);
  auto second = second_->terminate(id);
  return first ? second : first;
}

}  // namespace gpuscale::pool
