// SPDX-License-Identifier: Apache-2.0
#include "cli/episode.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/rfc3339.h"
#include "cli/table.h"

namespace gpuscale::cli {
namespace {

using activity::Entry;

std::string percent(double value) {
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.1f %%", value);
  return buffer.data();
}

std::string summary_of(const load::Report& report) {
  return "Load: " + std::to_string(report.offered) + " offered, " + std::to_string(report.served) +
         " served, " + std::to_string(report.lost) + " lost, " + std::to_string(report.retried) +
         " sent elsewhere; latency p50 " + load::format_latency(report.latency.p50) + ", p99 " +
         load::format_latency(report.latency.p99) + ", max " + load::format_latency(report.latency.max) +
         "\n";
}

/// Finds the steps one after the other; each looks no earlier than the newest that was found.
class Judge {
 public:
  explicit Judge(const EpisodeInput& input) : input_(input), threshold_(percent(input.threshold)) {}

  Episode run() {
    const WallTime step_at = input_.load_step_at.value_or(WallTime::max());
    episode_.reaction = timeline(input_.entries, step_at);
    episode_.reaction.hops.front().at = input_.load_step_at;
    judge_growth();
    judge_rescue();
    judge_shrinking();
    judge_losses();
    episode_.load = input_.load;
    return std::move(episode_);
  }

 private:
  void judge_growth();
  void judge_rescue();
  void judge_shrinking();
  void judge_drained(const Entry* accepted);
  void judge_losses();

  void step(std::string name, std::optional<WallTime> at, std::string seen, std::string missing) {
    if (at) last_ = std::max(last_, *at);
    const bool happened = at.has_value();
    episode_.steps.push_back(
        {std::move(name), happened, at, happened ? std::move(seen) : std::move(missing)});
  }
  void hop_step(std::string name, std::string_view hop, std::string missing) {
    const auto at = episode_.reaction.at(hop);
    std::string subject;
    for (const Hop& each : episode_.reaction.hops) {
      if (each.name == hop) subject = each.subject;
    }
    step(std::move(name), at, std::move(subject), std::move(missing));
  }
  template <typename Fits>
  const Observation* observed(WallTime from, const Fits& fits) const {
    for (const Observation& o : input_.observations) {
      if (o.at >= from && fits(o)) return &o;
    }
    return nullptr;
  }
  template <typename Fits>
  const Entry* entry(std::string_view kind, WallTime from, const Fits& fits) const {
    for (const Entry& e : input_.entries) {
      if (e.kind == kind && e.at >= from && fits(e)) return &e;
    }
    return nullptr;
  }

