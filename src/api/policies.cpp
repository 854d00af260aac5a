// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "api/answers.h"
#include "api/declared.h"
#include "api/pools.h"
#include "api/routes.h"
#include "base/duration.h"
#include "base/name_list.h"

namespace gpuscale::api {
namespace {

using nlohmann::json;

json sums_json(const scaling::TrialSums& sums, const pool::PoolSpec* pool) {
  const double price =
      pool == nullptr ? 0 : pool->limits.budget.price_per_gpu_hour * pool->limits.gpus_per_node;
  const auto looked = static_cast<double>(sums.looks * policy::Council::kTickSeconds);
  return {{"hours", looked / 3'600},
          {"node_hours", sums.node_hours()},
          {"money", price > 0 ? json(sums.node_hours() * price) : json()},
          {"bad_percent", 100 * sums.bad_share()},
          {"crowded_percent",
           sums.looks > 0 ? 100 * static_cast<double>(sums.crowded) / static_cast<double>(sums.looks) : 0.0}};
}

json trial_json(const std::optional<scaling::TrialStatus>& trial, const pool::PoolSpec* pool) {
  if (!trial) return nullptr;
  return {{"day", sums_json(trial->day, pool)}, {"week", sums_json(trial->week, pool)}};
}

json promotion_json(const scaling::Promotion& promotion) {
  return {{"policy", promotion.policy},
          {"before", promotion.before},
          {"who", promotion.who},
          {"at", base::format_rfc3339(promotion.at)},
          {"probation_until", base::format_rfc3339(promotion.probation_until)},
          {"notify", promotion.notify},
          {"state", to_string(promotion.state)},
          {"reason", promotion.reason}};
}

/// With its number; a policy of steps has none.
std::string kind_text(const policy::PolicySpec& spec) {
  return spec.choice.name == "step" ? spec.choice.name : spec.choice.to_string();
}

/// What the reason says in numbers; null = unknown, or nothing that this policy goes by.
json evidence_json(const policy::Evidence& seen) {
  return {{"value", value_or_null(seen.value)},
          {"target", value_or_null(seen.target)},
          {"window_seconds", value_or_null(seen.window_seconds)},
          {"load", value_or_null(seen.load)},
          {"forecast", value_or_null(seen.forecast)},
          {"missed_percent", seen.missed ? json(100 * *seen.missed) : json()},
          {"history", seen.history.empty() ? json() : json(seen.history)},
          {"distrusted", seen.distrusted}};
}

json policy_json(const scaling::PolicyStatus& status, const pool::PoolSpec* pool, const Services& services) {
  json out = {{"name", status.spec.name},
              {"pool", status.spec.pool},
              {"policy", kind_text(status.spec)},
              {"shadow", status.spec.shadow},
              {"want", value_or_null(status.want)},
              {"boot_seconds", value_or_null(status.boot_seconds)},
              {"reason", status.reason},
              {"evidence", evidence_json(status.evidence)},
              {"trial", trial_json(status.trial, pool)}};
  add_declared(out, services, config::Kind::kPolicies, status.spec.name);
  return out;
}

/// One that does not run: what of it its definition says, as far as it can be read.
json left_out_json(const declare::Declared& declared, const Services& services) {
  const auto text = [&](const char* key) {
    const auto found = declared.definition.find(key);
    return found != declared.definition.end() && found->is_string() ? found->get<std::string>() : "";
  };
  scaling::PolicyStatus status;
  status.spec.name = declared.name;
  status.spec.pool = text("pool");
  status.spec.shadow = true;
  status.reason = declared.fault;
  json out = policy_json(status, nullptr, services);
  out["policy"] = text("type");
  return out;
}

json list_policies(const Services& services) {
  json policies = json::array();
  json pools = json::array();
  if (services.pilot == nullptr) return {{"policies", policies}, {"pools", pools}};
  const auto known = services.controller.pools();
  const auto spec_of = [&](const std::string& name) -> const pool::PoolSpec* {
    const auto found =
        std::find_if(known.begin(), known.end(), [&](const auto& pool) { return pool.spec.name == name; });
    return found == known.end() ? nullptr : &found->spec;
  };
  for (const auto& status : services.pilot->policies())
    policies.push_back(policy_json(status, spec_of(status.spec.pool), services));
  for (const auto& each : left_out(services, config::Kind::kPolicies))
    policies.push_back(left_out_json(each, services));
  for (const auto& seat : services.pilot->seats()) {
    pools.push_back({{"pool", seat.pool},
                     {"as_it_was", trial_json(seat.as_it_was, spec_of(seat.pool))},
                     {"promotion", seat.promotion ? promotion_json(*seat.promotion) : json()}});
  }
  return {{"policies", std::move(policies)}, {"pools", std::move(pools)}};
}

/// Channels that people read: one that pulls a trigger would answer a roll-back with a change of size.
Result<std::vector<std::string>> channels_in(const json& body, const Services& services) {
  std::vector<std::string> out;
  if (!body.contains("notify") || body["notify"].is_null()) return out;
  const auto known = services.outbox.channels();
  for (const json& name : body["notify"]) {
    const auto channel = std::find_if(known.begin(), known.end(), [&](const notify::ChannelSpec& each) {
      return name.is_string() && each.name == name.get<std::string>();
    });
    if (channel == known.end()) return fail(Errc::kInvalidArgument, "notify: no channel " + name.dump());
    if (channel->kind == notify::ChannelKind::kTrigger) {
      return fail(Errc::kInvalidArgument,
                  "notify: channel " + channel->name + " pulls a trigger; name one that people read");
    }
    out.push_back(channel->name);
  }
  return out;
}

Result<scaling::Pilot::PromotionOrder> order_of(const http::Request& request, const Principal& principal,
                                                const Services& services, const std::vector<Key>& keys) {
  GS_TRY(const json body, parse_body(request, keys));
  scaling::Pilot::PromotionOrder order{.pool = request.path_params.at("name"),
                                       .policy = {},
                                       .who = principal.name + " " + request.peer,
                                       .notify = {}};
  if (!body["policy"].is_string())
    return fail(Errc::kInvalidArgument, "policy must be the name of one of the pool's policies");
  order.policy = body["policy"].get<std::string>();
  if (const auto probation = body.find("probation"); probation != body.end() && !probation->is_null()) {
    if (!probation->is_string())
      return fail(Errc::kInvalidArgument, "probation must be a text such as \"24h\"");
    auto lasts = base::parse_duration(probation->get<std::string>());
    if (!lasts) return std::move(lasts).error().with_context("probation");
    order.probation = *lasts;
  }
  GS_TRY(order.notify, channels_in(body, services));
  return order;
}

http::Response promotion_answer(const Result<scaling::Promotion>& promotion) {
  return promotion ? json_answer(200, promotion_json(*promotion)) : error_answer(promotion.error());
}

}  // namespace

void register_policies(Routes& routes) {
  Services& services = routes.services();
  routes.add({.method = http::Method::kGet,
              .pattern = "/api/v1/policies",
              .scope = Scope::kRead,
              .summary = "Every policy: its pool, whether it is heard or a shadow, what it wants and why (in "
                         "words, and in numbers as "
                         "evidence), what it "
                         "would have cost and lost; and the same of each pool as it was"},
             [&services](const http::Request&, const Principal&) {
               return json_answer(200, list_policies(services));
             });
  routes.add({.method = http::Method::kGet,
              .pattern = "/api/v1/policies/{name}",
              .scope = Scope::kRead,
              .summary = "One policy, as the list has it"},
             [&services](const http::Request& request, const Principal&) {
               const std::string& name = request.path_params.at("name");
               std::vector<std::string> known;
               const json all = list_policies(services);
               for (const json& each : all["policies"]) {
                 if (each["name"] == name) return json_answer(200, each);
                 known.push_back(each["name"].get<std::string>());
               }
               return error_answer(
                   fail(Errc::kNotFound, "no policy \"" + name + "\"; known: " + base::known_names(known)));
             });
  const std::vector<Key> keys{
      {"policy", "string", "one of the pool's policies", true},
      {"probation", "string", "while harm rolls it back, as \"24h\"; default 24h", false},
      {"notify", "array", "names of channels that are told of a roll-back", false}};
  routes.add({.method = http::Method::kPost,
              .pattern = "/api/v1/pools/{name}/promote",
              .scope = Scope::kAdmin,
              .summary = "Let this policy alone be heard, and those heard until now be shadows",
              .body = keys},
             [&services, keys](const http::Request& request, const Principal& principal) {
               if (services.pilot == nullptr)
                 return error_answer(fail(Errc::kUnsupported, "this server has no policies"));
               const auto order = order_of(request, principal, services, keys);
               if (!order) return error_answer(order.error());
               return promotion_answer(services.pilot->promote(*order));
             });
  routes.add({.method = http::Method::kPost,
              .pattern = "/api/v1/pools/{name}/rollback",
              .scope = Scope::kAdmin,
              .summary = "Let those policies be heard again that were before the promotion"},
             [&services](const http::Request& request, const Principal& principal) {
               if (services.pilot == nullptr)
                 return error_answer(fail(Errc::kUnsupported, "this server has no policies"));
               return promotion_answer(services.pilot->roll_back(request.path_params.at("name"),
                                                                 principal.name + " " + request.peer));
             });
}

}  // namespace gpuscale::api
