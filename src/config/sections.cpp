// SPDX-License-Identifier: Apache-2.0
#include "config/sections.h"

#include <algorithm>

#include "base/name_list.h"
#include "base/nearest_name.h"
#include "pool/provider_registry.h"
#include "scaling/formula_reader.h"

namespace gpuscale::config {
namespace {

constexpr int kMostNodes = 100'000;
constexpr std::chrono::hours kLongestCooldown{7 * 24};
constexpr std::size_t kLongestName = 63;

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

}  // namespace

namespace {

pool::ProviderSpec read_provider(YamlReader reader, bool may_fall_back = true) {
  pool::ProviderSpec spec;
  spec.type = reader.text("type", spec.type);
  if (may_fall_back) {
    spec.limits.changes_per_minute = reader.integer("changes_per_minute", 0, 1, 1'000'000);
    spec.limits.list_every = reader.duration("list_every", spec.limits.list_every);
    YamlReader hooks = reader.mapping("hooks");
    spec.hooks = {hooks.texts("drain"), hooks.texts("undrain"), hooks.texts("end"),
                  hooks.duration("limit", spec.hooks.limit)};
    if (spec.hooks.limit < std::chrono::seconds{1} || spec.hooks.limit > std::chrono::hours{1})
      hooks.fault("limit", "must be from 1s to 1h");
    hooks.finish();
    YamlReader fallback = reader.mapping("fallback");
    if (reader.has("fallback")) spec.fallback.push_back(read_provider(fallback, false));
  }
  spec.options = reader.remaining_options();
  return spec;
}

pool::ScaleInSpec read_scale_in(YamlReader reader) {
  pool::ScaleInSpec spec;
  // A whole number of percent: nobody can tell 45 from 45.5 in a load that moves by ten.
  spec.ceiling = reader.integer("ceiling", 0, 1, 100);
  spec.window = reader.duration("window", spec.window);
  spec.watch = reader.duration("watch", spec.watch);
  spec.sick_after = reader.duration("sick_after", spec.sick_after);
  spec.replace_percent = reader.integer("replace_percent", spec.replace_percent, 0, 100);
  spec.broken_percent = reader.integer("broken_percent", spec.broken_percent, 1, 100);
  YamlReader capacity = reader.mapping("capacity");
  for (const std::string& name : capacity.remaining_keys())
    spec.capacity.emplace(name, capacity.number(name, 1, 0.001, 1e6));
  capacity.finish();
  reader.finish();
  return spec;
}

pool::RateLimit read_rate(YamlReader reader) {
  pool::RateLimit limit;
  limit.nodes = reader.integer("nodes", 0, 1, kMostNodes);
  limit.per = reader.duration("per", limit.per);
  if ((limit.nodes > 0) != (limit.per > Nanos{0}))
    reader.fault("nodes and per go together: {nodes: 4, per: 10m}");
  reader.finish();
  return limit;
}

pool::BudgetSpec read_budget(YamlReader reader) {
  constexpr int kMost = 1'000'000'000;
  pool::BudgetSpec budget;
  budget.gpu_hours = reader.integer("gpu_hours", 0, 1, kMost);
  budget.money = reader.integer("money", 0, 1, kMost);
  budget.price_per_gpu_hour = reader.number("price_per_gpu_hour", 0, 0.000001, 1e6);
  constexpr pool::BudgetPeriod kPeriods[] = {pool::BudgetPeriod::kDay, pool::BudgetPeriod::kWeek,
                                             pool::BudgetPeriod::kMonth};
  budget.period = kPeriods[reader.choice("per", {"day", "week", "month"}, 0)];
  if (budget.money > 0 && budget.price_per_gpu_hour <= 0)
    reader.fault("money", "needs price_per_gpu_hour, so that GPU-hours can be turned into money");
  reader.finish();
  return budget;
}

pool::LimitsSpec read_limits(YamlReader reader) {
  pool::LimitsSpec limits;
  limits.out = read_rate(reader.mapping("scale_out"));
  limits.in = read_rate(reader.mapping("scale_in"));
  YamlReader stabilisation = reader.mapping("stabilisation");
  limits.stabilise_out = stabilisation.duration("scale_out", limits.stabilise_out);
  limits.stabilise_in = stabilisation.duration("scale_in", limits.stabilise_in);
  stabilisation.finish();
  limits.budget = read_budget(reader.mapping("budget"));
  reader.finish();
  return limits;
}

}  // namespace

StoreSpec read_store(YamlReader& reader) {
  constexpr int kMost = 1'000'000'000;
  StoreSpec out;
  out.retention_autocreate = reader.boolean("retention_autocreate", out.retention_autocreate);
  out.health = reader.boolean("health", out.health);
  out.max_select_series = reader.integer("max_select_series", 0, 0, kMost);
  out.max_select_points = reader.integer("max_select_points", 0, 0, kMost);
  out.max_select_buckets = reader.integer("max_select_buckets", 0, 0, kMost);
  constexpr Nanos kLeast = std::chrono::hours{24};
  out.keep_samples = reader.duration("keep_samples", out.keep_samples);
  out.keep_minutes = reader.duration("keep_minutes", out.keep_minutes);
  if (out.keep_samples.count() != 0 && out.keep_samples < kLeast)
    reader.fault("keep_samples", "less than a day; give 24h or more, or 0s for ever");
  if (out.keep_minutes.count() != 0 && out.keep_minutes < out.keep_samples)
    reader.fault("keep_minutes", "shorter than keep_samples; give more, or 0s for ever");
  return out;
}

pool::PoolSpec read_pool(YamlReader& reader) {
  pool::PoolSpec spec;
  spec.name = read_plain_name(reader);
  spec.provider = read_provider(reader.mapping("provider"));
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
  // Here 0s is no word for "for ever": each node would be given up in the moment of its launch.
  for (const auto& [key, timeout] : {std::pair("boot_timeout", spec.boot_timeout),
                                     std::pair("telemetry_timeout", spec.telemetry_timeout)}) {
    if (timeout < std::chrono::seconds{1}) reader.fault(key, "must be 1s or longer");
  }
  spec.drain_timeout = reader.duration("drain_timeout", spec.drain_timeout);
  spec.scale_in = read_scale_in(reader.mapping("scale_in"));
  YamlReader warm = reader.mapping("warm");
  spec.warm.nodes = warm.integer("nodes", 0, 1, kMostNodes);
  spec.warm.keep = warm.duration("keep", spec.warm.keep);
  if (warm.has("keep") && spec.warm.nodes == 0) warm.fault("keep", "needs nodes: how many may be parked");
  warm.finish();
  spec.limits = read_limits(reader.mapping("limits"));
  spec.limits.gpus_per_node = reader.integer("gpus_per_node", 1, 1, 1'000);
  reader.finish();
  return spec;
}

namespace {

policy::StepRule read_step(YamlReader& reader) {
  policy::StepRule rule;
  rule.above = reader.has("above");
  if (reader.has("above") == reader.has("below"))
    reader.fault("a step has either above and add, or below and remove: {above: 80, add: 2}");
  rule.line = reader.number(rule.above ? "above" : "below", 0, -1e12, 1e12);
  rule.nodes = reader.integer(rule.above ? "add" : "remove", 1, 1, kMostNodes);
  rule.for_seconds = std::chrono::ceil<std::chrono::seconds>(reader.duration("for", Nanos{0})).count();
  reader.finish();
  return rule;
}

}  // namespace

policy::PolicySpec read_policy(YamlReader& reader) {
  policy::PolicySpec spec;
  spec.name = read_plain_name(reader);
  spec.pool = reader.required_text("pool");
  std::string text = reader.text("type", "lookout");
  spec.formula = {reader.text_map("queries"), reader.text("value")};
  for (const auto& [ref, query] : spec.formula.queries) {
    if (const std::string fault = datasource::influxql_fault(query); !fault.empty())
      reader.fault("queries", "\"" + ref + "\" " + fault);
  }
  for (YamlReader& step : reader.list("steps")) spec.steps.push_back(read_step(step));
  if (text == "target" || text == "step") {
    spec.choice = {text, reader.number("target", 0, 1e-9, 1e12)};
    if (reader.has("setting")) reader.fault("setting", "belongs to other types");
    for (const std::string& fault : policy::faults_of(spec)) reader.fault("type", fault);
    if (!spec.formula.empty()) {
      for (const std::string& fault : scaling::faults_of(spec.formula)) reader.fault("value", fault);
    }
    spec.shadow = reader.boolean("shadow", false);
    reader.finish();
    return spec;
  }
  const policy::PolicyKind* kind = policy::find_policy_kind(text);
  if (reader.has("target") && reader.has("setting")) {
    reader.fault("target", "target and setting are the same number, once in percent; give one of them");
  }
  if (kind == nullptr) {
    const std::vector<std::string> known = policy::live_policy_kinds();
    const std::string meant = base::did_you_mean(text, known);
    reader.fault("type", "no policy \"" + text + "\"" + (meant.empty() ? "; known: " : meant + " Known: ") +
                             base::joined(known));
  }
  const std::string setting = reader.text("setting");
  const int target = reader.integer("target", 0, 1, 100);
  if (target > 0 && kind != nullptr && kind->most_knob != 1) {
    reader.fault("target",
                 "policy " + text + " has no target; its setting is the " + std::string(kind->knob));
  }
  if (!setting.empty()) text += "=" + setting;
  if (setting.empty() && target > 0) text += "=" + std::to_string(target / 100.0);
  if (auto choice = policy::PolicyChoice::parse(text); choice && kind != nullptr) {
    spec.choice = *std::move(choice);
    for (const std::string& fault : policy::faults_of(spec)) reader.fault("type", fault);
  } else if (kind != nullptr) {
    reader.fault("type", choice.error().message());
  }
  if (reader.has("boot")) {
    spec.boot_seconds = std::chrono::ceil<std::chrono::seconds>(reader.duration("boot", Nanos{0})).count();
    if (*spec.boot_seconds < 1 || *spec.boot_seconds > 7'200) reader.fault("boot", "must be from 1s to 2h");
  }
  spec.shadow = reader.boolean("shadow", false);
  reader.finish();
  return spec;
}

schedule::ScheduleSpec read_schedule(YamlReader& reader) {
  const auto bound = [](YamlReader& from, const std::string& key) {
    std::optional<int> value;
    const int read = from.integer(key, 0, 0, kMostNodes);
    if (from.has(key)) value = read;
    return value;
  };
  schedule::ScheduleSpec spec;
  spec.name = read_title(reader);
  spec.cron = reader.text("cron");
  spec.at = reader.text("at");
  spec.timezone = reader.text("timezone", spec.timezone);
  spec.lasts = reader.duration("for", spec.lasts);
  spec.pool = reader.text("pool");
  YamlReader set = reader.mapping("set");
  spec.min = bound(set, "min");
  spec.max = bound(set, "max");
  spec.floor = bound(set, "floor");
  set.finish();
  spec.trigger = reader.text("trigger");
  const int step = reader.integer("step", 1, 1, scaling::kMaxStep);
  if (reader.has("step")) spec.step = step;
  spec.mute = reader.texts("mute");
  spec.enabled = reader.boolean("enabled", spec.enabled);
  reader.finish();
  return spec;
}

scaling::TriggerSpec read_trigger(YamlReader& reader) {
  using scaling::Direction;
  scaling::TriggerSpec spec;
  spec.name = read_plain_name(reader);
  if (!reader.has("type")) reader.fault("type", "is missing; write scale_out, scale_in, run or call");
  spec.type = static_cast<Direction>(reader.choice("type", {"scale_out", "scale_in", "run", "call"}, 0));
  if (scaling::scales(spec.type)) {
    spec.pool = reader.required_text("pool");
    spec.step = reader.integer("step", spec.step, 1, scaling::kMaxStep);
    spec.max_step = reader.integer("max_step", scaling::kMaxStep, spec.step, scaling::kMaxStep);
  } else {
    spec.pool = reader.text("pool");
    const bool runs = spec.type == Direction::kRun;
    spec.action = read_action(reader, runs ? notify::ChannelKind::kExec : notify::ChannelKind::kWebhook);
    spec.cooldown = reader.duration("cooldown", spec.cooldown);
    if (spec.cooldown < Nanos{0} || spec.cooldown > kLongestCooldown)
      reader.fault("cooldown", "must be from 0s to 7d");
  }
  spec.secret = reader.secret("secret");
  if (!spec.secret.empty() && spec.secret.reveal().size() < 16) {
    reader.fault("secret",
                 "is shorter than 16 characters; use a long random one, or leave it out to have one made");
  }
  spec.enabled = reader.boolean("enabled", spec.enabled);
  spec.calls_per_minute = reader.integer("calls_per_minute", spec.calls_per_minute, 0, 1'000'000);
  for (const std::string& text : reader.texts("sources")) {
    if (auto range = base::Cidr::parse(text)) {
      spec.sources.push_back(*std::move(range));
    } else {
      reader.fault("sources", range.error().message());
    }
  }
  spec.repeat = reader.duration("repeat", spec.repeat);
  spec.on_resolved = reader.text("on_resolved");
  reader.finish();
  return spec;
}

}  // namespace gpuscale::config
