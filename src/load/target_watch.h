// SPDX-License-Identifier: Apache-2.0
/// Keeps Targets as the server's node list says, on a thread of its own. While the server is away the last
/// known set stays: a scaler that restarts must not stop the service that it scales.
#pragma once
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "http/client.h"
#include "load/targets.h"
#include "log/log.h"

namespace gpuscale::load {

struct TargetWatchOptions {
  std::string server = "http://127.0.0.1:8486";
  std::string pool;
  Secret authorization;  ///< the header that is sent; empty = none
  std::string ca_file;   ///< PEM; empty = the system's
  std::chrono::milliseconds every{250};
};

class TargetWatch {
 public:
  /// Hears of update()'s return value where it is above 0.
  using OnLateDrain = std::function<void(std::uint64_t)>;

  /// Asks once before it returns, so that a wrong address, pool or credential is an error here: kUnavailable,
  /// kUnauthenticated, kNotFound, kCorrupt. `targets` and `clock` outlive it.
  static Result<std::unique_ptr<TargetWatch>> start(TargetWatchOptions options, Targets& targets,
                                                    const Clock& clock, log::Log log,
                                                    OnLateDrain on_late_drain);
  ~TargetWatch();
  TargetWatch(const TargetWatch&) = delete;
  TargetWatch& operator=(const TargetWatch&) = delete;

 private:
  TargetWatch(TargetWatchOptions options, Targets& targets, const Clock& clock, log::Log log,
              OnLateDrain on_late_drain);
  Result<void> ask();
  void run();

  const TargetWatchOptions options_;
  Targets& targets_;
  const Clock& clock_;
  const log::Log log_;
  const OnLateDrain on_late_drain_;
  http::Client client_;  // of the constructing thread until thread_ runs, then of that
  bool away_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace gpuscale::load
