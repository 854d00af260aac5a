// SPDX-License-Identifier: Apache-2.0
#include "cli/store_upkeep.h"

namespace gpuscale::cli {

namespace {

constexpr std::chrono::minutes kRetentionPeriod{1};
constexpr std::chrono::seconds kContinuousPeriod{1};  // InfluxDB's own run-interval

}  // namespace

StoreUpkeep::StoreUpkeep(tsdb::Store& store, const influxql::Engine& queries, const Clock& clock,
                         log::Log log)
    : store_(store),
      clock_(clock),
      log_(std::move(log)),
      continuous_(store, queries),
      condenser_(store, log_) {}

void StoreUpkeep::start() {
  threads_.emplace_back([this] { every(kRetentionPeriod, [this] { enforce_retention(); }); });
  threads_.emplace_back([this] { every(kContinuousPeriod, [this] { run_continuous_queries(); }); });
}

void StoreUpkeep::every(std::chrono::milliseconds period, const std::function<void()>& work) {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, period, [this] { return closed_; })) {
    lock.unlock();
    work();
    lock.lock();
  }
}

bool StoreUpkeep::closed() {
  const std::scoped_lock lock(mutex_);
  return closed_;
}

void StoreUpkeep::enforce_retention() {
  const auto condensed = condenser_.tick(clock_.wall(), [this] { return closed(); });
  if (!condensed) log_.error("store.not_condensed", {{"error", condensed.error()}});
  if (const auto done = store_.enforce_retention(clock_.wall()); !done)
    log_.error("store.retention_failed", {{"error", done.error()}});
}

void StoreUpkeep::run_continuous_queries() {
  for (const auto& failed : continuous_.tick(clock_.wall())) {
    const std::string name = failed.database + "." + failed.name;
    const auto told = told_.find(name);
    if (told != told_.end() && told->second == failed.reason) continue;
    told_[name] = failed.reason;
    log_.warn("store.continuous_query_failed",
              {{"database", failed.database}, {"name", failed.name}, {"reason", failed.reason}});
  }
}

void StoreUpkeep::stop() {
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace gpuscale::cli
