// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/rfc3339.h"
#include "http/client.h"
#include "notify/outbox.h"

namespace gpuscale::notify {
namespace {

using nlohmann::json;

/// A receiver's answer is kept in part; one that never ends is cut off.
constexpr std::size_t kMostRead = 64U << 10U;

std::string grafana_state(const std::string& state) {
  return state == "firing" || state == "error" ? "alerting" : state;
}

json matches_of(const json& values) {
  json out = json::array();
  if (!values.is_array()) return out;
  for (const json& value : values) {
    if (!value.is_object() || !value.value("matched", true)) continue;
    out.push_back({{"metric", value.value("metric", "")},
                   {"value", value.contains("value") ? value["value"] : json()},
                   {"tags", value.contains("tags") ? value["tags"] : json()}});
  }
  return out;
}

std::string body_of(const Message& message) {
  const bool firing = message.state == "firing";
  const json body = {{"title", message.title},
                     {"ruleName", message.rule},
                     {"state", grafana_state(message.state)},
                     {"message", message.text},
                     {"evalMatches", firing ? matches_of(message.values) : json::array()},
                     {"gpuscale",
                      {{"key", message.key},
                       {"state", message.state},
                       {"at", base::format_rfc3339(message.at)},
                       {"correlation", message.correlation},
                       {"idempotency_key", message.idempotency},
                       {"values", message.values}}}};
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

http::ClientRequest request_of(const ChannelSpec& channel, const Message& message) {
  http::ClientRequest request;
  request.method = channel.method;
  request.url = channel.url;
  request.timeout = channel.timeout;
  request.connect_timeout = std::min(request.connect_timeout, channel.timeout);
  request.ca_file = channel.ca_file;
  request.max_answer_bytes = kMostRead;
  request.headers.set("User-Agent", "gpuscale/" GPUSCALE_VERSION);
  request.headers.set("Idempotency-Key", message.idempotency);
  request.headers.set("X-Gpuscale-Correlation", message.correlation);
  if (!channel.bearer.empty()) request.headers.set("Authorization", "Bearer " + channel.bearer.reveal());
  if (channel.method != http::Method::kGet) {
    request.headers.set("Content-Type", "application/json");
    request.body = body_of(message);
  }
  for (const auto& [name, value] : channel.headers) request.headers.set(name, value);
  return request;
}

/// RFC 9110 knows a date here too; only seconds are taken, as rate limits send them.
std::optional<Nanos> retry_after_of(const http::Headers& headers) {
  const std::string_view text = headers.get("Retry-After");
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (!(seconds >= 0 && seconds < 1e6)) return std::nullopt;
  return Nanos{static_cast<std::int64_t>(seconds * 1e9)};
}

class WebhookSender final : public Sender {
 public:
  Result<Receipt> send(const ChannelSpec& channel, const Message& message) override {
    const auto exchange = std::make_shared<Exchange>();
    client_.send(request_of(channel, message), [this, exchange](Result<http::ClientResponse> response) {
      const std::scoped_lock lock(mutex_);
      exchange->response = std::move(response);
      changed_.notify_all();
    });
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return exchange->response || stopped_; });
    if (!exchange->response) return fail(Errc::kUnavailable, "the server stops");
    if (!*exchange->response) return exchange->response->error();
    http::ClientResponse& response = exchange->response->value();
    Receipt receipt{response.status, std::move(response.body), retry_after_of(response.headers)};
    if (receipt.answer.size() > kMaxAnswerBytes) receipt.answer.resize(kMaxAnswerBytes);
    return receipt;
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
