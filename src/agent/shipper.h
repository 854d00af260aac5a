// SPDX-License-Identifier: Apache-2.0
/// Carries lines from the buffer to the server's /write: in order, in gzip batches over one kept connection,
/// and with patience while the server is away.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>

#include "agent/line_queue.h"
#include "base/back_off.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "http/client.h"
#include "log/log.h"

namespace gpuscale::agent {

/// What the server's answer to a batch means.
enum class Fate {
  kStored,    ///< but for `refused` of it
  kRefused,   ///< none of it, and never will
  kTooLarge,  ///< in smaller batches
  kKept,      ///< tried again later
};
struct Verdict {
  Fate fate = Fate::kKept;
  std::size_t refused = 0;  ///< lines
  std::string reason;       ///< of all but a whole kStored
};

/// 2xx: stored. 400 "partial write": stored but for dropped=N, or for the lines named. Other 400: refused,
/// the same bytes would be refused again. 413: too large, and a single line that is is refused. All else,
/// 401, 403 and 404 too: kept, since a person can mend it without the agent. Pure.
Verdict judge(const Result<http::ClientResponse>& answer, std::size_t lines);

struct ShipperOptions {
  std::string server;
  std::string database;
  Secret token;
  std::string ca_file;
  std::size_t batch_lines = 5'000;  ///< InfluxData's advice for one request
  std::chrono::milliseconds timeout{10'000};
  /// Half to either side: 10,000 agents that lost a server at once must not strike it at once when it is
  /// back.
  base::BackOff back_off{std::chrono::milliseconds{200}, std::chrono::seconds{30}, 0.5};
};

/// Thread-safe.
class Shipper {
 public:
  Shipper(ShipperOptions options, LineQueue& buffer, log::Log log);
  ~Shipper();
  Shipper(const Shipper&) = delete;
  Shipper& operator=(const Shipper&) = delete;

  void wake();  ///< there are lines
  /// Ships what is buffered, for up to `grace`; then ends the thread.
  void stop(std::chrono::milliseconds grace);
  std::uint64_t failures() const { return failures_; }

 private:
  void run();
  /// Sends one batch. @return how long to wait before the next.
  Nanos ship();
  Result<http::ClientResponse> send(const std::string& body);
  std::chrono::milliseconds time_to_send();
  Nanos settle(const Verdict& verdict, std::size_t lines);
  void tell_of_trouble(const Verdict& verdict);

  const ShipperOptions options_;
  LineQueue& buffer_;
  const log::Log log_;
  http::Client client_;
  std::size_t batch_lines_;
  int failures_in_row_ = 0;
  std::minstd_rand random_{std::random_device{}()};
  std::atomic<std::uint64_t> failures_{0};

  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
  std::optional<std::chrono::steady_clock::time_point> end_;  ///< set: stopping, at the latest then
  std::thread thread_;                                        // last: it uses all of the above
};

}  // namespace gpuscale::agent
