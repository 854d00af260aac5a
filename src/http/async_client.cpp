// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "http/client.h"
#include "http/curl_exchange.h"

namespace gpuscale::http {
namespace {

constexpr int kLongestPollMs = 1'000;
/// Connections kept open when idle.
constexpr long kKeptConnections = 256;
/// Easy handles kept for the next requests.
constexpr std::size_t kKeptHandles = 256;

}  // namespace

struct AsyncClient::Impl {
  struct MultiDeleter {
    void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
  };
  using Done = std::function<void(Result<ClientResponse>)>;

  struct Job {
    Job(ClientRequest request, Done done_in) : exchange(std::move(request)), done(std::move(done_in)) {}
    CurlExchange exchange;
    Done done;
    EasyHandle easy;
    std::optional<Error> refused;
  };

  explicit Impl(std::size_t max) : max_in_flight(max) {
    ensure_curl();
    multi.reset(curl_multi_init());
    curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS, kKeptConnections);
    thread = std::thread([this] { run(); });
  }

  void finish(Job& job, Result<ClientResponse> outcome) {
    --in_flight;
    job.done(std::move(outcome));
  }

  void begin(std::unique_ptr<Job> job) {
    if (job->refused) return finish(*job, *job->refused);
    if (idle.empty()) {
      job->easy.reset(curl_easy_init());
    } else {
      job->easy = std::move(idle.back());
      idle.pop_back();
    }
    CURL* easy = job->easy.get();
    if (easy == nullptr) return finish(*job, fail(Errc::kExhausted, "no memory for an HTTP request"));
    curl_easy_reset(easy);
    if (auto prepared = job->exchange.prepare(easy); !prepared)
      return finish(*job, std::move(prepared).error());
    if (curl_multi_add_handle(multi.get(), easy) != CURLM_OK) {
      return finish(*job, fail(Errc::kInternal, "curl does not take the request"));
    }
    running.emplace(easy, std::move(job));
  }

  void collect() {
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CURL* easy = message->easy_handle;
      const CURLcode code = message->data.result;
      auto node = running.extract(easy);
      curl_multi_remove_handle(multi.get(), easy);
      if (node.empty()) continue;
      const std::unique_ptr<Job> job = std::move(node.mapped());
      auto outcome = job->exchange.finish(easy, code);
      if (idle.size() < kKeptHandles) idle.push_back(std::move(job->easy));
      finish(*job, std::move(outcome));
    }
  }

  void run() {
    while (true) {
      std::vector<std::unique_ptr<Job>> fresh;
      {
        const std::scoped_lock lock(mutex);
        if (stopping) break;
        fresh.swap(queued);
      }
      for (auto& job : fresh) begin(std::move(job));
      int active = 0;
      curl_multi_perform(multi.get(), &active);
      collect();
      curl_multi_poll(multi.get(), nullptr, 0, kLongestPollMs, nullptr);
    }
    const Error stopped = fail(Errc::kUnavailable, "the HTTP client has stopped");
    for (auto& [easy, job] : running) {
      curl_multi_remove_handle(multi.get(), easy);
      finish(*job, stopped);
    }
    running.clear();
    std::vector<std::unique_ptr<Job>> late;
    {
      const std::scoped_lock lock(mutex);
      late.swap(queued);
    }
    for (auto& job : late) finish(*job, stopped);
  }

  const std::size_t max_in_flight;
  std::unique_ptr<CURLM, MultiDeleter> multi;
  std::atomic<std::size_t> in_flight{0};
  std::mutex mutex;
  bool stopping = false;
  std::vector<std::unique_ptr<Job>> queued;
  // Of the thread alone:
  std::map<CURL*, std::unique_ptr<Job>> running;
  std::vector<EasyHandle> idle;
  std::thread thread;
};

AsyncClient::AsyncClient(std::size_t max_in_flight) : impl_(std::make_unique<Impl>(max_in_flight)) {}

AsyncClient::~AsyncClient() {
  {
    const std::scoped_lock lock(impl_->mutex);
    impl_->stopping = true;
  }
  curl_multi_wakeup(impl_->multi.get());
  impl_->thread.join();
}

void AsyncClient::send(ClientRequest request, std::function<void(Result<ClientResponse>)> done) {
  auto job = std::make_unique<Impl::Job>(std::move(request), std::move(done));
  if (impl_->in_flight.fetch_add(1) >= impl_->max_in_flight) {
    // Told on the client's thread like every other, so that `done` may take any lock of the caller's.
    job->refused =
        fail(Errc::kExhausted, "more than " + std::to_string(impl_->max_in_flight) + " requests in flight");
  }
  {
    const std::scoped_lock lock(impl_->mutex);
    impl_->queued.push_back(std::move(job));
  }
  curl_multi_wakeup(impl_->multi.get());
}

std::size_t AsyncClient::in_flight() const {
  return impl_->in_flight;
}

}  // namespace gpuscale::http
