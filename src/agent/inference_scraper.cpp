// SPDX-License-Identifier: Apache-2.0
#include "agent/inference_scraper.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <variant>

#include "http/client.h"
#include "metrics/line_protocol.h"
#include "metrics/telemetry.h"

namespace gpuscale::agent {
namespace {

constexpr std::size_t kMostMetricsBytes = 4U << 20U;
constexpr std::size_t kMostLines = 1'000;  ///< that wait to be taken
constexpr std::chrono::milliseconds kLongestWait{2'000};

std::optional<std::int64_t> whole_value(const std::vector<metrics::Field>& fields, std::string_view key) {
  for (const metrics::Field& field : fields) {
    if (field.key != key) continue;
    if (const auto* number = std::get_if<double>(&field.value)) return std::llround(*number);
    if (const auto* number = std::get_if<std::int64_t>(&field.value)) return *number;
  }
  return std::nullopt;
}

}  // namespace

struct InferenceScraper::Watched {
  InferenceTarget target;
  http::Client client;
  std::vector<MappedValue> before;
  TargetSight sight;
};

Result<InferenceTarget> parse_target(std::string_view text, const std::vector<std::string>& maps) {
  constexpr std::string_view kCustom = "custom";
  const std::size_t equals = text.find('=');
  const std::string_view url = equals == std::string_view::npos ? "" : text.substr(equals + 1);
  if (!url.starts_with("http://") && !url.starts_with("https://")) {
    return fail(Errc::kInvalidArgument, "--inference \"" + std::string(text) +
                                            "\" is not SERVER=URL, as vllm=http://127.0.0.1:8000/metrics is");
  }
  InferenceTarget target{std::string(text.substr(0, equals)), std::string(url), {}};
  // A mapping of the user's own comes first, and so wins over the preset's.
  for (const std::string& map : maps) {
    GS_TRY(MappedMetric metric, parse_mapping(map));
    target.mapping.push_back(std::move(metric));
  }
  if (target.server != kCustom) {
    GS_TRY(InferenceMapping preset, find_preset(target.server));
    std::move(preset.begin(), preset.end(), std::back_inserter(target.mapping));
  }
  if (target.mapping.empty()) {
    return fail(
        Errc::kInvalidArgument,
        "--inference custom=... needs --inference-map FIELD=METRIC, as requests_waiting=my_queue_size");
  }
  return target;
}

InferenceScraper::InferenceScraper(std::vector<InferenceTarget> targets, NodeIdentity identity,
                                   std::chrono::milliseconds interval, const Clock& clock, log::Log log)
    : identity_(std::move(identity)), interval_(interval), clock_(clock), log_(std::move(log)) {
  for (InferenceTarget& target : targets) {
    auto watched = std::make_unique<Watched>();
    watched->sight.server = target.server;
    watched->sight.url = http::redact_url(target.url);
    watched->target = std::move(target);
    watched_.push_back(std::move(watched));
  }
  thread_ = std::thread([this] { run(); });
}

InferenceScraper::~InferenceScraper() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  stop_asked_.notify_all();
  thread_.join();
}

std::vector<std::string> InferenceScraper::take_lines() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(lines_, {});
}

std::vector<TargetSight> InferenceScraper::sights() const {
  const std::scoped_lock lock(mutex_);
  std::vector<TargetSight> sights;
  for (const auto& watched : watched_) sights.push_back(watched->sight);
  return sights;
}

void InferenceScraper::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto next = std::chrono::steady_clock::now() + interval_;
    lock.unlock();
    for (const auto& watched : watched_) scrape(*watched);
    lock.lock();
    stop_asked_.wait_until(lock, next, [this] { return stopping_; });
  }
}

void InferenceScraper::scrape(Watched& watched) {
  http::ClientRequest request;
  request.url = watched.target.url;
  request.timeout = std::clamp(interval_, std::chrono::milliseconds{200}, kLongestWait);
  request.connect_timeout = request.timeout;
  request.max_answer_bytes = kMostMetricsBytes;
  const auto answer = watched.client.send(request);
  std::string error = answer ? "" : answer.error().message();
  if (answer && answer->status != 200) error = "it answered " + std::to_string(answer->status);
  metrics::Point point;
  if (error.empty()) {
    std::vector<MappedValue> now = map_exposition(answer->body, watched.target.mapping);
    if (now.empty()) error = "its text has none of the metrics of a " + watched.target.server + " server";
    point.measurement = std::string(metrics::kInference);
    point.tags = {{std::string(metrics::kTagCluster), identity_.cluster},
                  {std::string(metrics::kTagPool), identity_.pool},
                  {std::string(metrics::kTagNode), identity_.node},
                  {std::string(metrics::kTagServer), watched.target.server}};
    point.fields = inference_fields(watched.before, now);
    point.time_ns = base::to_unix_nanos(clock_.wall());
    watched.before = std::move(now);
  }
  if (error != watched.sight.error) {
    if (error.empty()) {
      log_.info("inference.works_again", {{"url", watched.sight.url}});
    } else {
      log_.warn("inference.failed", {{"url", watched.sight.url}, {"error", error}});
    }
  }
  const auto running = whole_value(point.fields, metrics::kRequestsRunning);
  const auto waiting = whole_value(point.fields, metrics::kRequestsWaiting);
  std::string line;
  const std::scoped_lock lock(mutex_);
  watched.sight.up = error.empty();
  watched.sight.requests.reset();
  if (error.empty() && running && waiting) watched.sight.requests = *running + *waiting;
  watched.sight.error = std::move(error);
  if (!point.fields.empty() && metrics::append_line(line, point) && lines_.size() < kMostLines) {
    lines_.push_back(std::move(line));
  }
}

}  // namespace gpuscale::agent
