// SPDX-License-Identifier: Apache-2.0
// Dashboards: read, made, changed, deleted, as declared things are.
#include "api/answers.h"
#include "api/dashboard_store.h"
#include "api/definition_call.h"

namespace gpuscale::api {

namespace {

using nlohmann::json;
using Verdict = DashboardOutcome::Verdict;

json dashboard_json(const Dashboard& dashboard) {
  return {{"name", dashboard.name},
          {"origin", "api"},
          {"version", dashboard.version},
          {"definition", dashboard.definition},
          {"changed_by", dashboard.changed_by},
          {"changed_at", base::format_rfc3339(dashboard.changed_at)}};
}

http::Response dashboard_answer(const Result<DashboardOutcome>& outcome) {
  if (!outcome) return error_answer(outcome.error());
  const Dashboard& dashboard = outcome->dashboard;
  switch (outcome->verdict) {
    case Verdict::kConflict:
      return version_conflict("dashboard \"" + dashboard.name + "\" has version " +
                                  std::to_string(dashboard.version) + " by now, saved by " +
                                  dashboard.changed_by,
                              dashboard.version, dashboard.changed_by, dashboard.changed_at);
    case Verdict::kDeleted:
      return json_answer(200, {{"name", dashboard.name}, {"deleted", true}});
    case Verdict::kCreated:
      return json_answer(201, dashboard_json(dashboard));
    case Verdict::kChanged:
    case Verdict::kChecked:
      break;
  }
  return json_answer(200, dashboard_json(dashboard));
}

http::Response list_dashboards(const DashboardStore& store) {
  const auto all = store.list();
  if (!all) return error_answer(all.error());
  json list = json::array();
  for (const Dashboard& each : *all) list.push_back(dashboard_json(each));
  return json_answer(200, {{"dashboards", std::move(list)}});
}

http::Response put_dashboard(DashboardStore& store, const http::Request& request, const Principal& who) {
  auto call = definition_call(request);
  if (!call) return error_answer(call.error());
  return dashboard_answer(store.put({.name = request.path_params.at("name"),
                                     .definition = std::move(call->definition),
                                     .version = call->version,
                                     .who = who.name,
                                     .dry_run = call->dry_run}));
}

http::Response delete_dashboard(DashboardStore& store, const http::Request& request, const Principal& who) {
  const auto version = version_to_delete(request);
  if (!version) return error_answer(version.error());
  return dashboard_answer(store.remove(request.path_params.at("name"), *version, who.name));
}

}  // namespace

void register_dashboards(Routes& routes) {
  Services& services = routes.services();
  const auto add = [&](Operation operation, auto handler) {
    routes.add(std::move(operation),
               [&services, handler](const http::Request& request, const Principal& who) {
                 if (services.dashboards == nullptr)
                   return error_answer(fail(Errc::kUnsupported, "this server keeps no dashboards"));
                 return handler(*services.dashboards, request, who);
               });
  };
  add({.method = http::Method::kGet,
       .pattern = "/api/v1/dashboards",
       .scope = Scope::kRead,
       .summary = "Every dashboard that somebody has made"},
      [](const DashboardStore& store, const http::Request&, const Principal&) {
        return list_dashboards(store);
      });
  const std::string one = "/api/v1/dashboards/{name}";
  add({.method = http::Method::kGet,
       .pattern = one + "/definition",
       .scope = Scope::kRead,
       .summary = "One dashboard"},
      [](const DashboardStore& store, const http::Request& request, const Principal&) {
        const auto found = store.find(request.path_params.at("name"));
        return found ? json_answer(200, dashboard_json(*found)) : error_answer(found.error());
      });
  add({.method = http::Method::kPut,
       .pattern = one,
       .scope = Scope::kAdmin,
       .summary = "Make or change a dashboard",
       .query = definition_query(),
       .body = definition_keys("{\"variables\": [\"pool\"], \"panels\": [{\"title\", \"query\", \"max\", "
                               "\"wide\"}], \"refresh\": \"10s\"}")},
      put_dashboard);
  add({.method = http::Method::kDelete,
       .pattern = one,
       .scope = Scope::kAdmin,
       .summary = "Delete a dashboard",
       .query = {{"version", "integer", "the version that was read", true}}},
      delete_dashboard);
}

}  // namespace gpuscale::api
