// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <mutex>
#include <optional>

#include "api/influx.h"
#include "api/write_in_flight.h"
#include "base/ascii.h"
#include "base/name_list.h"
#include "metrics/line_protocol.h"

namespace gpuscale::api {

namespace {

constexpr std::string_view kWritePath = "/write";

bool known_consistency(std::string_view text) {
  const std::string level = base::to_lower(text);
  return level == "any" || level == "one" || level == "quorum" || level == "all";
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

/// What bodies are parsed into, kept for those that come after: each needs a handful of pieces of memory, and
/// there are tens of thousands in a second. Thread-safe.
class Rooms {
 public:
  std::shared_ptr<Arrived> take() {
    const std::scoped_lock lock(mutex_);
    if (free_.empty()) return std::make_shared<Arrived>();
    std::shared_ptr<Arrived> room = std::move(free_.back());
    free_.pop_back();
    return room;
  }
  /// Nobody else may hold it.
  void give_back(std::shared_ptr<Arrived> room) {
    room->unpacked = {};
    room->reader.reset();
    room->lines.errors.clear();
    room->lines.unescaped.clear();
    // What a body of uncommon width needed is not kept.
    if (room->lines.field_storage.room() > kMostFields || room->lines.tag_storage.room() > kMostFields)
      return;
    const std::scoped_lock lock(mutex_);
    if (free_.size() < kMost) free_.push_back(std::move(room));
  }

 private:
  static constexpr std::size_t kMost = 4;
  static constexpr std::size_t kMostFields = 32 * kPointsAtOnce;  ///< of 40 bytes each

  std::mutex mutex_;
  std::vector<std::shared_ptr<Arrived>> free_;
};

/// Hands over the part that was read, and the rest part by part.
void store_parts(Arrived& arrived, const std::shared_ptr<WriteInFlight>& write) {
  while (write->store(arrived.policy, arrived.lines.points) &&
         arrived.reader->read(kPointsAtOnce, arrived.lines)) {
  }
  write->close(std::move(arrived.lines.errors));
}

/// Stores what can be stored. The order of the checks is InfluxDB's: what is stored and what is said depend
/// on it. The answer comes later, when the commits that hold the points are on disk: so hundreds of agents
/// share one commit without a thread each. @param body part of the request, or of `arrived`
http::Response store_lines(Services& services, Rooms& rooms, const http::Request& request,
                           std::string database, std::string_view body, std::shared_ptr<Arrived> arrived) {
  arrived->policy = request.query.get_or("rp", "");
  const metrics::Precision precision = metrics::parse_precision(request.query.get_or("precision", ""));
  arrived->reader.emplace(body, precision, base::to_unix_nanos(services.clock.wall()));
  if (!arrived->reader->read(kPointsAtOnce, arrived->lines)) {
    const std::vector<std::string>& errors = arrived->lines.errors;
    return errors.empty() ? influx_no_content() : influx_error(request, 400, base::joined(errors, "\n"));
  }
  const std::string consistency = request.query.get_or("consistency", "");
  if (!consistency.empty() && !known_consistency(consistency)) {
    return influx_error(request, 400, "invalid consistency level");
  }
  http::Response response;
  response.later = [&services, &rooms, arrived = std::move(arrived), form = error_form(request),
                    database = std::move(database)](std::shared_ptr<http::Responder> responder) mutable {
    store_parts(*arrived,
                std::make_shared<WriteInFlight>(services, std::move(database), form, std::move(responder)));
    rooms.give_back(std::move(arrived));
  };
  return response;
}

http::Response write(Services& services, Rooms& rooms, const http::Request& request) {
  const auto caller = influx_caller(services, request);
  if (!caller) return influx_error(request, 401, caller.error().message());
  std::string database = request.query.get_or("db", "");
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
  auto arrived = rooms.take();
  if (request.headers.get("Content-Encoding") != "gzip")
    return store_lines(services, rooms, request, std::move(database), request.body, std::move(arrived));
  auto unpacked = http::gunzip(request.body, kMaxInfluxBody);
  if (!unpacked) {
    const bool large = unpacked.error().code() == Errc::kExhausted;
    return influx_error(request, large ? 413 : 400,
                        large ? "Request Entity Too Large" : unpacked.error().message());
  }
  arrived->unpacked = *std::move(unpacked);
  const std::string_view body = arrived->unpacked;
  return store_lines(services, rooms, request, std::move(database), body, std::move(arrived));
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
                   [&services, rooms = std::make_shared<Rooms>()](const http::Request& request) {
                     return write(services, *rooms, request);
                   });
}

}  // namespace gpuscale::api
