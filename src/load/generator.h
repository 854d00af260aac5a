// SPDX-License-Identifier: Apache-2.0
/// The open-loop load generator: a request is sent when it is due, whatever became of those before, and its
/// latency counts from the due time, so a slow service cannot hide behind a polite client. Start at
/// LoadGenerator::start().
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "load/profile.h"
#include "load/report.h"
#include "log/log.h"

namespace gpuscale::load {

struct LoadOptions {
  std::string server = "http://127.0.0.1:8486";  ///< whose node list says where requests go
  std::string pool;
  Secret authorization;  ///< the header for the server; empty = none
  std::string ca_file;   ///< PEM, for the server; empty = the system's
  /// Requests go to these instead ("http://127.0.0.1:40123"), and no server is asked.
  std::vector<std::string> endpoints;

  Profile profile;
  ArrivalKind arrivals = ArrivalKind::kEven;
  std::uint64_t seed = 1;

  std::size_t wait_for_nodes = 1;  ///< the profile's time starts once so many are ready
  std::chrono::milliseconds wait_patience{60'000};
  std::chrono::milliseconds nodes_every{250};
  std::chrono::milliseconds request_timeout{10'000};
  std::chrono::milliseconds connect_timeout{1'000};
  std::size_t max_outstanding = 10'000;  ///< over it a due request is lost ("overload")
  int max_retries = 5;                   ///< further nodes asked where one drains or cannot be connected to
};

/// Thread-safe. What counts as lost: every due request that no node accepted within the retries, and every
/// accepted one that fails. A node that refuses the connection, or answers 503 with X-Gpuscale-Draining, has
/// accepted nothing.
class LoadGenerator {
 public:
  /// Errors: those of TargetWatch::start(); kInvalidArgument (options).
  static Result<std::unique_ptr<LoadGenerator>> start(LoadOptions options, log::Log log);
  virtual ~LoadGenerator() = default;  ///< stops without grace

  virtual Report snapshot() const = 0;
  /// Offers this rate from now on (at most kMaxRps); absent = back to the profile, at the place its time has
  /// reached.
  virtual void set_rate(std::optional<double> rps) = 0;
  /// The profile has ended and nothing is outstanding, or it was stopped.
  virtual bool finished() const = 0;
  /// Offers nothing more, waits up to `grace` for what is outstanding; what remains is lost ("stopped").
  /// Idempotent.
  virtual void stop(std::chrono::milliseconds grace = std::chrono::seconds{5}) = 0;
};

}  // namespace gpuscale::load
