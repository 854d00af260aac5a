// SPDX-License-Identifier: Apache-2.0
#include "activity/ledger.h"
#include "api/answers.h"
#include "api/text.h"

namespace gpuscale::api {

namespace {

Result<activity::Filter> filter_of(const http::QueryParams& query) {
  constexpr std::size_t kMost = 10'000;
  activity::Filter filter;
  filter.pool = query.get_or("pool", "");
  filter.kind_prefix = query.get_or("kind", "");
  filter.correlation = query.get_or("correlation", "");
  if (const auto since = query.get("since")) {
    auto time = base::parse_rfc3339(*since);
    if (!time) return std::move(time).error().with_context("since");
    filter.since = *time;
  }
  if (const auto after = query.get("after_id")) {
    filter.after_id = parse_digits<std::int64_t>(*after);
    if (!filter.after_id)
      return fail(Errc::kInvalidArgument, "after_id must be a whole number, the id of an entry");
  }
  if (const auto asked = query.get("limit")) {
    const auto limit = parse_digits<std::size_t>(*asked);
    if (!limit || *limit == 0 || *limit > kMost) {
      return fail(Errc::kInvalidArgument, "limit must be a whole number from 1 to 10000");
    }
    filter.limit = *limit;
  }
  return filter;
}

}  // namespace

void register_activity(Routes& routes) {
  Services& services = routes.services();
  routes.add(
      {.method = http::Method::kGet,
       .pattern = "/api/v1/activity",
       .scope = Scope::kRead,
       .summary =
           "The ledger: every decision, call and effect with its inputs and its reason, ascending by id",
       .query = {{"since", "string", "RFC 3339; entries from then on"},
                 {"after_id", "integer", "the oldest entries after this id, to follow the ledger"},
                 {"pool", "string", "only of this pool"},
                 {"kind", "string",
                  "only of this kind; \"node.\" = all that begin so; \"config.,token.\" = of any of these"},
                 {"correlation", "string", "only of this episode"},
                 {"limit", "integer", "at most so many, 1..10000; default 200, the newest"}}},
      [&services](const http::Request& request, const Principal&) {
        const auto filter = filter_of(request.query);
        if (!filter) return error_answer(filter.error());
        const auto entries = services.ledger.query(*filter);
        if (!entries) return error_answer(entries.error());
        nlohmann::json list = nlohmann::json::array();
        for (const auto& entry : *entries) list.push_back(activity::to_json(entry));
        return json_answer(200, {{"activity", std::move(list)}});
      });
}

}  // namespace gpuscale::api
