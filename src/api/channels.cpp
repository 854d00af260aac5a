// SPDX-License-Identifier: Apache-2.0
#include "api/answers.h"
#include "api/text.h"
#include "http/client.h"

namespace gpuscale::api {

namespace {

using nlohmann::json;

json to_json(const notify::ChannelSpec& channel) {
  const bool webhook = channel.kind == notify::ChannelKind::kWebhook;
  return {{"name", channel.name},
          {"type", webhook ? "webhook" : "trigger"},
          {"url", webhook ? json(http::redact_url(channel.url)) : json(nullptr)},
          {"trigger", webhook ? json(nullptr) : json(channel.trigger)}};
}

json to_json(const notify::Delivery& delivery) {
  return {{"id", delivery.id},
          {"channel", delivery.channel},
          {"key", delivery.key},
          {"state_sent", delivery.state_sent},
          {"state", std::string(to_string(delivery.state))},
          {"attempts", delivery.attempts},
          {"created", base::format_rfc3339(delivery.created)},
          {"next_attempt", time_or_null(delivery.next_attempt)},
          {"finished", time_or_null(delivery.finished)},
          {"last_error", delivery.last_error},
          {"answer_status", delivery.answer_status},
          {"answer", delivery.answer},
          {"correlation", delivery.correlation}};
}

http::Response list_deliveries(const Services& services, const http::Request& request) {
  constexpr std::size_t kDefault = 100;
  constexpr std::size_t kMost = 1'000;
  const std::string& name = request.path_params.at("name");
  std::vector<std::string> known;
  for (const auto& channel : services.outbox.channels()) known.push_back(channel.name);
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    return error_answer(fail(
        Errc::kNotFound, "no channel \"" + name + "\"; known: " + (known.empty() ? "none" : joined(known))));
  }
  const auto asked = request.query.get("limit");
  const auto limit = asked ? parse_digits<std::size_t>(*asked) : kDefault;
  if (!limit || *limit == 0 || *limit > kMost) {
    return error_answer(fail(Errc::kInvalidArgument, "limit must be a whole number from 1 to 1000"));
  }
  const auto deliveries = services.outbox.deliveries(name, *limit);
  if (!deliveries) return error_answer(deliveries.error());
  json list = json::array();
  for (const auto& delivery : *deliveries) list.push_back(to_json(delivery));
  return json_answer(200, {{"deliveries", std::move(list)}});
}

}  // namespace

void register_channels(Routes& routes) {
  Services& services = routes.services();
  routes.add({.method = http::Method::kGet,
              .pattern = "/api/v1/channels",
              .scope = Scope::kRead,
              .summary = "Every channel, its URL without what may be secret"},
             [&services](const http::Request&, const Principal&) {
               json list = json::array();
               for (const auto& channel : services.outbox.channels()) list.push_back(to_json(channel));
               return json_answer(200, {{"channels", std::move(list)}});
             });
  routes.add({.method = http::Method::kGet,
              .pattern = "/api/v1/channels/{name}/deliveries",
              .scope = Scope::kRead,
              .summary = "What was sent through a channel, how often it was tried and what the receiver said",
              .query = {{"limit", "integer", "at most so many, 1..1000; default 100"}}},
             [&services](const http::Request& request, const Principal&) {
               return list_deliveries(services, request);
             });
}

}  // namespace gpuscale::api
