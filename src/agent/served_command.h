// SPDX-License-Identifier: Apache-2.0
/// The node's own program (an inference server) run by the agent: on the GPUs that belong to the node, on a
/// port of its own, asked whether it answers, told to end before the node does. Thread-safe.
#pragma once
#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "http/client.h"
#include "log/log.h"

namespace gpuscale::agent {

struct ServedOptions {
  std::vector<std::string> command;  ///< in each word {port}, {node}, {pool} and {gpus} are replaced
  std::vector<std::string> gpus;     ///< words of CUDA_VISIBLE_DEVICES; empty = that is left as it is
  std::string ready = "tcp";         ///< "tcp", or the path that must answer with 2xx: "/health"
  std::string node;
  std::string pool;
  std::chrono::milliseconds check_every{500};
  std::chrono::milliseconds check_timeout{5'000};
};

/// Errors: kInvalidArgument naming what is wrong with `ready`.
Result<void> check_ready_word(const std::string& ready);

struct ServedSight {
  std::string url;               ///< "http://127.0.0.1:40123"
  std::int64_t pid = 0;          ///< 0 once it has ended
  bool was_ready = false;        ///< has answered once
  std::optional<Nanos> mute;     ///< for so long it has answered no check; absent while it answers
  std::optional<int> exit_code;  ///< once it has ended; of a signal its negative number
};

class ServedCommand {
 public:
  /// Chooses a free port and starts the command. Errors: kInvalidArgument (no command, bad `ready`),
  /// kUnavailable (cannot be run).
  static Result<std::unique_ptr<ServedCommand>> start(ServedOptions options, const Clock& clock,
                                                      log::Log log);
  /// Kills what has not been stopped.
  ~ServedCommand();
  ServedCommand(const ServedCommand&) = delete;
  ServedCommand& operator=(const ServedCommand&) = delete;

  std::uint16_t port() const { return port_; }
  ServedSight sight() const;
  bool has_ended() const { return ended_; }
  /// "exited with status 3".
  std::string how_it_ended() const;
  /// SIGTERM; SIGKILL to what still lives at `deadline`.
  void stop(std::chrono::steady_clock::time_point deadline);

 private:
  ServedCommand(ServedOptions options, std::uint16_t port, const Clock& clock, log::Log log);
  Result<void> spawn();
  void run();
  bool answers();
  void reap();

  const ServedOptions options_;
  const std::uint16_t port_;
  const Clock& clock_;
  const log::Log log_;
  http::Client client_;  ///< of the thread
  std::atomic<bool> ended_{false};
  mutable std::mutex mutex_;
  std::condition_variable stop_asked_;
  bool stopping_ = false;
  pid_t pid_ = 0;
  int status_ = 0;  ///< of waitpid(2), once ended
  bool was_ready_ = false;
  MonoTime answered_;
  bool answers_now_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace gpuscale::agent
