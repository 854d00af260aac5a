// SPDX-License-Identifier: Apache-2.0
#include "pool/decorators/fallback_provider.h"

#include <algorithm>
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

Result<std::unique_ptr<FallbackProvider>> FallbackProvider::open(std::unique_ptr<NodeProvider> first,
                                                                 std::unique_ptr<NodeProvider> second,
                                                                 FallbackMemory memory, const Clock& clock,
                                                                 log::Log log) {
  GS_TRY(const auto homes, memory.homes());
  GS_TRY(const auto spare, memory.spare());
  std::unique_ptr<FallbackProvider> made(
      new FallbackProvider(std::move(first), std::move(second), std::move(memory), clock, std::move(log)));
  for (const auto& [node, home] : homes) {
    const bool second_home = home == FallbackMemory::Home::kSecond;
    made->asked_.emplace(node, second_home ? made->second_.get() : made->first_.get());
  }
  if (spare) {
    // A clock that was set back must not spare it for years.
    const Nanos left = std::min(spare->until - clock.wall(), kSpareAfterExhaustion);
    if (left > Nanos{0}) made->spared_until_ = clock.mono() + left;
    made->why_spared_ = spare->why;
  }
  return made;
}

/// Before the call: what asks for a node after a crash must ask the same.
Result<void> FallbackProvider::note(const NodeId& id, FallbackMemory::Home home) {
  if (asked_.size() >= kMostAsked) {
    const std::string oldest = asked_.begin()->first;
    asked_.erase(oldest);
    forget({oldest});
  }
  GS_CHECK(memory_.note(id.value(), home));
  asked_[id.value()] = home == FallbackMemory::Home::kSecond ? second_.get() : first_.get();
  return {};
}

/// What stays in state.db is looked at once more after a restart, and does no harm.
void FallbackProvider::forget(const std::vector<std::string>& ids) {
  if (const auto done = memory_.forget(ids); !done)
    log_.warn("provider.memory_failed", {{"error", done.error()}});
}

void FallbackProvider::spare(const std::string& why) {
  spared_until_ = clock_.mono() + kSpareAfterExhaustion;
  why_spared_ = why;
  const auto done = memory_.set_spare(FallbackMemory::Spare{clock_.wall() + kSpareAfterExhaustion, why});
  if (!done) log_.warn("provider.memory_failed", {{"error", done.error()}});
}

void FallbackProvider::spare_no_longer() {
  if (!spared_until_) return;
  spared_until_.reset();
  if (const auto done = memory_.set_spare(std::nullopt); !done)
    log_.warn("provider.memory_failed", {{"error", done.error()}});
}

Result<void> FallbackProvider::launch(const NodeId& id) {
  NodeProvider* home = home_of(id);
  if (home == second_.get()) return home->launch(id);
  if (home == nullptr && spared_until_ && clock_.mono() < *spared_until_)
    return launch_at_second(id, why_spared_);
  return launch_at_first(id);
}

Result<void> FallbackProvider::launch_at_first(const NodeId& id) {
  const bool listed = listed_.contains(id.value());
  if (!listed && !asked_.contains(id.value())) GS_CHECK(note(id, FallbackMemory::Home::kFirst));
  auto made = first_->launch(id);
  if (made) spare_no_longer();
  if (made || listed || made.error().code() != Errc::kExhausted) return made;
  // Nothing was made of it there, so that it may be made elsewhere.
  spare(made.error().message());
  return launch_at_second(id, why_spared_);
}

Result<void> FallbackProvider::launch_at_second(const NodeId& id, const std::string& why) {
  log_.warn("provider.fallback", {{"node", id.value()}, {"to", second_->type()}, {"because", why}});
  GS_CHECK(note(id, FallbackMemory::Home::kSecond));
  auto made = second_->launch(id);
  if (made || made.error().code() != Errc::kExhausted) return made;
  asked_.erase(id.value());
  forget({id.value()});
  const Error both = made.error().with_context(first_->type() + ": " + why + "; " + second_->type());
  // Both have to say no in the same minute: the next launch asks the first one again.
  spare_no_longer();
  return both;
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
  std::vector<std::string> seen;
  for (const auto& [id, home] : listed_) {
    if (asked_.erase(id) > 0) seen.push_back(id);
  }
  forget(seen);
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
  if (NodeProvider* home = home_of(id)) {
    auto ended = home->terminate(id);
    if (ended && asked_.erase(id.value()) > 0) forget({id.value()});
    return ended;
  }
  auto first = first_->terminate(id);
  auto second = second_->terminate(id);
  return first ? second : first;
}

}  // namespace gpuscale::pool
