// SPDX-License-Identifier: Apache-2.0
#include "load/target_watch.h"

#include <nlohmann/json.hpp>

namespace gpuscale::load {
namespace {

/// The server's own words where the answer holds them.
std::string error_of(const http::ClientResponse& response) {
  const auto json = nlohmann::json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  if (json.is_object() && json.contains("error") && json["error"].is_string()) return json["error"];
  return "HTTP " + std::to_string(response.status);
}

Errc code_of(int status) {
  if (status == 401) return Errc::kUnauthenticated;
  if (status == 403) return Errc::kForbidden;
  if (status == 404) return Errc::kNotFound;
  return Errc::kUnavailable;
}

}  // namespace

Result<std::unique_ptr<TargetWatch>> TargetWatch::start(TargetWatchOptions options, Targets& targets,
                                                        const Clock& clock, log::Log log,
                                                        OnLateDrain on_late_drain) {
  std::unique_ptr<TargetWatch> watch(
      new TargetWatch(std::move(options), targets, clock, std::move(log), std::move(on_late_drain)));
  GS_CHECK(watch->ask());
  watch->thread_ = std::thread([raw = watch.get()] { raw->run(); });
  return watch;
}

TargetWatch::TargetWatch(TargetWatchOptions options, Targets& targets, const Clock& clock, log::Log log,
                         OnLateDrain on_late_drain)
    : options_(std::move(options)),
      targets_(targets),
      clock_(clock),
      log_(std::move(log)),
      on_late_drain_(std::move(on_late_drain)) {}

TargetWatch::~TargetWatch() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Result<void> TargetWatch::ask() {
  http::ClientRequest request;
  request.url = options_.server + "/api/v1/nodes?pool=" + http::url_encode(options_.pool);
  request.timeout = std::chrono::milliseconds{2'000};
  request.connect_timeout = std::chrono::milliseconds{1'000};
  request.ca_file = options_.ca_file;
  if (!options_.authorization.empty()) request.headers.set("Authorization", options_.authorization.reveal());
  GS_TRY(const http::ClientResponse response, client_.send(request));
  if (response.status != 200) {
    return fail(code_of(response.status), "asking " + options_.server + " for the nodes of pool \"" +
                                              options_.pool + "\": " + error_of(response));
  }
  GS_TRY(const std::vector<Target> nodes, parse_targets(response.body));
  const std::size_t ready_before = targets_.ready();
  const std::uint64_t late = targets_.update(nodes, clock_.mono());
  if (late > 0) on_late_drain_(late);
  if (const std::size_t ready = targets_.ready(); ready != ready_before) {
    log_.info("load.targets", {{"pool", options_.pool}, {"ready", ready}});
  }
  return {};
}

void TargetWatch::run() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, options_.every, [this] { return stopping_; })) {
    lock.unlock();
    const auto asked = ask();
    if (!asked && !away_)
      log_.warn("load.server_away", {{"server", options_.server}, {"error", asked.error()}});
    if (asked && away_) log_.info("load.server_back", {{"server", options_.server}});
    away_ = !asked.has_value();
    lock.lock();
  }
}

}  // namespace gpuscale::load
