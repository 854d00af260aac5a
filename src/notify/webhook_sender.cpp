// SPDX-License-Identifier: Apache-2.0
#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/system_clock.h"
#include "http/client.h"
#include "notify/http_message.h"

namespace gpuscale::notify {
namespace {

class WebhookSender final : public Sender {
 public:
  Result<Receipt> send(const ChannelSpec& channel, const Message& message) override {
    // Signed at each attempt: a receiver refuses signatures that are old.
    GS_TRY(http::ClientRequest request, request_of(channel, message, clock_.wall()));
    const auto exchange = std::make_shared<Exchange>();
    client_.send(std::move(request), [this, exchange](Result<http::ClientResponse> response) {
      const std::scoped_lock lock(mutex_);
      exchange->response = std::move(response);
      changed_.notify_all();
    });
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return exchange->response || stopped_; });
    if (!exchange->response) return fail(Errc::kUnavailable, "the server stops");
    if (!*exchange->response) return exchange->response->error();
    return receipt_of(channel, std::move(exchange->response->value()));
  }
  void stop() override {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }

 private:
  struct Exchange {
    std::optional<Result<http::ClientResponse>> response;
  };
  base::SystemClock clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  http::AsyncClient client_;  // last: its thread calls back until it is gone
};

}  // namespace

std::shared_ptr<Sender> make_webhook_sender() {
  return std::make_shared<WebhookSender>();
}

}  // namespace gpuscale::notify
