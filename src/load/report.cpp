// SPDX-License-Identifier: Apache-2.0
#include "load/report.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

namespace gpuscale::load {
namespace {

double to_ms(Nanos t) {
  return std::chrono::duration<double, std::milli>(t).count();
}

Latencies summarise(const metrics::LatencyHistogram& histogram) {
  return {histogram.count(), histogram.quantile(0.5), histogram.quantile(0.99), histogram.max()};
}

nlohmann::json latency_json(const Latencies& latency) {
  const auto value = [](const std::optional<Nanos>& t) {
    return t ? nlohmann::json(to_ms(*t)) : nlohmann::json();
  };
  return {{"p50", value(latency.p50)}, {"p99", value(latency.p99)}, {"max", value(latency.max)}};
}

nlohmann::json window_json(const Window& window) {
  return {{"seconds", std::chrono::duration<double>(window.length).count()},
          {"offered_per_second", window.per_second(window.offered)},
          {"served_per_second", window.per_second(window.served)},
          {"lost", window.lost},
          {"latency_ms", latency_json(window.latency)}};
}

std::string printed(const char* format, double value) {
  std::array<char, 48> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, value);
  return buffer.data();
}

}  // namespace

std::string_view to_string(LossReason reason) {
  switch (reason) {
    case LossReason::kOverload:
      return "overload";
    case LossReason::kNoNode:
      return "no_node";
    case LossReason::kRefused:
      return "refused";
    case LossReason::kDraining:
      return "draining";
    case LossReason::kTimeout:
      return "timeout";
    case LossReason::kReset:
      return "reset";
    case LossReason::kServerError:
      return "server_error";
    case LossReason::kRejected:
      return "rejected";
    case LossReason::kStopped:
      return "stopped";
  }
  return "stopped";
}

double Window::per_second(std::uint64_t count) const {
  if (length <= Nanos{0}) return 0;
  return static_cast<double>(count) / std::chrono::duration<double>(length).count();
}

nlohmann::json to_json(const Report& report) {
  return {{"elapsed_seconds", std::chrono::duration<double>(report.elapsed).count()},
          {"offered", report.offered},
          {"served", report.served},
          {"lost", report.lost},
          {"lost_to_drain", report.lost_to_drain},
          {"lost_by_reason", report.lost_by_reason},
          {"retried", report.retried},
          {"outstanding", report.outstanding},
          {"latency_ms", latency_json(report.latency)},
          {"last_1s", window_json(report.last_1s)},
          {"last_10s", window_json(report.last_10s)},
          {"target_rps", report.target_rps ? nlohmann::json(*report.target_rps) : nlohmann::json()},
          {"ready_nodes", report.ready_nodes},
          {"finished", report.finished},
          {"failure", report.failure.empty() ? nlohmann::json() : nlohmann::json(report.failure)}};
}

std::string format_latency(const std::optional<Nanos>& latency) {
  if (!latency) return "-";
  const double ms = to_ms(*latency);
  if (ms < 9.95) return printed("%.1f ms", ms);
  if (ms < 999.5) return printed("%.0f ms", ms);
  return printed("%.2f s", ms / 1000);
}

std::string progress_line(const Report& report) {
  const Window& window = report.last_1s;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(report.elapsed).count();
  return "t=" + std::to_string(seconds) + "s offered " +
         printed("%.1f/s", window.per_second(window.offered)) + " served " +
         printed("%.1f/s", window.per_second(window.served)) + " lost " + std::to_string(report.lost) +
         " p50 " + format_latency(window.latency.p50) + " p99 " + format_latency(window.latency.p99) +
         " nodes " + std::to_string(report.ready_nodes);
}

Recorder::Recorder(MonoTime start) : start_(start) {}

void Recorder::begin(MonoTime start) {
  const std::lock_guard lock(mutex_);
  start_ = start;
  newest_ = 0;
}

std::int64_t Recorder::index_of(MonoTime now) const {
  return std::max<std::int64_t>(0, std::chrono::floor<std::chrono::seconds>(now - start_).count());
}

Recorder::Second& Recorder::second_at(MonoTime now) {
  newest_ = std::max(newest_, index_of(now));
  Second& second = seconds_[static_cast<std::size_t>(newest_) % kSlots];
  if (second.index != newest_) {
    second = Second{};
    second.index = newest_;
  }
  return second;
}

void Recorder::offered(MonoTime now) {
  const std::lock_guard lock(mutex_);
  ++offered_;
  ++second_at(now).offered;
}

void Recorder::served(MonoTime now, Nanos latency) {
  const std::lock_guard lock(mutex_);
  ++served_;
  latency_.record(latency);
  Second& second = second_at(now);
  ++second.served;
  second.latency.record(latency);
}

void Recorder::lost(MonoTime now, LossReason reason) {
  const std::lock_guard lock(mutex_);
  ++lost_[static_cast<std::size_t>(reason)];
  ++second_at(now).lost;
}

void Recorder::retried() {
  const std::lock_guard lock(mutex_);
  ++retried_;
}

void Recorder::lost_to_drain(std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  lost_to_drain_ += count;
}

Window Recorder::window(std::int64_t current, std::int64_t seconds) const {
  Window window;
  const std::int64_t first = std::max<std::int64_t>(0, current - seconds);
  window.length = std::chrono::seconds{current - first};
  metrics::LatencyHistogram latency;
  for (std::int64_t i = first; i < current; ++i) {
    const Second& second = seconds_[static_cast<std::size_t>(i) % kSlots];
    if (second.index != i) continue;
    window.offered += second.offered;
    window.served += second.served;
    window.lost += second.lost;
    latency.merge(second.latency);
  }
  window.latency = summarise(latency);
  return window;
}

Report Recorder::snapshot(MonoTime now) const {
  const std::lock_guard lock(mutex_);
  Report report;
  report.elapsed = std::max(Nanos{0}, Nanos{now - start_});
  report.offered = offered_;
  report.served = served_;
  report.lost = std::accumulate(lost_.begin(), lost_.end(), std::uint64_t{0});
  report.outstanding = report.offered - report.served - report.lost;
  report.retried = retried_;
  report.lost_to_drain = lost_to_drain_;
  for (std::size_t i = 0; i < kLossReasons; ++i) {
    if (lost_[i] > 0) report.lost_by_reason[std::string(to_string(static_cast<LossReason>(i)))] = lost_[i];
  }
  report.latency = summarise(latency_);
  const std::int64_t current = std::max(newest_, index_of(now));
  report.last_1s = window(current, 1);
  report.last_10s = window(current, 10);
  return report;
}

}  // namespace gpuscale::load
