// SPDX-License-Identifier: Apache-2.0
#include "api/answers.h"
#include "api/declared.h"
#include "api/text.h"
#include "http/client.h"

namespace gpuscale::api {

namespace {

using nlohmann::json;

/// Without what is secret, and without what may be: the values of a URL's query, a program's arguments.
json to_json(const notify::ChannelSpec& channel, std::optional<WallTime> resting_until) {
  const auto or_null = [](const std::string& text) { return text.empty() ? json() : json(text); };
  return {{"name", channel.name},
          {"type", std::string(to_string(channel.kind))},
          {"url", or_null(http::redact_url(channel.url))},
          {"trigger", or_null(channel.trigger)},
          {"command", channel.command.empty() ? json() : json(channel.command.front())},
          {"states", channel.states},
          {"resting_until", time_or_null(resting_until)}};
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
    return error_answer(fail(Errc::kNotFound, "no channel \"" + name + "\"; known: " + known_names(known)));
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
               const auto add = [&](const notify::ChannelSpec& channel) {
                 list.push_back(to_json(channel, services.outbox.resting_until(channel.name)));
                 add_declared(list.back(), services, config::Kind::kChannels, channel.name);
               };
               for (const auto& channel : services.outbox.channels()) add(channel);
               for (const auto& each : left_out(services, config::Kind::kChannels)) {
                 notify::ChannelSpec channel;
                 channel.name = each.name;
                 add(channel);
                 list.back()["type"] = each.definition.value("type", "webhook");
               }
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
  routes.add(
      {.method = http::Method::kGet,
       .pattern = "/api/v1/deliveries/dead",
       .scope = Scope::kRead,
       .summary = "What could not be delivered (refused, or too late), of every channel, newest first"},
      [&services](const http::Request&, const Principal&) {
        constexpr std::size_t kMost = 1'000;
        const auto dead = services.outbox.dead_letters(kMost);
        if (!dead) return error_answer(dead.error());
        json list = json::array();
        for (const auto& delivery : *dead) list.push_back(to_json(delivery));
        return json_answer(200, {{"deliveries", std::move(list)}});
      });
  routes.add({.method = http::Method::kPost,
              .pattern = "/api/v1/deliveries/{id}/replay",
              .scope = Scope::kAdmin,
              .summary = "Send a dead message once more, under its old idempotency key"},
             [&services](const http::Request& request, const Principal&) {
               const auto id = parse_digits<std::int64_t>(request.path_params.at("id"));
               if (!id) return error_answer(fail(Errc::kInvalidArgument, "the id must be a whole number"));
               const auto replayed = services.outbox.replay(*id);
               if (!replayed) return error_answer(replayed.error());
               return json_answer(202, {{"id", *id}, {"state", "waiting"}});
             });
}

}  // namespace gpuscale::api
