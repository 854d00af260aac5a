// SPDX-License-Identifier: Apache-2.0
/// The inference service of a node: requests become work on the virtual device, one at a time, and are
/// answered when the device has done it. It can be drained: new requests are turned away, those in flight are
/// finished.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "agent/sampler.h"
#include "gpu/virtual_device/virtual_device.h"
#include "http/message.h"
#include "metrics/latency_histogram.h"

namespace gpuscale::agent {

/// Says to a caller, beside 503, that another node will take the request.
inline constexpr const char* kDrainingHeader = "X-Gpuscale-Draining";

/// Thread-safe. Outlives the requests in flight: stop the device before it is destroyed.
class InferenceService {
 public:
  InferenceService(gpu::VirtualDevice& device, std::chrono::microseconds service_time, std::size_t max_queue)
      : device_(device), service_time_(service_time), max_queue_(max_queue) {}

  /// 200 {"queued_ms","served_ms"} once served; 503 while draining (with kDrainingHeader) or where the queue
  /// is full (with Retry-After); 500 where the device stopped first.
  http::Response infer();

  void drain(bool on);
  bool draining() const;
  std::int64_t in_flight() const;  ///< accepted and not answered
  /// What was answered since the last call.
  ServedReport take_report();
  /// Waits until nothing is in flight. @return whether that came true before `deadline`.
  bool wait_idle(std::chrono::steady_clock::time_point deadline);

 private:
  void finish(const gpu::WorkReport& report, http::Responder& responder);

  gpu::VirtualDevice& device_;
  const std::chrono::microseconds service_time_;
  const std::size_t max_queue_;
  mutable std::mutex mutex_;
  std::condition_variable idle_;
  bool draining_ = false;
  std::int64_t in_flight_ = 0;
  metrics::LatencyHistogram latency_;
};

}  // namespace gpuscale::agent
