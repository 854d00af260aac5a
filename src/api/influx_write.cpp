// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>

#include "api/influx.h"
#include "base/ascii.h"
#include "metrics/line_protocol.h"
#include "metrics/telemetry.h"

namespace gpuscale::api {

namespace {

/// InfluxDB's status for what a store refuses as a whole: clients decide by it whether to send again.
int write_status(const Error& error) {
  if (error.code() == Errc::kNotFound) return error.message().starts_with("database not found") ? 404 : 500;
  if (error.code() == Errc::kInvalidArgument) return 400;
  if (error.code() == Errc::kExhausted) return 507;
  return error.retryable() ? 503 : 500;
}

std::string partial(const std::string& reason, std::size_t dropped) {
  return "partial write: " + reason + " dropped=" + std::to_string(dropped);
}

std::string all_of(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) {
    if (!out.empty()) out += '\n';
    out += line;
  }
  return out;
}

bool known_consistency(std::string_view text) {
  const std::string level = base::to_lower(text);
  return level == "any" || level == "one" || level == "quorum" || level == "all";
}

void note_arrival(Services& services, const std::vector<metrics::PointView>& points) {
  const auto newest = std::max_element(points.begin(), points.end(),
                                       [](const auto& a, const auto& b) { return a.time_ns < b.time_ns; });
  services.arrivals.note(base::from_unix_nanos(newest->time_ns), services.clock.wall());
}

/// What an answer depends on, without the body.
http::Request shown_part(const http::Request& request) {
  http::Request out;
  out.method = request.method;
  out.path = request.path;
  out.query = request.query;
  out.headers = request.headers;
  return out;
}

/// A body on its way into the store; the points are views into it.
struct Arrived {
  std::string body;
  metrics::ParsedLines lines;
  std::string database;
  std::string policy;
};

http::Response answer_to(Services& services, const http::Request& request, const Arrived& arrived,
                         const Result<tsdb::WriteOutcome>& outcome) {
  if (!outcome) {
    const int status = write_status(outcome.error());
    if (status >= 500)
      services.log.warn("write.failed", {{"database", arrived.database}, {"error", outcome.error()}});
    return influx_error(request, status, outcome.error().message());
  }
  if (arrived.database == metrics::kDefaultDatabase) note_arrival(services, arrived.lines.points);
  if (outcome->dropped > 0)
    return influx_error(request, 400, partial(outcome->first_reason, outcome->dropped));
  if (!arrived.lines.errors.empty())
    return influx_error(request, 400, partial(all_of(arrived.lines.errors), 0));
  return influx_no_content();
}

/// Stores what can be stored. The order of the checks is InfluxDB's: what is stored and what is said depend
/// on it. The answer comes later, when the commit that holds the points is on disk: so hundreds of agents
/// share one commit without a thread each.
http::Response store_lines(Services& services, const http::Request& request, const std::string& database,
                           std::string body) {
  auto arrived = std::make_shared<Arrived>();
  arrived->body = std::move(body);
  arrived->database = database;
  arrived->policy = request.query.get_or("rp", "");
  const metrics::Precision precision = metrics::parse_precision(request.query.get_or("precision", ""));
  arrived->lines = metrics::parse_lines(arrived->body, precision, base::to_unix_nanos(services.clock.wall()));
  const metrics::ParsedLines& lines = arrived->lines;
  if (lines.points.empty()) {
    return lines.errors.empty() ? influx_no_content() : influx_error(request, 400, all_of(lines.errors));
  }
  const std::string consistency = request.query.get_or("consistency", "");
  if (!consistency.empty() && !known_consistency(consistency)) {
    return influx_error(request, 400, "invalid consistency level");
  }
  http::Response response;
  response.later = [&services, arrived,
                    shown = shown_part(request)](const std::shared_ptr<http::Responder>& responder) {
    services.store.write_later(
        arrived->database, arrived->policy, arrived->lines.points,
        [&services, arrived, shown, responder](const Result<tsdb::WriteOutcome>& outcome) {
          responder->respond(answer_to(services, shown, *arrived, outcome));
        });
  };
  return response;
}

http::Response write(Services& services, const http::Request& request) {
  const auto caller = influx_caller(services, request);
  if (!caller) return influx_error(request, 401, caller.error().message());
  const std::string database = request.query.get_or("db", "");
  if (database.empty()) return influx_error(request, 400, "database is required");
  if (!caller->may_write(database)) {
    return influx_error(
        request, 403,
        "\"" + caller->name() + "\" user is not authorized to write to database \"" + database + "\"");
  }
  if (!services.store.has_database(database)) {
    return influx_error(request, 404, "database not found: \"" + database + "\"");
  }
  if (request.body.size() > kMaxInfluxBody) return influx_error(request, 413, "Request Entity Too Large");
  if (request.headers.get("Content-Encoding") != "gzip")
    return store_lines(services, request, database, request.body);
  auto unpacked = http::gunzip(request.body, kMaxInfluxBody);
  if (!unpacked) {
    const bool large = unpacked.error().code() == Errc::kExhausted;
    return influx_error(request, large ? 413 : 400,
                        large ? "Request Entity Too Large" : unpacked.error().message());
  }
  return store_lines(services, request, database, *std::move(unpacked));
}

}  // namespace

void register_influx_write(Routes& routes) {
  Services& services = routes.services();
  add_influx_route(routes, "/write", {http::Method::kPost}, "POST, OPTIONS",
                   [&services](const http::Request& request) { return write(services, request); });
}

}  // namespace gpuscale::api
