// SPDX-License-Identifier: Apache-2.0
// The sections of alerting: channels and rules.
#include <algorithm>
#include <array>

#include "alert/text_template.h"
#include "config/sections.h"

namespace gpuscale::config {
namespace {

using notify::ChannelKind;
using notify::ChannelSpec;
using notify::Payload;

constexpr std::size_t kLongestTitle = 200;
constexpr std::size_t kMostArguments = 64;

std::string known_kinds() {
  std::string out;
  for (const std::string& name : notify::channel_kind_names()) out += (out.empty() ? "" : ", ") + name;
  return out;
}

void read_webhook(YamlReader& reader, ChannelSpec& spec) {
  constexpr std::array kMethods = {http::Method::kPost, http::Method::kPut, http::Method::kGet};
  read_http_place(reader, spec);
  read_identity(reader, spec);
  spec.method = kMethods[reader.choice("method", {"POST", "PUT", "GET"}, 0)];
  for (auto& [name, value] : reader.text_map("headers")) spec.headers.emplace(name, value);
  spec.secret = reader.secret("signing_secret");
  spec.payload =
      static_cast<Payload>(reader.choice("payload", {"gpuscale", "grafana-4", "grafana", "alertmanager"}, 0));
  spec.body = reader.text("body");
  if (spec.body.empty()) return;
  if (reader.has("payload")) reader.fault("body", "stands beside payload; keep one");
  spec.payload = Payload::kTemplate;
  const auto parsed = alert::TextTemplate::parse(spec.body, notify::message_template_names());
  if (!parsed) reader.fault("body", parsed.error().message());
}

void read_email(YamlReader& reader, ChannelSpec& spec) {
  spec.url = reader.required_text("server");
  if (!spec.url.empty() && !spec.url.starts_with("smtp://") && !spec.url.starts_with("smtps://")) {
    reader.fault("server", "must begin with smtp:// or smtps://");
  }
  spec.ca_file = reader.text("ca_file");
  spec.user = reader.text("user");
  spec.password = reader.secret("password");
  spec.from = reader.required_text("from");
  spec.to = reader.texts("to");
  if (spec.to.empty()) reader.fault("to", "is missing; write a list of addresses");
  for (const std::string& address : spec.to) {
    if (address.find('@') == std::string::npos) reader.fault("to", "\"" + address + "\" is no address");
  }
}

void read_kind(YamlReader& reader, ChannelSpec& spec) {
  switch (spec.kind) {
    case ChannelKind::kTrigger:
      spec.trigger = reader.required_text("trigger");
      return;
    case ChannelKind::kWebhook:
      return read_webhook(reader, spec);
    case ChannelKind::kDingtalk:
    case ChannelKind::kFeishu:
      read_http_place(reader, spec);
      spec.secret = reader.secret("signing_secret");
      return;
    case ChannelKind::kWecom:
    case ChannelKind::kSlack:
    case ChannelKind::kTeams:
      return read_http_place(reader, spec);
    case ChannelKind::kPagerduty:
      read_http_place(reader, spec, "https://events.pagerduty.com/v2/enqueue");
      spec.secret = Secret(reader.required_text("routing_key"));
      return;
    case ChannelKind::kAlertmanager:
      read_http_place(reader, spec);
      if (const std::size_t path = spec.url.find("/api/v"); path != std::string::npos)
        reader.fault("url", "ends before the API's path: " + spec.url.substr(0, path));
      return read_identity(reader, spec);
    case ChannelKind::kEmail:
      return read_email(reader, spec);
    case ChannelKind::kExec:
      spec.command = reader.texts("command");
      if (spec.command.empty() || spec.command.front().empty() || spec.command.size() > kMostArguments) {
        reader.fault("command", "must be a list of 1 to 64 words, as [/usr/local/bin/redeploy, model-a]");
      }
      return;
  }
}

/// People want to hear the end too; what scales must not act on it.
std::vector<std::string> default_states(ChannelKind kind) {
  const bool for_programs =
      kind == ChannelKind::kWebhook || kind == ChannelKind::kTrigger || kind == ChannelKind::kExec;
  if (for_programs) return {"firing"};
  return {"firing", "ok", "no_data", "error"};
}

}  // namespace

std::string read_title(YamlReader& reader) {
  std::string name = reader.required_text("name");
  if (name.size() > kLongestTitle) reader.fault("name", "is longer than 200 bytes; shorten it");
  return name;
}

namespace {

void read_timeout(YamlReader& reader, ChannelSpec& spec) {
  spec.timeout = std::chrono::ceil<std::chrono::milliseconds>(reader.duration("timeout", spec.timeout));
  if (spec.timeout <= std::chrono::milliseconds{0} || spec.timeout > std::chrono::minutes{10}) {
    reader.fault("timeout", "must be longer than 0 and at most 10m");
  }
}

}  // namespace

ChannelSpec read_action(YamlReader& reader, ChannelKind kind) {
  ChannelSpec spec;
  spec.name = reader.text("name");
  spec.kind = kind;
  if (kind == ChannelKind::kExec) spec.timeout = std::chrono::minutes{1};
  read_kind(reader, spec);
  read_timeout(reader, spec);
  return spec;
}

ChannelSpec read_channel(YamlReader& reader) {
  ChannelSpec spec;
  spec.name = read_title(reader);
  if (!reader.has("type")) reader.fault("type", "is missing; write one of " + known_kinds());
  spec.kind = static_cast<ChannelKind>(reader.choice("type", notify::channel_kind_names(), 0));
  read_kind(reader, spec);
  if (spec.kind != ChannelKind::kTrigger) read_timeout(reader, spec);
  spec.states = reader.texts("states");
  if (!reader.has("states")) spec.states = default_states(spec.kind);
  for (const std::string& state : spec.states) {
    if (state != "firing" && state != "ok" && state != "no_data" && state != "error") {
      reader.fault("states", "\"" + state + "\" is none of firing, ok, no_data, error");
    }
  }
  reader.finish();
  return spec;
}

alert::RuleSpec read_rule(YamlReader& reader) {
  using alert::Absence;
  constexpr std::array kAbsence = {Absence::kKeep, Absence::kAlert, Absence::kOk, Absence::kNoData};
  const std::vector<std::string> absences = {"keep", "alert", "ok", "no_data"};
  alert::RuleSpec spec;
  spec.name = read_title(reader);
  const bool grafana = reader.choice("profile", {"gpuscale", "grafana-4.4"}, 0) == 1;
  spec.profile = grafana ? alert::Profile::kGrafana44 : alert::Profile::kOwn;
  spec.every = reader.duration("every", spec.every);
  spec.queries = reader.text_map("queries");
  spec.sources = reader.text_map("sources");
  std::erase_if(spec.sources, [](const auto& each) { return each.second == datasource::kOwnStore; });
  spec.condition = reader.required_text("condition");
  spec.recover = reader.text("recover");
  spec.pool = reader.text("pool");
  spec.hold_for = reader.duration("for", spec.hold_for);
  spec.keep_firing_for = reader.duration("keep_firing_for", spec.keep_firing_for);
  spec.repeat = reader.duration("repeat", spec.repeat);
  spec.per_series = reader.boolean("per_series", spec.per_series);
  spec.gone_after = reader.duration("gone_after", spec.gone_after);
  spec.whole_buckets = reader.boolean("whole_buckets", spec.whole_buckets);
  spec.no_data = kAbsence.at(reader.choice("no_data", absences, grafana ? 3 : 0));
  spec.on_error = kAbsence.at(reader.choice("on_error", absences, grafana ? 1 : 0));
  spec.notify = reader.texts("notify");
  spec.message = reader.text("message");
  spec.labels = reader.text_map("labels");
  spec.annotations = reader.text_map("annotations");
  spec.paused = reader.boolean("paused", spec.paused);
  reader.finish();
  return spec;
}

}  // namespace gpuscale::config
