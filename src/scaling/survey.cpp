// SPDX-License-Identifier: Apache-2.0
#include "scaling/survey.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

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
  struct OfClass {
    int healthy = 0;
    int unknown = 0;
    double measured = 0;  ///< in nodes' worth, with that of its draining nodes
  };
  std::map<std::string, OfClass> classes;
};

void count_node(Tally& tally, const NodeRecord& record, const Victim& victim, const pool::PoolSpec& spec) {
  const bool ready = record.node.state == NodeState::kReady;
  if (!ready && record.node.state != NodeState::kDraining) return;
  const bool heard = victim.utilization && victim.silent_for <= spec.telemetry_timeout;
  // A device that does not answer may be at work, so its node's mean is no measure of it.
  const bool measured = heard && victim.devices_unknown == 0;
  Tally::OfClass& of_class = tally.classes[victim.gpu_class];
  if (measured) {
    (ready ? tally.work.known : tally.work.leaving) += *victim.utilization / 100;
    of_class.measured += *victim.utilization / 100;
  }
  if (!ready) return;
  ++tally.ready;
  const bool sick = victim.health == Health::kSick;
  if (sick || record.silent) ++tally.doubtful;
  if (sick) return;
  ++tally.healthy;
  ++of_class.healthy;
  if (measured) return;
  ++tally.unknown;
  ++of_class.unknown;
}

/// The classes that have a healthy node. One that has told no class yet and whose load is unknown is left to
/// the pool's own proof: it would else look like a class of its own whenever telemetry is late.
std::vector<ClassLoad> classes_of(const Tally& tally, const ReconcileInput& input, bool& capacities_known) {
  std::vector<ClassLoad> out;
  capacities_known = true;
  for (const auto& [name, of] : tally.classes) {
    if (of.healthy == 0 || (name.empty() && of.unknown == of.healthy)) continue;
    const auto capacity = capacity_of(name, input.spec.scale_in.capacity);
    capacities_known = capacities_known && capacity.has_value();
    const auto peak = input.peak_by_class.find(name);
    out.push_back(
        {.gpu_class = name,
         .nodes = of.healthy,
         .capacity = capacity.value_or(1),
         .work_now = of.measured,
         .work = std::max(of.measured, peak == input.peak_by_class.end() ? 0.0 : peak->second) + of.unknown});
  }
  return out;
}

/// Says of each in turn whether it may go after those before it that may.
void spare_in_turn(Survey& survey) {
  std::vector<Victim*> in_turn(survey.ledger.size());
  for (LedgerLine& line : survey.ledger) {
    if (line.victim.rank > 0) in_turn[static_cast<std::size_t>(line.victim.rank) - 1] = &line.victim;
  }
  const RemovalProof& proof = survey.proof;
  Departures departures(proof.classes, proof.capacities_known, proof.ceiling);
  int spared = 0;
  for (Victim* victim : in_turn) {
    if (victim == nullptr) break;
    if (victim->standing != Standing::kSpare) continue;
    if (!proof.classes.empty()) victim->burden = departures.burden_without(victim->gpu_class);
    victim->spared =
        spared < proof.spare && (!victim->burden || departures.may_go(victim->gpu_class, *victim->burden));
    if (!victim->spared) continue;
    ++spared;
    departures.take(victim->gpu_class);
  }
}

}  // namespace

Survey survey_nodes(const ReconcileInput& input, const Roster& roster) {
  const std::vector<NodeView>& nodes = roster.nodes();
  std::vector<VictimFacts> facts;
  facts.reserve(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i)
    facts.push_back(
        {&nodes[i].record, roster.telemetry(nodes[i]), nodes[i].failing_for, roster.zone(nodes[i])});
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
  bool capacities_known = false;
  auto classes = classes_of(tally, input, capacities_known);
  prove_by_class(survey.proof, std::move(classes), capacities_known);
  spare_in_turn(survey);
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
  const Victim* next = nullptr;
  std::size_t named = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const pool::Node& node = nodes[i].record.node;
    const Victim& victim = survey.ledger[i].victim;
    if (node.state != NodeState::kReady) continue;
    spare_left = spare_left || victim.standing == Standing::kSpare;
    const bool refused = victim.standing == Standing::kSpare && !victim.spared && victim.burden;
    if (refused && (next == nullptr || victim.rank < next->rank)) next = &victim;
    if (victim.rank != 0 || ++named > 5) continue;
    others += (named == 1 ? ": " : "; ") + node.id.value() + " (" + describe(victim, node) + ")";
  }
  if (next != nullptr) return text + ": the survivors would have " + describe(survey.proof, *next->burden);
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
