// SPDX-License-Identifier: Apache-2.0
/// What became of the offered requests: counters, latencies from the due time, and the recent past. Recorder
/// collects while the load runs, Report is one look at it.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "metrics/latency_histogram.h"

namespace gpuscale::load {

/// Why a request was lost.
enum class LossReason {
  kOverload,     ///< too many outstanding: it was never sent
  kNoNode,       ///< no ready node was known: it was never sent
  kRefused,      ///< no node took it within the retries: none could be connected to
  kDraining,     ///< likewise, the last one answered that it drains
  kTimeout,      ///< sent, no answer in time
  kReset,        ///< sent, the connection broke
  kServerError,  ///< answered 5xx
  kRejected,     ///< answered with another status than 200
  kStopped,      ///< outstanding when the load generator was stopped
};
constexpr std::size_t kLossReasons = 9;
/// "overload", "no_node", "refused", "draining", "timeout", "reset", "server_error", "rejected", "stopped".
std::string_view to_string(LossReason reason);

/// Latencies from the due time to the answer; absent where nothing was served.
struct Latencies {
  std::uint64_t count = 0;
  std::optional<Nanos> p50;
  std::optional<Nanos> p99;
  std::optional<Nanos> max;
};

/// The newest complete seconds.
struct Window {
  Nanos length{0};  ///< shorter than asked for in the beginning; 0 in the first second
  std::uint64_t offered = 0;
  std::uint64_t served = 0;
  std::uint64_t lost = 0;
  Latencies latency;
  double per_second(std::uint64_t count) const;  ///< 0 while `length` is 0
};

/// offered = served + lost + outstanding.
struct Report {
  Nanos elapsed{0};
  std::uint64_t offered = 0;
  std::uint64_t served = 0;
  std::uint64_t lost = 0;
  std::uint64_t outstanding = 0;
  std::uint64_t retried = 0;        ///< further attempts, not requests
  std::uint64_t lost_to_drain = 0;  ///< of `lost`: accepted by a node that drained or had gone
  std::map<std::string, std::uint64_t> lost_by_reason;  ///< only reasons that occurred
  Latencies latency;
  Window last_1s;
  Window last_10s;
  std::optional<double>
      target_rps;  ///< what the profile asks for now; absent before the start and after the end
  std::size_t ready_nodes = 0;
  bool finished = false;
  std::string failure;  ///< why it ended early; "" where it did not
};

/// {"elapsed_seconds","offered","served","lost","lost_to_drain","lost_by_reason":{..},"retried","outstanding",
/// "latency_ms":{"p50","p99","max"},"last_1s":{"offered_per_second","served_per_second","lost","latency_ms"},
/// "last_10s":{..},"target_rps","ready_nodes","finished","failure"}; absent values are null.
nlohmann::json to_json(const Report& report);

/// "t=42s offered 60.0/s served 60.0/s lost 0 p50 21 ms p99 48 ms nodes 3": rates and latencies of the last
/// second, losses since the start.
std::string progress_line(const Report& report);

/// "21 ms", "3.4 ms", "1.25 s"; "-" where absent.
std::string format_latency(const std::optional<Nanos>& latency);

/// Thread-safe. `now` and `start` are of the same clock; a `now` before the newest seen counts into the
/// newest second.
class Recorder {
 public:
  explicit Recorder(MonoTime start);

  /// The load begins now: elapsed time and seconds count from here. Before anything is recorded.
  void begin(MonoTime start);
  void offered(MonoTime now);
  void served(MonoTime now, Nanos latency);
  void lost(MonoTime now, LossReason reason);
  void retried();
  void lost_to_drain(std::uint64_t count);

  /// Everything but target_rps, ready_nodes, finished and failure.
  Report snapshot(MonoTime now) const;

 private:
  static constexpr std::size_t kSlots = 11;  // ten complete seconds and the running one
  struct Second {
    std::int64_t index = -1;
    std::uint64_t offered = 0;
    std::uint64_t served = 0;
    std::uint64_t lost = 0;
    metrics::LatencyHistogram latency;
  };
  Second& second_at(MonoTime now);
  Window window(std::int64_t current, std::int64_t seconds) const;
  std::int64_t index_of(MonoTime now) const;

  MonoTime start_;
  mutable std::mutex mutex_;
  std::array<Second, kSlots> seconds_;
  std::int64_t newest_ = 0;
  metrics::LatencyHistogram latency_;
  std::uint64_t offered_ = 0;
  std::uint64_t served_ = 0;
  std::uint64_t retried_ = 0;
  std::uint64_t lost_to_drain_ = 0;
  std::array<std::uint64_t, kLossReasons> lost_{};
};

}  // namespace gpuscale::load
