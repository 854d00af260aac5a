// SPDX-License-Identifier: Apache-2.0
/// What the store needs done now and then: condensing and retention each minute, continuous queries each
/// second, each on a thread of its own so that a long one delays no other.
#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/time.h"
#include "influxql/continuous.h"
#include "log/log.h"
#include "tsdb/condense.h"

namespace gpuscale::cli {

class StoreUpkeep {
 public:
  /// All outlive it.
  StoreUpkeep(tsdb::Store& store, const influxql::Engine& queries, const Clock& clock, log::Log log);
  ~StoreUpkeep() { stop(); }
  StoreUpkeep(const StoreUpkeep&) = delete;
  StoreUpkeep& operator=(const StoreUpkeep&) = delete;

  void start();
  void stop();  ///< waits for what is running; idempotent

 private:
  void every(std::chrono::milliseconds period, const std::function<void()>& work);
  void enforce_retention();
  bool closed();
  void run_continuous_queries();

  tsdb::Store& store_;
  const Clock& clock_;
  log::Log log_;
  influxql::ContinuousQueries continuous_;
  tsdb::Condenser condenser_;
  std::map<std::string, std::string> told_;  ///< why a continuous query failed the last time it was logged
  std::mutex mutex_;
  std::condition_variable wake_;
  bool closed_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace gpuscale::cli
