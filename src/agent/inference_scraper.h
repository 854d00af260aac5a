// SPDX-License-Identifier: Apache-2.0
/// Asks the inference servers on this node for their metrics and turns the answers into lines of measurement
/// `inference`, on a thread of its own: a server that does not answer holds up nothing.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "agent/inference_preset.h"
#include "agent/sampler.h"
#include "base/result.h"
#include "base/time.h"
#include "log/log.h"

namespace gpuscale::agent {

struct InferenceTarget {
  std::string server;  ///< the preset's name; tag `server`
  std::string url;     ///< of its metrics
  InferenceMapping mapping;
};

/// "vllm=http://127.0.0.1:8000/metrics": preset and address; `custom` takes its mapping from `maps`, which
/// others add to their own. Errors: kInvalidArgument.
Result<InferenceTarget> parse_target(std::string_view text, const std::vector<std::string>& maps);

/// One target's state.
struct TargetSight {
  std::string server;
  std::string url;
  bool up = false;
  std::string error;                     ///< of the newest scrape; "" where it went well
  std::optional<std::int64_t> requests;  ///< running and waiting, where it says both and is up
};

/// Thread-safe.
class InferenceScraper {
 public:
  InferenceScraper(std::vector<InferenceTarget> targets, NodeIdentity identity,
                   std::chrono::milliseconds interval, const Clock& clock, log::Log log);
  ~InferenceScraper();
  InferenceScraper(const InferenceScraper&) = delete;
  InferenceScraper& operator=(const InferenceScraper&) = delete;

  /// The lines that were made since the last call.
  std::vector<std::string> take_lines();
  std::vector<TargetSight> sights() const;

 private:
  struct Watched;
  void run();
  void scrape(Watched& watched);

  const NodeIdentity identity_;
  const std::chrono::milliseconds interval_;
  const Clock& clock_;
  const log::Log log_;
  std::vector<std::unique_ptr<Watched>> watched_;  ///< of the thread, but for the sights
  mutable std::mutex mutex_;
  std::condition_variable stop_asked_;
  bool stopping_ = false;
  std::vector<std::string> lines_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace gpuscale::agent
