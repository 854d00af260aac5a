// SPDX-License-Identifier: Apache-2.0
#include "pool/providers/sim/sim_provider.h"

#include <cmath>
#include <utility>

#include "base/digest.h"
#include "base/duration.h"

namespace gpuscale::pool::sim {

SimProvider::SimProvider(std::unique_ptr<NodeProvider> nodes, SimOptions options, const Clock& clock)
    : nodes_(std::move(nodes)),
      options_(std::move(options)),
      clock_(clock),
      random_(options_.seed.value_or(std::random_device{}())),
      looked_(clock.mono()) {}

bool SimProvider::chance(double percent) {
  return percent > 0 && std::uniform_real_distribution<double>(0, 100)(random_) < percent;
}

template <typename Work>
auto SimProvider::call(const std::string& what, const Work& work) -> decltype(work()) {
  if (chance(options_.call_failures))
    return fail(Errc::kUnavailable, "sim: " + what + " failed, as call_failures asks for");
  auto done = work();
  if (done && chance(options_.lost_replies))
    return fail(Errc::kTimeout, "sim: the reply to " + what + " was lost, as lost_replies asks for");
  return done;
}

Result<void> SimProvider::launch(const NodeId& id) {
  return call("launch", [&]() -> Result<void> {
    GS_TRY(const auto running, nodes_->list());
    for (const Instance& instance : running) {
      if (instance.id == id) return {};
    }
    if (booting_.contains(id.value())) return {};
    if (options_.capacity > 0 && std::ssize(running) + std::ssize(booting_) >= options_.capacity) {
      return fail(Errc::kExhausted,
                  "sim: no stock: capacity is " + std::to_string(options_.capacity) + " nodes, all in use");
    }
    Boot boot;
    const double spread = options_.boot_spread / 100;
    const double share = std::uniform_real_distribution<double>(1 - spread, 1 + spread)(random_);
    if (!chance(options_.boot_failures)) {
      boot.ends = clock_.mono() +
                  Nanos{static_cast<std::int64_t>(share * static_cast<double>(options_.boot.count()))};
    }
    booting_.emplace(id.value(), boot);
    return {};
  });
}

Result<void> SimProvider::finish_boots() {
  for (auto it = booting_.begin(); it != booting_.end();) {
    if (!it->second.ends || clock_.mono() < *it->second.ends) {
      ++it;
      continue;
    }
    GS_CHECK(nodes_->launch(NodeId(it->first)));
    it = booting_.erase(it);
  }
  return {};
}

void SimProvider::let_some_die(const std::vector<Instance>& running) {
  const MonoTime now = clock_.mono();
  const double passed = std::chrono::duration<double>(now - std::exchange(looked_, now)).count();
  if (options_.life <= Nanos{0}) return;
  const double mean = std::chrono::duration<double>(options_.life).count();
  for (const Instance& instance : running) {
    if (instance.state == InstanceState::kRunning && chance(100 * (1 - std::exp(-passed / mean))))
      (void)nodes_->terminate(instance.id);
  }
}

std::string SimProvider::zone_of(const std::string& id) const {
  if (options_.zones.empty()) return "";
  // By the id alone, so that a restarted server finds each node where it was.
  const auto place = std::stoull(base::sha256_hex(id).substr(0, 8), nullptr, 16);
  return options_.zones[place % options_.zones.size()];
}

Result<std::vector<Instance>> SimProvider::list() {
  return call("list", [&]() -> Result<std::vector<Instance>> {
    GS_CHECK(finish_boots());
    GS_TRY(auto all, nodes_->list());
    let_some_die(all);
    for (const auto& [id, boot] : booting_) {
      const std::string detail = boot.ends
                                     ? "boots for another " + base::format_left(*boot.ends - clock_.mono())
                                     : "its boot has failed, as boot_failures asks for";
      all.push_back({NodeId(id), InstanceState::kStarting, "", detail});
    }
    for (Instance& instance : all) instance.zone = zone_of(instance.id.value());
    return all;
  });
}

Result<void> SimProvider::drain(const NodeId& id) {
  return call("drain", [&] { return nodes_->drain(id); });
}
Result<void> SimProvider::undrain(const NodeId& id) {
  return call("undrain", [&] { return nodes_->undrain(id); });
}
Result<Workload> SimProvider::workload(const NodeId& id) {
  return call("workload", [&] { return nodes_->workload(id); });
}

Result<void> SimProvider::terminate(const NodeId& id) {
  return call("terminate", [&]() -> Result<void> {
    if (booting_.erase(id.value()) > 0) return {};
    return nodes_->terminate(id);
  });
}

}  // namespace gpuscale::pool::sim
