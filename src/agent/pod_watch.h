// SPDX-License-Identifier: Apache-2.0
/// Asks kubelet which pods hold which devices, on a thread of its own and over one kept connection: a kubelet
/// that hangs or is away holds up no sample and no scrape.
#pragma once
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/pod_presence.h"
#include "agent/pod_resources.h"
#include "base/result.h"
#include "base/time.h"
#include "http/client.h"
#include "log/log.h"

namespace gpuscale::agent {

/// What is known of this node's pods.
struct PodSight {
  bool is_kubernetes = false;            ///< kubelet's socket is there
  std::string error;                     ///< of the newest question; "" where it was answered
  std::vector<PodContainer> containers;  ///< of running pods; the newest that kubelet told
  std::map<std::string, PodName> names_by_uid;
};

inline constexpr const char* kKubeletSocket = "/var/lib/kubelet/pod-resources/kubelet.sock";

/// One question over gRPC (HTTP/2 in clear text on kubelet's socket). Errors: as http::Client, and
/// kUnavailable with kubelet's own message where it refuses.
Result<std::vector<PodContainer>> list_pod_resources(http::Client& client, const std::string& socket);

/// Takes out the containers of pods that are known to have ended. Pure but for the folders under `root`.
void drop_ended(std::vector<PodContainer>& containers, const std::map<std::string, PodName>& names_by_uid,
                const std::string& root = "");

struct PodWatchOptions {
  std::string socket = kKubeletSocket;
  /// kubelet limits how often it may be asked; a pod takes longer than this to load a model.
  std::chrono::milliseconds interval{10'000};
  std::string root;  ///< of the folders; "" but in tests
};

/// Thread-safe.
class PodWatch {
 public:
  PodWatch(PodWatchOptions options, log::Log log);
  ~PodWatch();
  PodWatch(const PodWatch&) = delete;
  PodWatch& operator=(const PodWatch&) = delete;

  /// Never null.
  std::shared_ptr<const PodSight> sight() const;

 private:
  void run();
  void look();

  const PodWatchOptions options_;
  const log::Log log_;
  http::Client client_;  ///< of the thread
  mutable std::mutex mutex_;
  std::condition_variable stop_asked_;
  bool stopping_ = false;
  std::shared_ptr<const PodSight> sight_ = std::make_shared<PodSight>();
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace gpuscale::agent
