// SPDX-License-Identifier: Apache-2.0
#include "api/answers.h"
#include "api/pools.h"

namespace gpuscale::api {

namespace {

using nlohmann::json;

json to_json(const scaling::NodeStatus& status, WallTime now) {
  const pool::Node& node = status.node;
  const scaling::NodeTelemetry& telemetry = status.telemetry;
  return {{"id", node.id.value()},
          {"pool", node.pool.value()},
          {"state", std::string(to_string(node.state))},
          {"endpoint", node.endpoint},
          {"created", base::format_rfc3339(node.created)},
          {"ready_at", time_or_null(node.ready_at)},
          {"age_seconds", seconds_of(now - node.created)},
          {"reason", node.reason},
          {"protected", node.protected_from_scale_in},
          {"utilization", value_or_null(telemetry.utilization)},
          {"utilization_peak", value_or_null(telemetry.utilization_peak)},
          {"in_flight", value_or_null(telemetry.in_flight)},
          {"devices_ok", value_or_null(telemetry.devices_ok)},
          {"last_report", time_or_null(telemetry.last_report)},
          {"victim_rank", status.victim_rank},
          {"victim_reason", status.victim_reason},
          {"standing", std::string(to_string(status.victim.standing))},
          {"health", std::string(to_string(status.victim.health))},
          {"devices_failed", telemetry.devices_failed},
          {"gpu_class", telemetry.gpu_class},
          {"zone", status.victim.zone},
          {"memory_used_bytes", value_or_null(telemetry.memory_used)},
          {"drain", status.drain},
          {"drain_phase", status.drain_phase},
          {"parked", status.parked}};
}

/// "8 x NVIDIA H100 80GB HBM3 (80 GiB), zone b"; "" where neither is told.
std::string kind_of_node(const scaling::NodeStatus& status) {
  std::string out = status.telemetry.gpu_class;
  if (status.victim.zone.empty()) return out;
  return out + (out.empty() ? "zone " : ", zone ") + status.victim.zone;
}

/// Why a node would (not) be taken next, as sentences from the general to the particular.
json why_lines(const scaling::NodeStatus& status, const scaling::PoolStatus& pool) {
  json lines = json::array();
  const scaling::Victim& victim = status.victim;
  lines.push_back(victim.rank > 0
                      ? "number " + std::to_string(victim.rank) + " in turn: " + status.victim_reason
                      : "not in turn: " + status.victim_reason);
  if (!status.drain.empty()) lines.push_back("drain: " + status.drain);
  if (victim.standing == scaling::Standing::kSpare) {
    lines.push_back((victim.spared ? "can be spared: " : "cannot be spared: ") +
                    (victim.burden
                         ? "in its turn the survivors would have " + describe(pool.proof, *victim.burden)
                         : describe(pool.proof, victim.rank)));
  }
  if (std::string kind = kind_of_node(status); !kind.empty()) lines.push_back(std::move(kind));
  if (std::string cost = cost_to_move(victim); !cost.empty()) lines.push_back("cost to move: " + cost);
  lines.push_back("the pool has " + std::to_string(pool.counts.capacity()) + " of " +
                  std::to_string(pool.desired) + " wanted (min " + std::to_string(pool.spec.min) + ", max " +
                  std::to_string(pool.spec.max) + "): " + pool.phase_reason);
  if (pool.cooldown_in_until)
    lines.push_back("triggers may not shrink the pool before " +
                    base::format_second(*pool.cooldown_in_until));
  return lines;
}

http::Response why_answer(const Services& services, const std::string& id) {
  for (const auto& status : services.controller.nodes("")) {
    if (status.node.id.value() != id) continue;
    const auto pool = find_pool(services.controller, status.node.pool.value());
    if (!pool) return error_answer(pool.error());
    json body = to_json(status, services.clock.wall());
    body["why"] = why_lines(status, *pool);
    body["removal_proof"] = to_json(pool->proof);
    return json_answer(200, body);
  }
  return error_answer(
      fail(Errc::kNotFound, "no node \"" + id + "\"; gone nodes are in the activity ledger alone"));
}

/// The node as it is after the call, so that the caller need not ask again.
http::Response node_answer(const Services& services, const std::string& id) {
  for (const auto& status : services.controller.nodes("")) {
    if (status.node.id.value() == id) return json_answer(200, to_json(status, services.clock.wall()));
  }
  return json_answer(200, {{"id", id}, {"state", "gone"}});
}

http::Response list_nodes(const Services& services, const http::Request& request) {
  const std::string pool = request.query.get_or("pool", "");
  if (!pool.empty()) {
    if (const auto known = find_pool(services.controller, pool); !known) return error_answer(known.error());
  }
  json list = json::array();
  for (const auto& status : services.controller.nodes(pool))
    list.push_back(to_json(status, services.clock.wall()));
  return json_answer(200, {{"nodes", std::move(list)}});
}

using Act = std::function<Result<void>(const std::string& node, const std::string& who)>;

void add_action(Routes& routes, const std::string& verb, std::string summary, Act act) {
  Services& services = routes.services();
  routes.add({.method = http::Method::kPost,
              .pattern = "/api/v1/nodes/{id}/" + verb,
              .scope = Scope::kTrigger,
              .summary = std::move(summary)},
             [&services, act = std::move(act)](const http::Request& request, const Principal& principal) {
               if (const auto body = parse_body(request, {}); !body) return error_answer(body.error());
               const std::string& id = request.path_params.at("id");
               if (const auto done = act(id, principal.name + " " + request.peer); !done)
                 return error_answer(done.error());
               return node_answer(services, id);
             });
}

}  // namespace

void register_nodes(Routes& routes) {
  Services& services = routes.services();
  routes.add(
      {.method = http::Method::kGet,
       .pattern = "/api/v1/nodes",
       .scope = Scope::kRead,
       .summary =
           "Every node that is not gone: state, telemetry (null = unknown), who would be taken next and why",
       .query = {{"pool", "string", "only the nodes of this pool"}}},
      [&services](const http::Request& request, const Principal&) { return list_nodes(services, request); });
  routes.add({.method = http::Method::kGet,
              .pattern = "/api/v1/nodes/{id}/why",
              .scope = Scope::kRead,
              .summary = "One node's line of the victim ledger: its rank, why (not), and the removal proof"},
             [&services](const http::Request& request, const Principal&) {
               return why_answer(services, request.path_params.at("id"));
             });
  scaling::Controller& controller = services.controller;
  add_action(routes, "release", "Drain this node, then end it",
             [&controller](const std::string& node, const std::string& who) {
               return controller.release_node(node, who);
             });
  add_action(routes, "drain", "Let this node take no new work and keep it; the pool replaces it",
             [&controller](const std::string& node, const std::string& who) {
               return controller.hold_node(node, who);
             });
  add_action(routes, "undrain", "Take a draining node back",
             [&controller](const std::string& node, const std::string& who) {
               return controller.undrain_node(node, who);
             });
  add_action(routes, "protect", "Never take this node in a scale-in",
             [&controller](const std::string& node, const std::string& who) {
               return controller.protect_node(node, true, who);
             });
  add_action(routes, "unprotect", "Let scale-in take this node again",
             [&controller](const std::string& node, const std::string& who) {
               return controller.protect_node(node, false, who);
             });
}

}  // namespace gpuscale::api
