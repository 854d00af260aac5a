// SPDX-License-Identifier: Apache-2.0
#include "scaling/survey.h"

#include <algorithm>
#include <tuple>

namespace gpuscale::scaling {
namespace {

using pool::NodeState;

constexpr std::ptrdiff_t kMaxExplained = 50;
/// So few doubtful nodes are trouble of their own, not of the fleet.
constexpr int kFewNodes = 3;

struct Tally {
  int ready = 0;
  int healthy = 0;
  int unknown = 0;
  int doubtful = 0;  ///< sick or silent
  MeasuredWork work;
};

void count_node(Tally& tally, const NodeRecord& record, const Victim& victim, const pool::PoolSpec& spec) {
  const bool ready = record.node.state == NodeState::kReady;
  if (!ready && record.node.state != NodeState::kDraining) return;
  const bool heard = victim.utilization && victim.silent_for <= spec.telemetry_timeout;
  // A device that does not answer may be at work, so its node's mean is no measure of it.
  const bool measured = heard && victim.devices_unknown == 0;
  if (measured) (ready ? tally.work.known : tally.work.leaving) += *victim.utilization / 100;
  if (!ready) return;
  ++tally.ready;
  const bool sick = victim.health == Health::kSick;
  if (sick || record.silent) ++tally.doubtful;
  if (sick) return;
  ++tally.healthy;
  if (!measured) ++tally.unknown;
}

}  // namespace

Survey survey_nodes(const ReconcileInput& input, const std::vector<NodeView>& nodes,
                    const std::vector<const NodeTelemetry*>& telemetry) {
  std::vector<VictimFacts> facts;
  facts.reserve(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i)
    facts.push_back({&nodes[i].record, telemetry[i], nodes[i].failing_for});
  const auto victims = rank_victims(facts, input.telemetry.has_value(), input.spec, input.now);

  Survey survey;
  survey.ledger.reserve(nodes.size());
  Tally tally;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    survey.ledger.push_back({nodes[i].record.node.id.value(), victims[i], {}});
    count_node(tally, nodes[i].record, victims[i], input.spec);
  }
  tally.work.peak = input.peak_work;
  const pool::ScaleInSpec& spec = input.spec.scale_in;
  survey.proof = prove_removal(tally.healthy, tally.unknown, tally.work,
                               input.band * (spec.ceiling > 0 ? spec.ceiling : pool::kDefaultCeiling));
  if (tally.doubtful > kFewNodes && tally.doubtful * 100 > spec.broken_percent * tally.ready) {
    survey.removals_stopped = std::to_string(tally.doubtful) + " of " + std::to_string(tally.ready) +
                              " ready nodes are sick or silent, over " + std::to_string(spec.broken_percent) +
                              " %: something larger may be broken, so nothing is removed";
  }
  return survey;
}

std::string why_none_is_spare(const Survey& survey, const std::vector<NodeView>& nodes, int left, int taken) {
  const std::string text = std::to_string(left) + " to remove, but none can be spared";
  std::string others;
  bool spare_left = false;
  std::size_t named = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const pool::Node& node = nodes[i].record.node;
    const Victim& victim = survey.ledger[i].victim;
    if (node.state != NodeState::kReady) continue;
    spare_left = spare_left || victim.standing == Standing::kSpare;
    if (victim.rank != 0 || ++named > 5) continue;
    others += (named == 1 ? ": " : "; ") + node.id.value() + " " + describe(victim, node);
  }
  if (spare_left) return text + ": the survivors would have " + describe(survey.proof, taken + 1);
  return text + others;
}

nlohmann::json explain_ranking(const Survey& survey, const std::vector<NodeView>& nodes) {
  std::vector<std::tuple<bool, int, std::size_t>> order;
  order.reserve(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const int rank = survey.ledger[i].victim.rank;
    order.emplace_back(rank == 0, rank, i);
  }
  const auto shown = order.begin() + std::min<std::ptrdiff_t>(kMaxExplained, std::ssize(order));
  std::partial_sort(order.begin(), shown, order.end());
  nlohmann::json out = nlohmann::json::array();
  for (auto it = order.begin(); it != shown; ++it) {
    const auto& [none, rank, index] = *it;
    const Victim& victim = survey.ledger[index].victim;
    out.push_back({{"node", survey.ledger[index].node},
                   {"rank", rank},
                   {"standing", to_string(victim.standing)},
                   {"reason", describe(victim, nodes[index].record.node)}});
  }
  if (shown != order.end()) out.push_back({{"omitted", order.end() - shown}});
  return out;
}

}  // namespace gpuscale::scaling
