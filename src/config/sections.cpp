// SPDX-License-Identifier: Apache-2.0
#include "config/sections.h"

#include <algorithm>

#include "pool/provider_registry.h"

namespace gpuscale::config {
namespace {

constexpr int kMostNodes = 100'000;
constexpr std::size_t kLongestName = 63;
constexpr std::size_t kLongestTitle = 200;

/// Names of pools and triggers become tags, folders and parts of URLs, so they stay plain.
std::string read_plain_name(YamlReader& reader) {
  std::string name = reader.required_text("name");
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
  if (!plain || name.size() > kLongestName || name.starts_with('.')) {
    reader.fault("name",
                 "\"" + name + "\" must be 1 to 63 letters, digits, '-', '_' or '.', and not begin with '.'");
  }
  return name;
}

std::string read_title(YamlReader& reader) {
  std::string name = reader.required_text("name");
  if (name.size() > kLongestTitle) reader.fault("name", "is longer than 200 bytes; shorten it");
  return name;
}

}  // namespace

namespace {

pool::ScaleInSpec read_scale_in(YamlReader reader) {
  pool::ScaleInSpec spec;
  // A whole number of percent: nobody can tell 45 from 45.5 in a load that moves by ten.
  spec.ceiling = reader.integer("ceiling", 0, 1, 100);
  spec.window = reader.duration("window", spec.window);
  spec.watch = reader.duration("watch", spec.watch);
  spec.sick_after = reader.duration("sick_after", spec.sick_after);
  spec.replace_percent = reader.integer("replace_percent", spec.replace_percent, 0, 100);
  spec.broken_percent = reader.integer("broken_percent", spec.broken_percent, 1, 100);
  reader.finish();
  return spec;
}

}  // namespace

pool::PoolSpec read_pool(YamlReader& reader) {
  pool::PoolSpec spec;
  spec.name = read_plain_name(reader);
  YamlReader provider = reader.mapping("provider");
  spec.provider.type = provider.text("type", spec.provider.type);
  spec.provider.options = provider.remaining_texts();
  for (const std::string& fault : pool::faults_of(spec.provider)) reader.fault("provider", fault);
  spec.min = reader.integer("min", spec.min, 0, kMostNodes);
  spec.max = reader.integer("max", std::max(spec.max, spec.min), 0, kMostNodes);
  if (spec.min > spec.max) {
    reader.fault("min", "min " + std::to_string(spec.min) + " is greater than max " +
                            std::to_string(spec.max) + "; raise max or lower min");
  }
  YamlReader cooldown = reader.mapping("cooldown");
  spec.cooldown_out = cooldown.duration("scale_out", spec.cooldown_out);
  spec.cooldown_in = cooldown.duration("scale_in", spec.cooldown_in);
  cooldown.finish();
  spec.boot_timeout = reader.duration("boot_timeout", spec.boot_timeout);
  spec.telemetry_timeout = reader.duration("telemetry_timeout", spec.telemetry_timeout);
  spec.drain_timeout = reader.duration("drain_timeout", spec.drain_timeout);
  spec.scale_in = read_scale_in(reader.mapping("scale_in"));
  reader.finish();
  return spec;
}

scaling::TriggerSpec read_trigger(YamlReader& reader) {
  scaling::TriggerSpec spec;
  spec.name = read_plain_name(reader);
  spec.pool = reader.required_text("pool");
  if (!reader.has("type")) reader.fault("type", "is missing; write scale_out or scale_in");
  spec.type = reader.choice("type", {"scale_out", "scale_in"}, 0) == 0 ? scaling::Direction::kOut
                                                                       : scaling::Direction::kIn;
  spec.step = reader.integer("step", spec.step, 1, scaling::kMaxStep);
  spec.secret = reader.secret("secret");
  if (!spec.secret.empty() && spec.secret.reveal().size() < 16) {
    reader.fault("secret",
                 "is shorter than 16 characters; use a long random one, or leave it out to have one made");
  }
  spec.enabled = reader.boolean("enabled", spec.enabled);
  reader.finish();
  return spec;
}

notify::ChannelSpec read_channel(YamlReader& reader) {
  notify::ChannelSpec spec;
  spec.name = read_title(reader);
  spec.kind = reader.choice("type", {"webhook", "trigger"}, 0) == 0 ? notify::ChannelKind::kWebhook
                                                                    : notify::ChannelKind::kTrigger;
  if (!reader.has("type")) reader.fault("type", "is missing; write webhook or trigger");
  if (spec.kind == notify::ChannelKind::kTrigger) {
    spec.trigger = reader.required_text("trigger");
  } else {
    spec.url = reader.required_text("url");
    if (!spec.url.empty() && !spec.url.starts_with("http://") && !spec.url.starts_with("https://")) {
      reader.fault("url", "must begin with http:// or https://");
    }
    spec.method = reader.choice("method", {"POST", "PUT", "GET"}, 0) == 0 ? http::Method::kPost
                  : reader.text("method") == "PUT"                        ? http::Method::kPut
                                                                          : http::Method::kGet;
    for (auto& [name, value] : reader.text_map("headers")) spec.headers.emplace(name, value);
    spec.bearer = reader.secret("bearer");
    spec.timeout = std::chrono::ceil<std::chrono::milliseconds>(reader.duration("timeout", spec.timeout));
    spec.ca_file = reader.text("ca_file");
  }
  if (reader.has("states")) {
    spec.states = reader.texts("states");
    for (const std::string& state : spec.states) {
      if (state != "firing" && state != "ok" && state != "no_data" && state != "error") {
        reader.fault("states", "\"" + state + "\" is none of firing, ok, no_data, error");
      }
    }
  } else {
    (void)reader.texts("states");
  }
  reader.finish();
  return spec;
}

alert::RuleSpec read_rule(YamlReader& reader) {
  constexpr alert::Absence kAbsence[] = {alert::Absence::kKeep, alert::Absence::kAlert, alert::Absence::kOk};
  alert::RuleSpec spec;
  spec.name = read_title(reader);
  spec.every = reader.duration("every", spec.every);
  spec.queries = reader.text_map("queries");
  spec.condition = reader.required_text("condition");
  spec.hold_for = reader.duration("for", spec.hold_for);
  spec.repeat = reader.duration("repeat", spec.repeat);
  spec.no_data = kAbsence[reader.choice("no_data", {"keep", "alert", "ok"}, 0)];
  spec.on_error = kAbsence[reader.choice("on_error", {"keep", "alert", "ok"}, 0)];
  spec.notify = reader.texts("notify");
  spec.message = reader.text("message");
  spec.paused = reader.boolean("paused", spec.paused);
  reader.finish();
  return spec;
}

}  // namespace gpuscale::config
