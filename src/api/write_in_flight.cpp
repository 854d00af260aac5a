// SPDX-License-Identifier: Apache-2.0
#include "api/write_in_flight.h"

#include <algorithm>
#include <utility>

#include "base/name_list.h"
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

std::int64_t newest_of(std::span<const metrics::PointView> points) {
  return std::max_element(points.begin(), points.end(),
                          [](const auto& a, const auto& b) { return a.time_ns < b.time_ns; })
      ->time_ns;
}

}  // namespace

bool WriteInFlight::store(std::string_view policy, std::span<const metrics::PointView> points) {
  newest_ns_ = std::max(newest_ns_, newest_of(points));
  const bool go_on = parts_.begin_part();
  services_.store.write_later(
      database_, policy, points,
      [self = shared_from_this(), part = part_++](Result<tsdb::WriteOutcome> outcome) {
        self->respond_if_whole(self->parts_.settle(part, std::move(outcome)));
      });
  return go_on;
}

void WriteInFlight::close(std::vector<std::string> errors) {
  errors_ = std::move(errors);
  respond_if_whole(parts_.close());
}

void WriteInFlight::respond_if_whole(PartedWrite::Whole whole) {
  if (!whole) return;
  outcome_ = std::move(whole);
  if (*outcome_ && database_ == metrics::kDefaultDatabase)
    services_.arrivals.note(base::from_unix_nanos(newest_ns_), services_.clock.wall());
  // It will hold us.
  const auto responder = std::move(responder_);
  responder->respond_with(shared_from_this());
}

http::Response WriteInFlight::make() {
  const Result<tsdb::WriteOutcome>& outcome = *outcome_;
  if (!outcome) {
    const int status = write_status(outcome.error());
    if (status >= 500)
      services_.log.warn("write.failed", {{"database", database_}, {"error", outcome.error()}});
    return influx_error(form_, status, outcome.error().message());
  }
  if (outcome->dropped > 0) return influx_error(form_, 400, partial(outcome->first_reason, outcome->dropped));
  if (!errors_.empty()) return influx_error(form_, 400, partial(base::joined(errors_, "\n"), 0));
  return influx_no_content();
}

}  // namespace gpuscale::api
