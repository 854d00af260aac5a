// SPDX-License-Identifier: Apache-2.0
#include "api/bind_params.h"
#include "api/influx.h"
#include "api/multipart.h"
#include "api/results.h"
#include "api/text.h"
#include "influxql/render.h"

namespace gpuscale::api {

namespace {

constexpr std::size_t kDefaultChunk = 10'000;

/// Query and, for a form, body; the body wins. Source: Go's Request.FormValue, which InfluxDB reads with.
http::QueryParams parameters_of(const http::Request& request) {
  const std::string_view type = request.headers.get("Content-Type");
  http::QueryParams params;
  if (request.method == http::Method::kPost) {
    if (equal_ignoring_case(media_type(type), "application/x-www-form-urlencoded")) {
      params = http::QueryParams::parse(request.body);
    } else if (equal_ignoring_case(media_type(type), "multipart/form-data")) {
      params = parse_multipart(type, request.body);
    }
  }
  for (const auto& [key, value] : request.query.items()) {
    if (!params.get(key)) params.set(key, value);
  }
  return params;
}

bool allows(const InfluxCaller& caller, std::string_view privilege, std::string_view database) {
  if (privilege.empty()) return true;
  if (equal_ignoring_case(privilege, "read")) return caller.may_read(database);
  return equal_ignoring_case(privilege, "write") && caller.may_write(database);
}

influxql::QueryContext context_of(const Services& services, const http::Request& request,
                                  const http::QueryParams& params, const InfluxCaller& caller) {
  influxql::QueryContext context;
  context.database = params.get_or("db", "");
  context.policy = params.get_or("rp", "");
  context.now = services.clock.wall();
  context.limits = services.query_limits;
  context.create_default_policy = services.create_default_policy;
  context.read_only =
      request.method == http::Method::kGet ? influxql::ReadOnly::kYes : influxql::ReadOnly::kNo;
  if (caller.is_admin()) return context;
  context.authorize = [caller](std::string_view privilege, std::string_view database,
                               std::string_view statement) -> Result<void> {
    if (allows(caller, privilege, database)) return {};
    std::string message = "error authorizing query: " + caller.name() +
                          " not authorized to execute statement '" + std::string(statement) + "', requires ";
    const bool one_database =
        equal_ignoring_case(privilege, "read") || equal_ignoring_case(privilege, "write");
    message += one_database ? std::string(privilege) + " on " + std::string(database) : "admin privilege";
    return fail(Errc::kForbidden, std::move(message));
  };
  if (caller.user) {
    context.shows_database = [user = *caller.user](std::string_view database) {
      return user.may_read(database) || user.may_write(database);
    };
  }
  return context;
}

/// Observed: a series of more than 10,000 rows ends in "partial": true though nothing is missing. Clients
/// know it from InfluxDB and take no notice.
Results marked_long(Results results) {
  for (influxql::StatementResult& result : results) {
    if (result.pieces != influxql::Pieces::kRows) continue;
    for (influxql::Row& row : result.rows) row.partial = row.partial || row.values.size() > kDefaultChunk;
  }
  return results;
}

http::Response answer(const http::Request& request, const http::QueryParams& params, Results results) {
  const std::string epoch = params.get_or("epoch", "");
  const bool pretty = params.get_or("pretty", "") == "true";
  const ResultForm form = result_form(request);
  if (form == ResultForm::kCsv) return influx_answer(form, render_csv(results, epoch));
  if (form == ResultForm::kMsgpack) return influx_answer(form, render_msgpack(results, epoch));
  if (params.get_or("chunked", "") == "true") {
    const auto size = parse_digits<std::size_t>(params.get_or("chunk_size", ""));
    return influx_answer(form,
                         render_chunks(results, epoch, size && *size > 0 ? *size : kDefaultChunk, pretty));
  }
  return influx_answer(form, influxql::render_json(marked_long(std::move(results)), epoch, pretty));
}

http::Response query(Services& services, const http::Request& request) {
  const auto caller = influx_caller(services, request);
  if (!caller) return influx_error(request, 401, caller.error().message());
  if (request.body.size() > kMaxInfluxBody) return influx_error(request, 413, "Request Entity Too Large");
  const http::QueryParams params = parameters_of(request);
  const std::string given = params.get_or("q", "");
  const std::string_view text = trimmed(given);
  if (text.empty()) return influx_error(request, 400, "missing required parameter \"q\"");
  auto bound = parse_bind_params(params.get_or("params", ""));
  if (!bound) return influx_error(request, 400, bound.error().message());
  influxql::QueryContext context = context_of(services, request, params, *caller);
  context.params = bound->values;
  auto results = services.queries.execute(text, context);
  if (!results) {
    const Error& error = results.error();
    return influx_error(request, error.code() == Errc::kForbidden ? 403 : 400,
                        explain_missing(error.message(), *bound));
  }
  // The work is done by now; InfluxDB answers sooner, but no client can tell by the answer.
  if (params.get_or("async", "") == "true") return influx_no_content();
  return answer(request, params, *std::move(results));
}

}  // namespace

void register_influx_query(Routes& routes) {
  Services& services = routes.services();
  add_influx_route(routes, "/query", {http::Method::kGet, http::Method::kPost}, "OPTIONS, GET, POST",
                   [&services](const http::Request& request) { return query(services, request); });
}

}  // namespace gpuscale::api