  const EpisodeInput& input_;
  const std::string threshold_;
  Episode episode_;
  WallTime last_ = WallTime::min();
};

void Judge::judge_growth() {
  const WallTime step_at = input_.load_step_at.value_or(WallTime::max());
  const std::string low = std::to_string(input_.low);
  const std::string high = std::to_string(input_.high);
  const Observation* calm = nullptr;  // the newest before the load rose
  for (const Observation& o : input_.observations) {
    if (o.at < step_at && o.ready == input_.low && o.average && *o.average < input_.threshold) calm = &o;
  }
  step(low + " nodes at low load", calm == nullptr ? std::nullopt : std::optional(calm->at),
       calm == nullptr ? "" : "average " + percent(*calm->average),
       "never " + low + " ready nodes with an average under " + threshold_ + " before the load rose");
  step("load rises", input_.load_step_at, "", "the load never rose; did the load generator start?");

  const Observation* over =
      observed(step_at, [this](const Observation& o) { return o.average && *o.average > input_.threshold; });
  // A look comes up to half a second after the evaluation that saw it.
  const auto fired_at = episode_.reaction.at(kHopRuleFired);
  std::optional<WallTime> over_at;
  if (over != nullptr) over_at = fired_at ? std::min(over->at, *fired_at) : over->at;
  step("average over " + threshold_, over_at, over == nullptr ? "" : percent(*over->average),
       "no look at the pool showed it after the load rose");
  hop_step("rule fired", kHopRuleFired, "no rule.firing after the load rose; see \"gpuscale rule list\"");
  hop_step("message sent", kHopMessageSent, "no message.sent for the rule; see \"gpuscale channel list\"");
  hop_step("trigger accepted", kHopAccepted,
           "no accepted trigger of type scale_out; see \"gpuscale activity\"");

  const WallTime accepted_at = episode_.reaction.at(kHopAccepted).value_or(std::max(last_, step_at));
  const Observation* grown =
      observed(accepted_at, [this](const Observation& o) { return o.ready >= input_.high; });
  step(high + " or more nodes ready", grown == nullptr ? std::nullopt : std::optional(grown->at),
       grown == nullptr ? "" : std::to_string(grown->ready) + " ready",
       "never " + high + " ready nodes after the trigger; see the nodes' logs");
  const WallTime grown_at = grown == nullptr ? std::max(last_, step_at) : grown->at;
  const Observation* under =
      observed(grown_at, [this](const Observation& o) { return o.average && *o.average < input_.threshold; });
  step("average under " + threshold_ + " again", under == nullptr ? std::nullopt : std::optional(under->at),
       under == nullptr ? "" : percent(*under->average),
       "the average stayed over the line with the nodes there were");
}

void Judge::judge_rescue() {
  step("load falls", input_.first_fall_at, "", "the load never fell; did the load generator end early?");
  const WallTime fall_at = input_.first_fall_at.value_or(WallTime::max());
  const Entry* draining = entry("node.draining", fall_at, [](const Entry&) { return true; });
  step("a node drains", draining == nullptr ? std::nullopt : std::optional(draining->at),
       draining == nullptr ? "" : draining->subject, "no node.draining after the load fell");
  step("load comes back", input_.load_back_at, "", "it did not, since no node drained");
  const WallTime back_at = input_.load_back_at.value_or(WallTime::max());
  const Entry* rescued = entry("node.undrained", back_at, [&](const Entry& e) {
    return draining != nullptr && e.subject == draining->subject;
  });
  step("the drain is rescued", rescued == nullptr ? std::nullopt : std::optional(rescued->at),
       rescued == nullptr ? "" : rescued->subject + " takes work again, a boot is saved",
       "the node was not taken back when the load came back");
}

void Judge::judge_shrinking() {
  const std::string low = std::to_string(input_.low);
  step("load falls for good", input_.load_fall_at, "",
       "the load never fell; did the load generator end early?");
  const WallTime fall_at = input_.load_fall_at.value_or(WallTime::max());
  const Entry* accepted =
      entry("trigger.accepted", fall_at, [](const Entry& e) { return direction_of(e) == "scale_in"; });
  step("scale-in accepted", accepted == nullptr ? std::nullopt : std::optional(accepted->at),
       accepted == nullptr ? "" : accepted->subject,
       "no accepted trigger of type scale_in after the load fell");
  judge_drained(accepted);
  const Observation* back = observed(std::max(last_, fall_at), [this](const Observation& o) {
    return o.ready == input_.low && o.desired == input_.low;
  });
  step("back to " + low + " nodes", back == nullptr ? std::nullopt : std::optional(back->at), "",
       "the pool never showed " + low + " ready of " + low + " desired nodes after the last node had gone");
}

void Judge::judge_drained(const Entry* accepted) {
  const WallTime from = accepted != nullptr ? accepted->at : input_.load_fall_at.value_or(WallTime::max());
  std::optional<WallTime> draining_at;
  std::optional<WallTime> drained_at;
  std::optional<WallTime> gone_at;
  std::string nodes;
  std::string undrained;
  std::string staying;
  for (const Entry& draining : input_.entries) {
    if (draining.kind != "node.draining" || draining.at < from) continue;
    const auto same = [&](const Entry& e) { return e.subject == draining.subject; };
    // Taken back while it drained: no removal.
    if (entry("node.undrained", draining.at, same) != nullptr) continue;
    draining_at = draining_at.value_or(draining.at);
    nodes += (nodes.empty() ? "" : ", ") + draining.subject;
    const Entry* drained = entry("node.drained", draining.at, [&](const Entry& e) {
      const auto in_flight = e.details.is_object() ? e.details.find("in_flight") : e.details.end();
      const bool busy = e.details.is_object() && in_flight != e.details.end() && *in_flight != 0;
      return same(e) && !busy;
    });
    const Entry* gone = entry("node.gone", draining.at, same);
    if (drained == nullptr || (gone != nullptr && gone->at < drained->at)) {
      undrained = draining.subject;
    } else {
      drained_at = std::max(drained_at.value_or(drained->at), drained->at);
    }
    if (gone == nullptr) {
      staying = draining.subject;
    } else {
      gone_at = std::max(gone_at.value_or(gone->at), gone->at);
    }
  }
  if (!undrained.empty()) drained_at.reset();
  if (!staying.empty()) gone_at.reset();
  step("node draining", draining_at, nodes, "no node.draining after the scale-in");
  step("node drained", drained_at, nodes,
       undrained.empty() ? "no node.drained after the scale-in"
                         : undrained + " was let go without being drained");
  step("node gone", gone_at, nodes,
       staying.empty() ? "no node.gone after the scale-in" : staying + " is still there");
}

void Judge::judge_losses() {
  const auto& load = input_.load;
  const auto verdict = [&](std::string name, bool good, std::string seen, std::string missing) {
    const bool happened = load.has_value() && good;
    if (!load) missing = "there is no report of the load generator";
    episode_.steps.push_back(
        {std::move(name), happened, std::nullopt, happened ? std::move(seen) : std::move(missing)});
  };
  const std::uint64_t offered = load ? load->offered : 0;
  verdict("no request lost to a scale-in", load && load->lost_to_drain == 0, "",
          load ? std::to_string(load->lost_to_drain) + " lost by nodes that drained" : "");
  std::string reasons;
  if (load) {
    for (const auto& [reason, count] : load->lost_by_reason)
      reasons += " " + reason + " " + std::to_string(count);
  }
  verdict("no request lost", load && load->lost == 0 && offered > 0, std::to_string(offered) + " offered",
          offered == 0 ? "nothing was offered"
                       : std::to_string(load ? load->lost : 0) + " of " + std::to_string(offered) +
                             " lost:" + reasons);
}

}  // namespace

bool Episode::happened() const {
  return std::all_of(steps.begin(), steps.end(), [](const EpisodeStep& step) { return step.happened; });
}

std::vector<std::string> Episode::missing() const {
  std::vector<std::string> names;
  for (const EpisodeStep& step : steps) {
    if (!step.happened) names.push_back(step.name);
  }
  return names;
}

Episode judge_episode(const EpisodeInput& input) {
  return Judge(input).run();
}

std::string to_text(const Episode& episode) {
  Table table{{"", "STEP", "TIME", "SINCE LOAD STEP", "NOTE"}, {}};
  const auto load_step = episode.reaction.at(kHopLoadStep);
  for (const EpisodeStep& step : episode.steps) {
    std::optional<Nanos> since;
    if (step.at && load_step) since = *step.at - *load_step;
    table.rows.push_back(
        {step.happened ? "ok" : "MISSING", step.name, format_clock(step.at), format_delta(since), step.note});
  }
  std::string text = table.to_text() + "\nReaction, hop by hop (UTC):\n" + to_text(episode.reaction) + "\n";
  if (episode.load) text += summary_of(*episode.load) + "\n";
  if (episode.happened()) return text + "The episode happened: every step is there.\n";
  text += "The episode did NOT happen; missing:";
  for (const std::string& name : episode.missing()) text += "\n  - " + name;
  return text + "\n";
}

nlohmann::json to_json(const Episode& episode) {
  nlohmann::json steps = nlohmann::json::array();
  for (const EpisodeStep& step : episode.steps) {
    steps.push_back({{"name", step.name},
                     {"happened", step.happened},
                     {"at", step.at ? nlohmann::json(base::format_rfc3339(*step.at)) : nlohmann::json()},
                     {"note", step.note}});
  }
  return {{"happened", episode.happened()},
          {"missing", episode.missing()},
          {"steps", std::move(steps)},
          {"reaction", to_json(episode.reaction)},
          {"load", episode.load ? load::to_json(*episode.load) : nlohmann::json()}};
}

std::optional<double> average_utilization(const nlohmann::json& nodes) {
  const auto list = nodes.is_object() ? nodes.find("nodes") : nodes.end();
  if (!nodes.is_object() || list == nodes.end() || !list->is_array()) return std::nullopt;
  double sum = 0;
  int count = 0;
  for (const auto& node : *list) {
    if (!node.is_object() || node.value("state", nlohmann::json()) != "ready") continue;
    const auto utilization = node.find("utilization");
    if (utilization == node.end() || !utilization->is_number()) continue;
    sum += utilization->get<double>();
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / count;
}

std::optional<Observation> observe(const nlohmann::json& pools, const nlohmann::json& nodes,
                                   const std::string& pool, WallTime now) {
  const auto list = pools.is_object() ? pools.find("pools") : pools.end();
  if (!pools.is_object() || list == pools.end() || !list->is_array()) return std::nullopt;
  for (const auto& item : *list) {
    if (!item.is_object() || item.value("name", nlohmann::json()) != pool) continue;
    const auto counts = item.find("counts");
    const auto number = [](const nlohmann::json& object, const char* key) {
      const auto found = object.find(key);
      return found != object.end() && found->is_number_integer() ? found->get<int>() : 0;
    };
    Observation observation;
    observation.at = now;
    observation.average = average_utilization(nodes);
    observation.desired = number(item, "desired");
    observation.draining = counts != item.end() && counts->is_object() ? number(*counts, "draining") : 0;
    observation.ready = counts != item.end() && counts->is_object() ? number(*counts, "ready") : 0;
    return observation;
  }
  return std::nullopt;
}

}  // namespace gpuscale::cli
