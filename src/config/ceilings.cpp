// SPDX-License-Identifier: Apache-2.0
#include "config/ceilings.h"

#include <algorithm>
#include <optional>
#include <set>

#include "alert/condition.h"
#include "metrics/telemetry.h"

namespace gpuscale::config {
namespace {

constexpr std::string_view kTriggerParameter = "triggerUrl=";

/// The trigger that a channel pulls; "" = none of ours.
std::string pulled_by(const notify::ChannelSpec& channel) {
  if (channel.kind == notify::ChannelKind::kTrigger) return channel.trigger;
  const std::size_t begin = channel.url.find(kTriggerParameter);
  if (begin == std::string::npos) return "";
  const std::size_t from = begin + kTriggerParameter.size();
  return channel.url.substr(from, channel.url.find('&', from) - from);
}

/// The tests of reductions against plain numbers.
void collect_tests(const alert::Condition& condition, std::vector<const alert::Condition*>& out) {
  using Kind = alert::Condition::Kind;
  const bool plain = condition.kind == Kind::kTest && condition.operands.size() == 2 &&
                     condition.operands[0].kind == Kind::kReduction &&
                     condition.operands[1].kind == Kind::kLiteral;
  if (plain) out.push_back(&condition);
  for (const alert::Condition& operand : condition.operands) collect_tests(operand, out);
}

/// The lowest percentage of GPU work above which the rule fires.
std::optional<double> line_of(const alert::RuleSpec& rule) {
  const auto condition = alert::parse_condition(rule.condition);
  if (!condition) return std::nullopt;
  std::vector<const alert::Condition*> tests;
  collect_tests(*condition, tests);
  std::optional<double> line;
  for (const alert::Condition* test : tests) {
    const bool above =
        test->relation == alert::Relation::kAbove || test->relation == alert::Relation::kAtLeast;
    const auto query = rule.queries.find(test->operands[0].reduction.query);
    const bool of_gpu =
        query != rule.queries.end() && query->second.find(metrics::kUtilizationGpu) != std::string::npos;
    const double bound = test->operands[1].literal;
    if (!above || !of_gpu || bound <= 0 || bound > 100) continue;
    line = std::min(line.value_or(100), bound);
  }
  return line;
}

/// The channels that grow the pool.
std::set<std::string> growing_channels(const Config& config, const std::string& pool) {
  std::set<std::string> triggers;
  for (const scaling::TriggerSpec& trigger : config.triggers) {
    if (trigger.pool == pool && trigger.type == scaling::Direction::kOut) triggers.insert(trigger.name);
  }
  std::set<std::string> channels;
  for (const notify::ChannelSpec& channel : config.channels) {
    if (triggers.contains(pulled_by(channel))) channels.insert(channel.name);
  }
  return channels;
}

}  // namespace

void derive_ceilings(Config& config) {
  for (pool::PoolSpec& pool : config.pools) {
    if (pool.scale_in.ceiling > 0) continue;
    const auto channels = growing_channels(config, pool.name);
    for (const alert::RuleSpec& rule : config.rules) {
      const bool grows = std::any_of(rule.notify.begin(), rule.notify.end(),
                                     [&](const std::string& name) { return channels.contains(name); });
      const auto line = grows ? line_of(rule) : std::nullopt;
      if (line)
        pool.scale_in.ceiling = pool.scale_in.ceiling > 0 ? std::min(pool.scale_in.ceiling, *line) : *line;
    }
  }
}

}  // namespace gpuscale::config
