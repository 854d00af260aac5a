// SPDX-License-Identifier: Apache-2.0
#include "agent/sampler.h"

#include <algorithm>

#include "gpu/signals.h"
#include "metrics/line_protocol.h"
#include "metrics/telemetry.h"

namespace gpuscale::agent {
namespace {

using metrics::Point;

Point point_of(std::string_view measurement, const NodeIdentity& identity, WallTime at) {
  Point point;
  point.measurement = std::string(measurement);
  point.tags = {{std::string(metrics::kTagCluster), identity.cluster},
                {std::string(metrics::kTagPool), identity.pool},
                {std::string(metrics::kTagNode), identity.node}};
  point.time_ns = base::to_unix_nanos(at);
  return point;
}

template <typename T>
void add(Point& point, std::string_view key, const std::optional<T>& value) {
  if (value) point.fields.push_back({std::string(key), *value});
}

std::string line_of(const Point& point) {
  std::string line;
  metrics::append_line(line, point);
  return line;
}

std::optional<double> milliseconds(const std::optional<Nanos>& span) {
  if (!span) return std::nullopt;
  return std::chrono::duration<double, std::milli>(*span).count();
}

template <typename T>
void add_signals(Point& point, const gpu::Reading& reading, std::span<const gpu::Signal<T>> signals) {
  for (const gpu::Signal<T>& signal : signals) {
    if (signal.pace == gpu::Pace::kFast || reading.slow_is_fresh) {
      add(point, signal.name, reading.*signal.value);
    }
  }
}

bool is_ok(const gpu::Reading& reading) {
  return reading.state == gpu::DeviceState::kOk;
}

}  // namespace

std::vector<std::string> gpu_lines(const NodeIdentity& identity, const std::vector<gpu::Reading>& readings) {
  std::vector<std::string> lines;
  for (const gpu::Reading& reading : readings) {
    if (!is_ok(reading)) continue;
    Point point = point_of(metrics::kGpu, identity, reading.at);
    point.tags.push_back({std::string(metrics::kTagGpu), std::to_string(reading.device.index)});
    // Line protocol has no empty tag value; a device without a name goes without that tag.
    if (!reading.device.uuid.empty())
      point.tags.push_back({std::string(metrics::kTagUuid), reading.device.uuid});
    if (!reading.device.model.empty())
      point.tags.push_back({std::string(metrics::kTagModel), reading.device.model});
    if (reading.device.mig) {
      point.tags.push_back(
          {std::string(metrics::kTagMig),
           reading.device.mig->profile + "/" + std::to_string(reading.device.mig->gpu_instance)});
    }
    add_signals(point, reading, gpu::real_signals());
    add_signals(point, reading, gpu::whole_signals());
    if (!reading.doubt.empty()) point.fields.push_back({std::string(metrics::kDoubt), reading.doubt});
    if (std::string line = line_of(point); !line.empty()) lines.push_back(std::move(line));
  }
  return lines;
}

std::string node_line(const NodeIdentity& identity, const NodeReport& report, WallTime at) {
  Point point = point_of(metrics::kNode, identity, at);
  if (!identity.zone.empty()) point.tags.push_back({std::string(metrics::kTagZone), identity.zone});
  point.fields = {{std::string(metrics::kDevicesOk), report.devices_ok},
                  {std::string(metrics::kDevicesFailed), report.devices_failed},
                  {std::string(metrics::kAgentDropped), static_cast<std::int64_t>(report.dropped)},
                  {std::string(metrics::kAgentBuffered), static_cast<std::int64_t>(report.buffered)}};
  add(point, metrics::kInFlight, report.in_flight);
  add(point, metrics::kDraining, report.draining);
  point.fields.push_back({std::string(metrics::kSamplerState), std::string(to_string(report.source))});
  if (!report.source_reason.empty()) {
    point.fields.push_back({std::string(metrics::kSamplerReason), report.source_reason});
  }
  add(point, metrics::kSampleAgeSeconds, report.sample_age_seconds);
  return line_of(point);
}

std::string inference_line(const NodeIdentity& identity, const ServedReport& report, WallTime at) {
  Point point = point_of(metrics::kInference, identity, at);
  point.fields = {{std::string(metrics::kRequests), report.requests}};
  add(point, metrics::kLatencyP50Ms, milliseconds(report.p50));
  add(point, metrics::kLatencyP99Ms, milliseconds(report.p99));
  return line_of(point);
}

Sampler::Sampler(gpu::GpuSource& source, const Clock& clock, log::Log log)
    : source_(source), clock_(clock), log_(std::move(log)), thread_([this] { run(); }) {}

Sampler::~Sampler() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  asked_.notify_all();
  thread_.join();
}

std::vector<gpu::Reading> Sampler::sample(MonoTime deadline) {
  std::unique_lock lock(mutex_);
  wanted_ = true;
  asked_.notify_all();
  ended_.wait_until(lock, std::chrono::time_point_cast<std::chrono::steady_clock::duration>(deadline),
                    [this] { return !wanted_ && !reading_; });
  return std::exchange(fresh_, {});
}

Sight Sampler::sight() const {
  const std::scoped_lock lock(mutex_);
  return sight_;
}

void Sampler::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    asked_.wait(lock, [this] { return wanted_ || stopping_; });
    if (stopping_) return;
    wanted_ = false;
    reading_ = true;
    lock.unlock();
    auto readings = source_.read(clock_.wall());
    lock.lock();
    reading_ = false;
    sight_.read_at = clock_.mono();
    sight_.error = readings ? "" : readings.error().message();
    sight_.state = readings ? FeedState::kOk : state_of(readings.error().code());
    if (readings) {
      sight_.readings = *readings;
      fresh_ = std::move(*readings);
    }
    if (!sight_.error.empty() && !failing_) log_.warn("source.failed", {{"error", sight_.error}});
    if (sight_.error.empty() && failing_) log_.info("source.works_again");
    failing_ = !sight_.error.empty();
    ended_.notify_all();
  }
}

}  // namespace gpuscale::agent
