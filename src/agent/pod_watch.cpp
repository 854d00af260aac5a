// SPDX-License-Identifier: Apache-2.0
#include "agent/pod_watch.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <utility>

namespace gpuscale::agent {
namespace {

constexpr std::chrono::seconds kPatience{3};
constexpr std::size_t kMostAnswerBytes = 16U << 20U;
/// A byte that says "not compressed" and the length in four.
constexpr std::size_t kFrameHeader = 5;

bool is_socket(const std::string& path) {
  struct stat about{};
  return ::stat(path.c_str(), &about) == 0 && S_ISSOCK(about.st_mode);
}

/// The one message of a unary call. gRPC over HTTP2, "Length-Prefixed-Message".
Result<std::string_view> message_in(std::string_view body) {
  if (body.size() < kFrameHeader || body[0] != 0) {
    return fail(Errc::kInvalidArgument, "kubelet's answer has no plain gRPC message");
  }
  std::size_t length = 0;
  for (std::size_t i = 1; i < kFrameHeader; ++i) length = length << 8U | static_cast<unsigned char>(body[i]);
  if (length != body.size() - kFrameHeader) {
    return fail(Errc::kInvalidArgument, "kubelet's message says " + std::to_string(length) +
                                            " bytes and has " + std::to_string(body.size() - kFrameHeader));
  }
  return body.substr(kFrameHeader);
}

}  // namespace

Result<std::vector<PodContainer>> list_pod_resources(http::Client& client, const std::string& socket) {
  http::ClientRequest request;
  request.method = http::Method::kPost;
  request.url = "http://localhost/v1.PodResourcesLister/List";
  request.unix_socket = socket;
  request.http2 = true;
  request.timeout = kPatience;
  request.max_answer_bytes = kMostAnswerBytes;
  request.headers.set("Content-Type", "application/grpc");
  request.headers.set("TE", "trailers");
  request.body.assign(kFrameHeader, '\0');  // the empty ListPodResourcesRequest
  GS_TRY(const http::ClientResponse answer, client.send(request));
  const std::string status(answer.headers.get("grpc-status"));
  if (answer.status != 200 || status != "0") {
    return fail(Errc::kUnavailable, "kubelet answered " + std::to_string(answer.status) + ", gRPC status " +
                                        (status.empty() ? "none" : status) + ": " +
                                        std::string(answer.headers.get("grpc-message")));
  }
  GS_TRY(const std::string_view message, message_in(answer.body));
  return parse_pod_resources(message);
}

void drop_ended(std::vector<PodContainer>& containers, const std::map<std::string, PodName>& names_by_uid,
                const std::string& root) {
  // Of a name there may be an ended pod and the one that took its place: one that may run is enough.
  std::map<std::pair<std::string, std::string>, bool> may_run;
  for (const auto& [uid, name] : names_by_uid) {
    may_run[{name.pod_namespace, name.pod}] |= pod_runs(uid, root).value_or(true);
  }
  std::erase_if(containers, [&](const PodContainer& container) {
    const auto found = may_run.find({container.pod_namespace, container.pod});
    return found != may_run.end() && !found->second;
  });
}

PodWatch::PodWatch(PodWatchOptions options, log::Log log)
    : options_(std::move(options)), log_(std::move(log)), thread_([this] { run(); }) {}

PodWatch::~PodWatch() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  stop_asked_.notify_all();
  thread_.join();
}

std::shared_ptr<const PodSight> PodWatch::sight() const {
  const std::scoped_lock lock(mutex_);
  return sight_;
}

void PodWatch::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto next = std::chrono::steady_clock::now() + options_.interval;
    lock.unlock();
    look();
    lock.lock();
    stop_asked_.wait_until(lock, next, [this] { return stopping_; });
  }
}

void PodWatch::look() {
  auto seen = std::make_shared<PodSight>();
  const auto before = sight();
  seen->is_kubernetes = is_socket(options_.socket);
  if (seen->is_kubernetes) {
    seen->names_by_uid = pods_by_uid(options_.root);
    auto told = list_pod_resources(client_, options_.socket);
    if (told) {
      seen->containers = *std::move(told);
    } else {
      // A kubelet that restarts takes its pods' devices from nobody.
      seen->error = told.error().message();
      seen->containers = before->containers;
    }
    drop_ended(seen->containers, seen->names_by_uid, options_.root);
  }
  if (seen->error != before->error) {
    if (seen->error.empty()) {
      log_.info("kubelet.answers_again", {{"socket", options_.socket}});
    } else {
      log_.warn("kubelet.failed", {{"socket", options_.socket}, {"error", seen->error}});
    }
  }
  const std::scoped_lock lock(mutex_);
  sight_ = std::move(seen);
}

}  // namespace gpuscale::agent
