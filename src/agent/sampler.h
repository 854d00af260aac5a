// SPDX-License-Identifier: Apache-2.0
/// From readings to lines, and a thread that reads: a driver that hangs holds up its own thread and nothing
/// else.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent/feed.h"
#include "base/result.h"
#include "base/time.h"
#include "gpu/source.h"
#include "log/log.h"

namespace gpuscale::agent {

/// Who measures; the tags of every line.
struct NodeIdentity {
  std::string cluster;
  std::string pool;
  std::string node;
  std::string zone{};  ///< of the node's own line; "" = it was not told
};

/// What a node says of itself beside its devices.
struct NodeReport {
  std::int64_t devices_ok = 0;
  std::int64_t devices_failed = 0;
  std::uint64_t dropped = 0;              ///< lines since the start
  std::uint64_t buffered = 0;             ///< lines
  std::optional<std::int64_t> in_flight;  ///< absent where no endpoint serves
  std::optional<bool> draining;           ///< likewise
  FeedState source = FeedState::kStarting;
  std::string source_reason;                 ///< where the source is in trouble
  std::optional<double> sample_age_seconds;  ///< of the newest readings; absent before the first
};

/// What the endpoint answered since the last report.
struct ServedReport {
  std::int64_t requests = 0;
  std::optional<Nanos> p50;
  std::optional<Nanos> p99;
};

/// One `gpu` line per reading that has numbers; a device in trouble has none. Pure.
std::vector<std::string> gpu_lines(const NodeIdentity& identity, const std::vector<gpu::Reading>& readings);
/// Pure.
std::string node_line(const NodeIdentity& identity, const NodeReport& report, WallTime at);
/// Pure.
std::string inference_line(const NodeIdentity& identity, const ServedReport& report, WallTime at);

/// Reads the source when asked, on a thread of its own. Thread-safe.
class Sampler final : public ReadingFeed {
 public:
  Sampler(gpu::GpuSource& source, const Clock& clock, log::Log log);
  /// Waits for a read that is under way.
  ~Sampler() override;
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  std::vector<gpu::Reading> sample(MonoTime deadline) override;
  Sight sight() const override;

 private:
  void run();

  gpu::GpuSource& source_;
  const Clock& clock_;
  const log::Log log_;
  mutable std::mutex mutex_;
  std::condition_variable asked_;
  std::condition_variable ended_;
  bool wanted_ = false;
  bool reading_ = false;
  bool stopping_ = false;
  bool failing_ = false;
  std::vector<gpu::Reading> fresh_;
  Sight sight_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace gpuscale::agent
