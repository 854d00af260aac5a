// SPDX-License-Identifier: Apache-2.0
#include "api/pools.h"

#include "api/answers.h"
#include "api/outcome.h"

namespace gpuscale::api {

namespace {

using nlohmann::json;

std::string known_pools(const std::vector<scaling::PoolStatus>& pools) {
  std::string names;
  for (const auto& pool : pools) names += (names.empty() ? "" : ", ") + pool.spec.name;
  return names.empty() ? "none" : names;
}

http::Response set_desired(Services& services, const http::Request& request, const Principal& principal,
                           const std::vector<Key>& keys) {
  const Result<json> body = parse_body(request, keys);
  if (!body) return error_answer(body.error());
  const json& desired = (*body)["desired"];
  constexpr int kMost = 1'000'000;
  if (!desired.is_number_integer() || desired.get<double>() < 0 || desired.get<double>() > kMost) {
    return error_answer(fail(Errc::kInvalidArgument, "desired must be a whole number from 0 to 1000000"));
  }
  const std::string& pool = request.path_params.at("name");
  const auto outcome =
      services.controller.set_desired(pool, desired.get<int>(), principal.name + " " + request.peer);
  if (!outcome) return error_answer(outcome.error());
  return outcome_answer(*outcome);
}

}  // namespace

json to_json(const scaling::PoolStatus& pool) {
  return {{"name", pool.spec.name},
          {"provider", pool.spec.provider.type},
          {"min", pool.spec.min},
          {"max", pool.spec.max},
          {"desired", pool.desired},
          {"counts",
           {{"launching", pool.counts.launching},
            {"booting", pool.counts.booting},
            {"ready", pool.counts.ready},
            {"draining", pool.counts.draining}}},
          {"phase", std::string(to_string(pool.phase))},
          {"phase_reason", pool.phase_reason},
          {"cooldown_out_until", time_or_null(pool.cooldown_out_until)},
          {"cooldown_in_until", time_or_null(pool.cooldown_in_until)},
          {"removal_proof", to_json(pool.proof)},
          {"saved_boots", pool.saved_boots}};
}

Result<scaling::PoolStatus> find_pool(const scaling::Controller& controller, const std::string& name) {
  const std::vector<scaling::PoolStatus> pools = controller.pools();
  for (const auto& pool : pools) {
    if (pool.spec.name == name) return pool;
  }
  return fail(Errc::kNotFound, "no pool \"" + name + "\"; known: " + known_pools(pools));
}

void register_pools(Routes& routes) {
  Services& services = routes.services();
  routes.add({.method = http::Method::kGet,
              .pattern = "/api/v1/pools",
              .scope = Scope::kRead,
              .summary = "Every pool: bounds, desired size, nodes by state, phase, cooldowns"},
             [&services](const http::Request&, const Principal&) {
               json list = json::array();
               for (const auto& pool : services.controller.pools()) list.push_back(to_json(pool));
               return json_answer(200, {{"pools", std::move(list)}});
             });
  routes.add({.method = http::Method::kGet,
              .pattern = "/api/v1/pools/{name}",
              .scope = Scope::kRead,
              .summary = "One pool"},
             [&services](const http::Request& request, const Principal&) {
               const auto pool = find_pool(services.controller, request.path_params.at("name"));
               return pool ? json_answer(200, to_json(*pool)) : error_answer(pool.error());
             });
  const std::vector<Key> keys{
      {"desired", "integer", "the number of nodes wanted, clipped to min and max", true}};
  routes.add({.method = http::Method::kPut,
              .pattern = "/api/v1/pools/{name}/desired",
              .scope = Scope::kTrigger,
              .summary = "Set the desired size by hand; the answer says what was done and why",
              .body = keys},
             [&services, keys](const http::Request& request, const Principal& principal) {
               return set_desired(services, request, principal, keys);
             });
}

}  // namespace gpuscale::api
