// SPDX-License-Identifier: Apache-2.0
#include "agent/inference.h"

#include <nlohmann/json.hpp>

namespace gpuscale::agent {
namespace {

http::Response turned_away(int status, const std::string& why) {
  return http::Response::json(status, nlohmann::json{{"error", why}}.dump() + "\n");
}

double milliseconds(Nanos span) {
  return std::chrono::duration<double, std::milli>(span).count();
}

}  // namespace

http::Response InferenceService::infer() {
  {
    // One step with the drain: what is accepted here is counted before a drain can find nothing in flight.
    const std::scoped_lock lock(mutex_);
    if (draining_) {
      http::Response response = turned_away(503, "this node is draining; another one will take the request");
      response.headers.set(kDrainingHeader, "true");
      return response;
    }
    if (static_cast<std::size_t>(in_flight_) > max_queue_) {
      http::Response response = turned_away(503, "the queue is full");
      response.headers.set("Retry-After", "1");
      return response;
    }
    ++in_flight_;
  }
  http::Response response;
  response.later = [this](std::shared_ptr<http::Responder> responder) {
    const auto queued = device_.submit(
        service_time_, [this, responder](const gpu::WorkReport& report) { finish(report, *responder); });
    if (!queued) finish({}, *responder);
  };
  return response;
}

void InferenceService::finish(const gpu::WorkReport& report, http::Responder& responder) {
  if (report.completed) {
    responder.respond(http::Response::json(200, nlohmann::json{{"queued_ms", milliseconds(report.queued)},
                                                               {"served_ms", milliseconds(report.served)}}
                                                        .dump() +
                                                    "\n"));
  } else {
    responder.respond(turned_away(500, "the device stopped before it had served the request"));
  }
  const std::scoped_lock lock(mutex_);
  if (report.completed) latency_.record(report.queued + report.served);
  if (--in_flight_ == 0) idle_.notify_all();
}

void InferenceService::drain(bool on) {
  const std::scoped_lock lock(mutex_);
  draining_ = on;
}

bool InferenceService::draining() const {
  const std::scoped_lock lock(mutex_);
  return draining_;
}

std::int64_t InferenceService::in_flight() const {
  const std::scoped_lock lock(mutex_);
  return in_flight_;
}

ServedReport InferenceService::take_report() {
  const std::scoped_lock lock(mutex_);
  ServedReport report{static_cast<std::int64_t>(latency_.count()), latency_.quantile(0.5),
                      latency_.quantile(0.99)};
  if (report.requests > 0) latency_.clear();
  return report;
}

bool InferenceService::wait_idle(std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  return idle_.wait_until(lock, deadline, [this] { return in_flight_ == 0; });
}

}  // namespace gpuscale::agent
