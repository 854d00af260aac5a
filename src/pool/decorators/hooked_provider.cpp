// SPDX-License-Identifier: Apache-2.0
#include "pool/decorators/hooked_provider.h"

#include <utility>

namespace gpuscale::pool {

HookedProvider::HookedProvider(std::unique_ptr<NodeProvider> inner, DrainHooks hooks, std::string pool,
                               const log::Log& log)
    : inner_(std::move(inner)),
      hooks_(std::move(hooks)),
      pool_(std::move(pool)),
      runner_(std::chrono::ceil<std::chrono::milliseconds>(hooks_.limit),
              [log, pool = pool_](const HookCall& call, const std::string& fault) {
                if (fault.empty()) {
                  log.info("hook.done", {{"pool", pool}, {"node", call.node}, {"hook", call.hook}});
                } else {
                  log.warn("hook.failed",
                           {{"pool", pool}, {"node", call.node}, {"hook", call.hook}, {"error", fault}});
                }
              }) {}

void HookedProvider::ask(const std::string& hook, const std::vector<std::string>& command, const NodeId& id) {
  if (command.empty()) return;
  const auto endpoint = endpoints_.find(id.value());
  runner_.ask(
      {.node = id.value(),
       .hook = hook,
       .command = command,
       .environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
                       "GPUSCALE_HOOK=" + hook, "GPUSCALE_POOL=" + pool_, "GPUSCALE_NODE=" + id.value(),
                       "GPUSCALE_ENDPOINT=" + (endpoint == endpoints_.end() ? "" : endpoint->second)}});
}

void HookedProvider::begin_drain(const NodeId& id) {
  if (draining_.insert(id.value()).second) ask("drain", hooks_.drain, id);
}

Result<std::vector<Instance>> HookedProvider::list() {
  GS_TRY(auto instances, inner_->list());
  endpoints_.clear();
  for (const Instance& instance : instances) endpoints_.emplace(instance.id.value(), instance.endpoint);
  for (auto* known : {&draining_, &ending_})
    std::erase_if(*known, [&](const std::string& id) { return !endpoints_.contains(id); });
  return instances;
}

Result<void> HookedProvider::drain(const NodeId& id) {
  GS_CHECK(inner_->drain(id));
  begin_drain(id);
  return {};
}

Result<void> HookedProvider::undrain(const NodeId& id) {
  GS_CHECK(inner_->undrain(id));
  ending_.erase(id.value());
  if (draining_.erase(id.value()) > 0) ask("undrain", hooks_.undrain, id);
  return {};
}

Result<Workload> HookedProvider::workload(const NodeId& id) {
  GS_TRY(Workload work, inner_->workload(id));
  // Asked for by a process before this one.
  if (work.draining) begin_drain(id);
  if (runner_.busy(id.value())) work.held_by = "its drain hook";
  return work;
}

Result<void> HookedProvider::terminate(const NodeId& id) {
  if (hooks_.end.empty()) return inner_->terminate(id);
  if (!ending_.contains(id.value())) {
    // What never drained has nothing to be told; of a node drained by a process before this one its own word
    // says so.
    if (!draining_.contains(id.value())) {
      const auto work = inner_->workload(id);
      if (!work || !work->draining) return inner_->terminate(id);
    }
    ending_.insert(id.value());
    ask("end", hooks_.end, id);
  }
  if (runner_.busy(id.value())) return {};
  return inner_->terminate(id);
}

}  // namespace gpuscale::pool
