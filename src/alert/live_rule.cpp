// SPDX-License-Identifier: Apache-2.0
#include "alert/live_rule.h"

#include "base/duration.h"
#include "base/rfc3339.h"

namespace gpuscale::alert {
namespace {

using nlohmann::json;
using Rendered = std::vector<std::pair<std::string, TextTemplate>>;

Result<Rendered> parse_all(const Texts& texts) {
  Rendered out;
  for (const auto& [name, text] : texts) {
    GS_TRY(TextTemplate parsed, TextTemplate::parse(text, template_names()));
    out.emplace_back(name, std::move(parsed));
  }
  return out;
}

/// The value that decided: of the series, else the first that passed, else the first.
json value_of(const Tracked& tracked, const json& values) {
  if (tracked.value) return *tracked.value;
  if (!values.is_array() || values.empty()) return nullptr;
  for (const json& each : values) {
    if (each.value("matched", false)) return each.at("value");
  }
  return values.front().at("value");
}

json values_of(const Tracked& tracked, const Evaluation& evaluation, State state) {
  if (tracked.kept.labels.empty()) return evaluation.values;
  json tags = json::object();
  for (const metrics::Tag& tag : tracked.kept.labels) tags[tag.key] = tag.value;
  return json::array({{{"metric", labels_text(tracked.kept.labels)},
                       {"value", tracked.value ? json(*tracked.value) : json()},
                       {"tags", std::move(tags)},
                       {"matched", state == State::kFiring}}});
}

std::string summary_of(const RuleSpec& spec, const std::string& name, const Step& step,
                       const std::string& explanation) {
  const std::string because = ": " + explanation;
  if (step.ledger == "rule.firing") {
    const bool silent = !step.tell;
    return name + (silent ? " fires, muted" : " fires") + because;
  }
  if (step.ledger == "rule.fires_again") return name + " did not recover and fires on" + because;
  if (step.ledger == "rule.ok") return name + " is content again" + because;
  if (step.ledger == "rule.recovering") {
    return name + " ends if this lasts for " + base::format_duration(spec.keep_firing_for) + because;
  }
  if (step.ledger == "rule.pending") {
    return name + " fires if this holds for " + base::format_duration(spec.hold_for) + because;
  }
  if (step.ledger == "rule.sees_again") return name + " has data again" + because;
  const std::string what = step.ledger == "rule.error" ? " could not be evaluated" : " has no data";
  return name + what + " and stays " + std::string(to_string(step.next.state)) + because;
}

}  // namespace

std::string title_of(const std::string& rule, State state) {
  switch (state) {
    case State::kFiring:
    case State::kRecovering:
      return "[Alerting] " + rule;
    case State::kNoData:
      return "[No Data] " + rule;
    case State::kError:
      return "[Error] " + rule;
    case State::kPaused:
      return "[Paused] " + rule;
    default:
      return "[OK] " + rule;
  }
}

Result<std::shared_ptr<LiveRule>> LiveRule::make(RuleSpec spec) {
  auto rule = std::make_shared<LiveRule>();
  GS_TRY(rule->condition, parse_condition(spec.condition));
  if (!spec.recover.empty()) {
    GS_TRY(rule->recover, parse_condition(spec.recover));
  }
  GS_TRY(rule->message, TextTemplate::parse(spec.message, template_names()));
  GS_TRY(rule->labels, parse_all(spec.labels));
  GS_TRY(rule->annotations, parse_all(spec.annotations));
  rule->spec = std::move(spec);
  return rule;
}

std::string LiveRule::explanation_of(const Tracked& of) const {
  if (of.kept.labels.empty() || !evaluation.error.empty()) return evaluation.explanation;
  std::string out = to_text(condition) + " of " + labels_text(of.kept.labels);
  if (of.unseen_since)
    return out + ": the series has been gone since " + base::format_second(*of.unseen_since);
  if (of.value) out += ", value " + json(*of.value).dump();
  return of.value ? out : out + ": no data";
}

Notification LiveRule::notification_of(const Tracked& of, const RuleState& state, WallTime now) const {
  Notification out;
  out.rule = spec.name;
  out.instance = of.kept.labels;
  out.channels = spec.notify;
  out.state = state.state == State::kRecovering ? State::kFiring : state.state;
  out.held = is_held(state);
  out.sequence = state.sequence;
  out.correlation = state.correlation;
  out.at = now;
  out.starts_at = state.fired_at.value_or(state.since);
  out.title = title_of(spec.name + labels_text(of.kept.labels), state.state);
  out.text = explanation_of(of);
  out.pool = spec.pool;
  out.values = values_of(of, evaluation, out.state);
  out.newest_sample = evaluation.newest_sample.value_or(now);
  for (const metrics::Tag& tag : of.kept.labels) out.labels.insert_or_assign(tag.key, tag.value);
  json context = {{"rule", spec.name},
                  {"state", out.state == State::kInactive ? "ok" : std::string(to_string(out.state))},
                  {"title", out.title},
                  {"labels", out.labels},
                  {"value", value_of(of, out.values)},
                  {"explanation", out.text},
                  {"pool", spec.pool},
                  {"at", base::format_rfc3339(now)}};
  for (const auto& [name, text] : labels) out.labels.insert_or_assign(name, text.render(context));
  context["labels"] = out.labels;
  for (const auto& [name, text] : annotations) out.annotations.insert_or_assign(name, text.render(context));
  out.message = message.render(context);
  return out;
}

activity::Entry LiveRule::entry_of(const Tracked& of, const Step& step, WallTime now) const {
  activity::Entry entry;
  entry.at = now;
  entry.kind = step.ledger;
  entry.pool = spec.pool;
  entry.subject = spec.name;
  entry.correlation = step.next.correlation;
  const std::string explanation = explanation_of(of);
  entry.summary = summary_of(spec, spec.name + labels_text(of.kept.labels), step, explanation);
  entry.details = {{"condition", spec.condition},
                   {"explanation", explanation},
                   {"values", values_of(of, evaluation, step.next.state)},
                   {"state", std::string(to_string(step.next.state))},
                   {"sequence", step.next.sequence}};
  if (!muted_by.empty()) entry.details["muted_by"] = muted_by;
  if (evaluation.newest_sample) {
    entry.details["newest_sample"] = base::format_rfc3339(*evaluation.newest_sample);
  }
  return entry;
}

std::vector<const Reduction*> LiveRule::reductions() const {
  std::vector<const Reduction*> out = reductions_of(condition);
  if (!recover) return out;
  const auto more = reductions_of(*recover);
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

std::string LiveRule::source_of(const Reduction& reduction) const {
  const auto found = spec.sources.find(reduction.query);
  return found == spec.sources.end() ? "" : found->second;
}

}  // namespace gpuscale::alert
