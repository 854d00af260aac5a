// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>
#include <memory>
#include <optional>

#include "api/influx.h"
#include "api/parted_write.h"
#include "base/ascii.h"
#include "metrics/line_protocol.h"
#include "metrics/telemetry.h"

namespace gpuscale::api {

namespace {

constexpr std::string_view kWritePath = "/write";

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

std::int64_t newest_of(const std::vector<metrics::PointView>& points) {
  return std::max_element(points.begin(), points.end(),
                          [](const auto& a, const auto& b) { return a.time_ns < b.time_ns; })
      ->time_ns;
}

/// Points that are parsed and handed to the store at a time. A body of megabytes goes in parts: what is
/// parsed stays near the processor, and the first are stored while the last are read.
constexpr std::size_t kPointsAtOnce = 256;

/// A body on its way into the store; the points are views into it, or into what it was unpacked to.
struct Arrived {
  std::string unpacked;
  std::string policy;
  std::optional<metrics::LineReader> reader;
  metrics::ParsedLines lines;  ///< the part read last, and the errors of all
};

/// What the answer to a write is made of once the points are on disk.
struct Receipt {
  std::string database;
  std::int64_t newest_ns;
  std::vector<std::string> errors;
  ErrorForm form;
};

http::Response answer_to(Services& services, const Receipt& receipt,
                         const Result<tsdb::WriteOutcome>& outcome) {
  if (!outcome) {
    const int status = write_status(outcome.error());
    if (status >= 500)
      services.log.warn("write.failed", {{"database", receipt.database}, {"error", outcome.error()}});
    return influx_error(receipt.form, status, outcome.error().message());
  }
  if (receipt.database == metrics::kDefaultDatabase)
    services.arrivals.note(base::from_unix_nanos(receipt.newest_ns), services.clock.wall());
  if (outcome->dropped > 0)
    return influx_error(receipt.form, 400, partial(outcome->first_reason, outcome->dropped));
  if (!receipt.errors.empty()) return influx_error(receipt.form, 400, partial(all_of(receipt.errors), 0));
  return influx_no_content();
}

/// Hands over the part that was read, and the rest part by part.
void store_parts(Services& services, Arrived& arrived, const std::string& database, ErrorForm form,
                 const std::shared_ptr<http::Responder>& responder) {
  const auto receipt =
      std::make_shared<Receipt>(Receipt{database, std::numeric_limits<std::int64_t>::min(), {}, form});
  const auto whole = std::make_shared<PartedWrite>(
      [&services, receipt, responder](const Result<tsdb::WriteOutcome>& outcome) {
        responder->respond(answer_to(services, *receipt, outcome));
      });
  std::size_t part = 0;
  do {
    receipt->newest_ns = std::max(receipt->newest_ns, newest_of(arrived.lines.points));
    const bool go_on = whole->begin_part();
    services.store.write_later(
        database, arrived.policy, arrived.lines.points,
        [whole, part](Result<tsdb::WriteOutcome> outcome) { whole->settle(part, std::move(outcome)); });
    ++part;
    if (!go_on) break;
  } while (arrived.reader->read(kPointsAtOnce, arrived.lines));
  receipt->errors = std::move(arrived.lines.errors);
  whole->close();
}

/// Stores what can be stored. The order of the checks is InfluxDB's: what is stored and what is said depend
/// on it. The answer comes later, when the commits that hold the points are on disk: so hundreds of agents
/// share one commit without a thread each. @param body part of the request, or of `arrived`
http::Response store_lines(Services& services, const http::Request& request, const std::string& database,
                           std::string_view body, const std::shared_ptr<Arrived>& arrived) {
  arrived->policy = request.query.get_or("rp", "");
  const metrics::Precision precision = metrics::parse_precision(request.query.get_or("precision", ""));
  arrived->reader.emplace(body, precision, base::to_unix_nanos(services.clock.wall()));
  if (!arrived->reader->read(kPointsAtOnce, arrived->lines)) {
    const std::vector<std::string>& errors = arrived->lines.errors;
    return errors.empty() ? influx_no_content() : influx_error(request, 400, all_of(errors));
  }
  const std::string consistency = request.query.get_or("consistency", "");
  if (!consistency.empty() && !known_consistency(consistency)) {
    return influx_error(request, 400, "invalid consistency level");
  }
  http::Response response;
  response.later = [&services, arrived, form = error_form(request),
                    database](const std::shared_ptr<http::Responder>& responder) {
    store_parts(services, *arrived, database, form, responder);
  };
  return response;
}

http::Response write(Services& services, const http::Request& request) {
  const auto caller = influx_caller(services, request);
  if (!caller) return influx_error(request, 401, caller.error().message());
  const std::string database = request.query.get_or("db", "");
  if (database.empty()) return influx_error(request, 400, "database is required");
  if (!services.store.has_database(database)) {
    return influx_error(request, 404, "database not found: \"" + database + "\"");
  }
  if (!caller->may_write(database)) {
    return influx_error(
        request, 403,
        "\"" + caller->name() + "\" user is not authorized to write to database \"" + database + "\"");
  }
  if (request.body.size() > kMaxInfluxBody) return influx_error(request, 413, "Request Entity Too Large");
  const auto arrived = std::make_shared<Arrived>();
  if (request.headers.get("Content-Encoding") != "gzip")
    return store_lines(services, request, database, request.body, arrived);
  auto unpacked = http::gunzip(request.body, kMaxInfluxBody);
  if (!unpacked) {
    const bool large = unpacked.error().code() == Errc::kExhausted;
    return influx_error(request, large ? 413 : 400,
                        large ? "Request Entity Too Large" : unpacked.error().message());
  }
  arrived->unpacked = *std::move(unpacked);
  return store_lines(services, request, database, arrived->unpacked, arrived);
}

/// Beyond it the parsing of one agent's lines would keep others waiting.
constexpr std::size_t kMostAtOnce = 16U << 10U;

}  // namespace

bool answered_at_once(const http::Request& request) {
  if (request.raw_path != kWritePath || request.method != http::Method::kPost) return false;
  if (request.body.size() > kMostAtOnce || !request.headers.get("Content-Encoding").empty()) return false;
  // To check a password takes 50 ms, and a session may have been opened with one.
  if (request.query.get("p")) return false;
  const std::string_view credentials = request.headers.get("Authorization");
  if (credentials.empty()) return !request.headers.has("Cookie");
  const bool token = credentials.starts_with("Token ") || credentials.starts_with("Bearer ");
  return token && credentials.find(':') == std::string_view::npos;
}

void register_influx_write(Routes& routes) {
  Services& services = routes.services();
  add_influx_route(routes, kWritePath, {http::Method::kPost}, "POST, OPTIONS",
                   [&services](const http::Request& request) { return write(services, request); });
}

}  // namespace gpuscale::api
