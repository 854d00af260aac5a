// SPDX-License-Identifier: Apache-2.0
// Whether a channel works: one message, at once, past the outbox.
#include "api/answers.h"
#include "api/text.h"
#include "notify/delivery_plan.h"

namespace gpuscale::api {

namespace {

using nlohmann::json;

/// A caller waits for it.
constexpr std::chrono::milliseconds kLongestProbe{10'000};

const std::vector<Key>& probe_keys() {
  static const std::vector<Key> kKeys = {
      {"definition", "object",
       "a channel that is not stored yet, or not so; left out = the channel as it is"}};
  return kKeys;
}

notify::Message test_message(const std::string& channel, const std::string& who, WallTime now) {
  notify::Message message;
  message.correlation = activity::new_correlation();
  message.key = "test/" + channel;
  message.idempotency = message.correlation;
  message.at = now;
  message.starts_at = now;
  message.state = "firing";
  message.rule = "test";
  message.title = "[Test] " + channel;
  message.text = who + " tests the channel " + channel + ": nothing is wrong, and nothing is to be done";
  message.words = message.text;
  message.values = json::array({{{"metric", "test"}, {"value", 1}, {"tags", nullptr}, {"matched", true}}});
  message.labels = {{"test", "true"}};
  message.expires = now + std::chrono::minutes{1};
  return message;
}

Result<notify::ChannelSpec> channel_to_probe(Services& services, const std::string& name, const json& body) {
  if (body.contains("definition")) {
    if (services.declared == nullptr) return fail(Errc::kUnsupported, "this server keeps no definitions");
    return services.declared->channel_of(name, body["definition"]);
  }
  std::vector<std::string> known;
  for (notify::ChannelSpec& channel : services.outbox.channels()) {
    if (channel.name == name) return std::move(channel);
    known.push_back(channel.name);
  }
  return fail(Errc::kNotFound, "no channel \"" + name + "\"; known: " + known_names(known));
}

http::Response probe_channel(Services& services, const http::Request& request, const Principal& who) {
  const auto body = parse_body(request, probe_keys());
  if (!body) return error_answer(body.error());
  const std::string& name = request.path_params.at("name");
  auto channel = channel_to_probe(services, name, *body);
  if (!channel) return error_answer(channel.error());
  if (channel->kind == notify::ChannelKind::kTrigger) {
    return error_answer(fail(Errc::kConflict, "a test of channel \"" + name + "\" would pull trigger " +
                                                  channel->trigger +
                                                  " and scale its pool; pull it by its URL"));
  }
  const MonoTime begin = services.clock.mono();
  channel->timeout = std::min(channel->timeout, kLongestProbe);
  const auto receipt = services.outbox.probe(*channel, test_message(name, who.name, services.clock.wall()));
  const notify::Judgement judgement = notify::judge(receipt, 0, 0);
  const double took = seconds_of(services.clock.mono() - begin);
  json answer = {{"channel", name},
                 {"delivered", judgement.fate == notify::Fate::kDelivered},
                 {"status", receipt ? receipt->status : 0},
                 {"answer", receipt ? receipt->answer.substr(0, notify::kMaxAnswerBytes) : ""},
                 {"error", judgement.reason},
                 {"took_ms", took * 1000}};
  const auto written = services.ledger.append({.at = services.clock.wall(),
                                               .kind = "channel.tested",
                                               .subject = name,
                                               .correlation = activity::new_correlation(),
                                               .summary = who.name + " tests channel " + name,
                                               .details = {{"source", who.name},
                                                           {"delivered", answer["delivered"]},
                                                           {"status", answer["status"]},
                                                           {"error", answer["error"]}}});
  if (!written) services.log.error("activity.not_written", {{"error", written.error()}});
  return json_answer(200, answer);
}

}  // namespace

void register_channel_probe(Routes& routes) {
  Services& services = routes.services();
  routes.add({.method = http::Method::kPost,
              .pattern = "/api/v1/channels/{name}/test",
              .scope = Scope::kAdmin,
              .summary = "Send one test message at once and say what the receiver answered",
              .body = probe_keys()},
             [&services](const http::Request& request, const Principal& who) {
               return probe_channel(services, request, who);
             });
}

}  // namespace gpuscale::api
