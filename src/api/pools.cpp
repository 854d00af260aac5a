// SPDX-License-Identifier: Apache-2.0
#include "api/pools.h"

#include "api/answers.h"
#include "api/declared.h"
#include "api/outcome.h"
#include "base/duration.h"

namespace gpuscale::api {

namespace {

using nlohmann::json;

std::string known_pools(const std::vector<scaling::PoolStatus>& pools) {
  std::string names;
  for (const auto& pool : pools) names += (names.empty() ? "" : ", ") + pool.spec.name;
  return names.empty() ? "none" : names;
}

/// "for" of a body, over 0.
Result<std::optional<Nanos>> duration_of(const json& body) {
  if (!body.contains("for") || body["for"].is_null()) return std::optional<Nanos>();
  if (!body["for"].is_string()) return fail(Errc::kInvalidArgument, "for must be a text such as \"30m\"");
  GS_TRY(const Nanos lasts, base::parse_duration(body["for"].get<std::string>()));
  if (lasts <= Nanos{0}) return fail(Errc::kInvalidArgument, "for must be over 0s");
  return std::optional(lasts);
}

http::Response hold_pool(Services& services, const http::Request& request, const Principal& principal,
                         scaling::HoldMode mode, const std::vector<Key>& keys) {
  const Result<json> body = parse_body(request, keys);
  if (!body) return error_answer(body.error());
  const auto lasts = duration_of(*body);
  if (!lasts) return error_answer(lasts.error());
  const std::string& name = request.path_params.at("name");
  scaling::Hold hold{mode, principal.name + " " + request.peer, {}};
  if (*lasts) hold.until = services.clock.wall() + **lasts;
  if (const auto done = services.controller.set_hold(name, std::move(hold)); !done)
    return error_answer(done.error());
  const auto pool = find_pool(services.controller, name);
  return pool ? json_answer(200, api::to_json(*pool)) : error_answer(pool.error());
}

json hold_json(const scaling::Hold& hold) {
  if (hold.mode == scaling::HoldMode::kNone) return nullptr;
  return {
      {"mode", std::string(to_string(hold.mode))}, {"who", hold.who}, {"until", time_or_null(hold.until)}};
}

json override_json(const std::optional<scaling::SizeOverride>& over) {
  if (!over) return nullptr;
  return {{"size", over->size}, {"who", over->who}, {"until", base::format_rfc3339(over->until)}};
}

json budget_json(const scaling::BudgetView& budget) {
  return {{"limited", budget.limited},
          {"used_gpu_hours", budget.used_gpu_hours},
          {"parked_gpu_hours", budget.parked_gpu_hours},
          {"limit_gpu_hours", budget.limited ? json(budget.limit_gpu_hours) : json()},
          {"used_money", budget.used_money},
          {"ends", base::format_rfc3339(budget.ends)},
          {"exhausted", budget.exhausted},
          {"exhausted_at", time_or_null(budget.exhausted_at)}};
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
  const auto lasts = duration_of(*body);
  if (!lasts) return error_answer(lasts.error());
  const std::string& pool = request.path_params.at("name");
  const auto outcome =
      services.controller.set_desired(pool, desired.get<int>(), principal.name + " " + request.peer, *lasts);
  if (!outcome) return error_answer(outcome.error());
  return outcome_answer(*outcome);
}

}  // namespace

json to_json(const scaling::PoolStatus& pool) {
  return {
      {"name", pool.spec.name},
      {"provider", pool.spec.provider.type},
      {"min", pool.spec.min},
      {"max", pool.spec.max},
      {"desired", pool.desired},
      {"counts",
       {{"launching", pool.counts.launching},
        {"booting", pool.counts.booting},
        {"ready", pool.counts.ready},
        {"draining", pool.counts.draining},
        {"parked", pool.counts.parked}}},
      {"phase", std::string(to_string(pool.phase))},
      {"phase_reason", pool.phase_reason},
      {"phase_cause", std::string(to_string(pool.phase_cause))},
      {"cooldown_out_until", time_or_null(pool.cooldown_out_until)},
      {"cooldown_in_until", time_or_null(pool.cooldown_in_until)},
      {"removal_proof", to_json(pool.proof)},
      {"saved_boots", pool.saved_boots},
      {"hold", hold_json(pool.hold)},
      {"override", override_json(pool.size_override)},
      {"budget", budget_json(pool.budget)},
      {"flaps",
       {{"last_hour", pool.flaps.last_hour}, {"last_day", pool.flaps.last_day}, {"band", pool.flaps.band}}}};
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
               for (const auto& pool : services.controller.pools()) {
                 list.push_back(to_json(pool));
                 add_declared(list.back(), services, config::Kind::kPools, pool.spec.name);
               }
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
      {"desired", "integer", "the number of nodes wanted, clipped to min and max", true},
      {"for", "string", "nothing else moves the pool for so long, as \"30m\"; it expires by itself", false}};
  routes.add({.method = http::Method::kPut,
              .pattern = "/api/v1/pools/{name}/desired",
              .scope = Scope::kTrigger,
              .summary = "Set the desired size by hand; the answer says what was done and why",
              .body = keys},
             [&services, keys](const http::Request& request, const Principal& principal) {
               return set_desired(services, request, principal, keys);
             });
  using scaling::HoldMode;
  const std::vector<Key> hold_keys{{"for", "string", "then it ends by itself, as \"1h\"", false}};
  for (const auto& [verb, mode, summary] :
       {std::tuple("pause", HoldMode::kPaused, "Keep the pool's size as it is; nodes that die are replaced"),
        std::tuple("only-out", HoldMode::kOnlyOut, "Let the pool grow and not shrink"),
        std::tuple("resume", HoldMode::kNone, "Let the pool go on")}) {
    routes.add({.method = http::Method::kPost,
                .pattern = std::string("/api/v1/pools/{name}/") + verb,
                .scope = Scope::kTrigger,
                .summary = summary,
                .body = hold_keys},
               [&services, mode = mode, hold_keys](const http::Request& request, const Principal& principal) {
                 return hold_pool(services, request, principal, mode, hold_keys);
               });
  }
}

}  // namespace gpuscale::api
