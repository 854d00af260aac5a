// SPDX-License-Identifier: Apache-2.0
#include "scaling/replay.h"

#include "api/answers.h"
#include "api/routes.h"

namespace gpuscale::api {
namespace {

using nlohmann::json;

/// Answers are long texts of their own; a look at them needs no more.
constexpr std::size_t kMostShown = 16 * 1024;

std::string shortened(const std::string& text) {
  return text.size() <= kMostShown ? text : text.substr(0, kMostShown) + "...";
}

json json_of(const scaling::ReplayReport& report) {
  json out{{"decisions", report.decisions()}, {"passes", report.passes},
           {"triggers", report.triggers},     {"sizes", report.sizes},
           {"looks", report.looks},           {"differing", report.differing},
           {"identical", report.identical()}, {"damaged_count", report.damaged_count},
           {"damaged", report.damaged},       {"first_difference", nullptr}};
  if (report.first) {
    out["first_difference"] = {{"kind", report.first->kind},
                               {"pool", report.first->pool},
                               {"at", base::format_rfc3339(report.first->at)},
                               {"recorded", shortened(report.first->recorded)},
                               {"replayed", shortened(report.first->replayed)}};
  }
  return out;
}

json json_of(const scaling::WhatIf& asked) {
  json rows = json::array();
  for (const scaling::WhatIf::Row& row : asked.rows) {
    rows.push_back({{"at", base::format_rfc3339(row.at)},
                    {"had", row.had},
                    {"wanted", row.wanted},
                    {"would_want", row.would},
                    {"reason", row.reason}});
  }
  return {{"pool", asked.pool},
          {"looks", asked.looks},
          {"had_node_hours", asked.had_node_hours},
          {"would_node_hours", asked.would_node_hours},
          {"looks_more", asked.looks_more},
          {"looks_fewer", asked.looks_fewer},
          {"rows", std::move(rows)},
          {"rows_omitted", asked.rows_omitted}};
}

Result<scaling::TimeRange> range_of(const http::QueryParams& query, WallTime now) {
  scaling::TimeRange range{now - std::chrono::hours{1}, now};
  for (const auto& [name, end] : {std::pair("since", &range.from), std::pair("until", &range.to)}) {
    const auto text = query.get(name);
    if (!text) continue;
    auto time = base::parse_rfc3339(*text);
    if (!time) return std::move(time).error().with_context(name);
    *end = *time;
  }
  if (range.from > range.to)
    return fail(Errc::kInvalidArgument, "since is after until: the range holds nothing");
  return range;
}

http::Response replay_answer(Services& services, const http::Request& request) {
  if (services.journal == nullptr)
    return error_answer(fail(Errc::kUnsupported, "this server keeps no decisions"));
  const auto range = range_of(request.query, services.clock.wall());
  if (!range) return error_answer(range.error());
  const std::string pool = request.query.get_or("pool", "");
  json out{{"since", base::format_rfc3339(range->from)}, {"until", base::format_rfc3339(range->to)}};
  if (const auto policy = request.query.get("policy")) {
    const auto choice = scaling::parse_asked(*policy);
    if (!choice) return error_answer(choice.error());
    const auto asked = scaling::what_if(*services.journal, pool, *range, *choice);
    if (!asked) return error_answer(asked.error());
    out["policy"] = choice->to_string();
    out["pools"] = json::array();
    for (const auto& each : *asked) out["pools"].push_back(json_of(each));
    return json_answer(200, out);
  }
  const auto report = scaling::replay(*services.journal, pool, *range);
  if (!report) return error_answer(report.error());
  out.update(json_of(*report));
  return json_answer(200, out);
}

}  // namespace

void register_replay(Routes& routes) {
  Services& services = routes.services();
  routes.add(
      {.method = http::Method::kGet,
       .pattern = "/api/v1/activity/replay",
       .scope = Scope::kRead,
       .summary = "Runs recorded decisions again through the same code and says whether each answer is "
                  "the same; with `policy`, what that policy would have wanted on the same inputs",
       .query = {{"since", "string", "RFC 3339; default an hour ago"},
                 {"until", "string", "RFC 3339; default now"},
                 {"pool", "string", "only of this pool"},
                 {"policy", "string", "\"lookout\", \"hpa=0.6\", \"target=4\": what would it have wanted?"}}},
      [&services](const http::Request& request, const Principal&) {
        return replay_answer(services, request);
      });
}

}  // namespace gpuscale::api
