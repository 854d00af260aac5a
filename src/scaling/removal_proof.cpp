// SPDX-License-Identifier: Apache-2.0
#include "scaling/removal_proof.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/counted.h"
#include "scaling/victim.h"

namespace gpuscale::scaling {
namespace {

/// The fewest nodes that bear `work` under `ceiling`. The slack keeps a load that is exactly at the ceiling
/// from asking for one more by the last bit of a division.
int bearers(double work, double ceiling) {
  constexpr double kSlack = 1e-9;
  return static_cast<int>(std::ceil(std::min(work * 100 / ceiling, 1e9) - kSlack));
}

}  // namespace

std::optional<double> RemovalProof::projected(int k) const {
  if (k >= nodes) return std::nullopt;
  return work * 100 / (nodes - k);
}

int RemovalProof::needed_now() const {
  return bearers(work_now, ceiling);
}

RemovalProof prove_removal(int nodes, int unknown, const MeasuredWork& measured, double ceiling) {
  RemovalProof proof{.nodes = nodes, .unknown = unknown, .ceiling = ceiling};
  proof.work_now = measured.known;
  proof.work_leaving = measured.leaving;
  proof.work = std::max(measured.known + measured.leaving, measured.peak) + unknown;
  proof.spare = std::clamp(nodes - bearers(proof.work, ceiling), 0, nodes);
  return proof;
}

std::string describe(const RemovalProof& proof, int removed) {
  const auto load = proof.projected(removed);
  const std::string after = base::counted(std::max(proof.nodes - removed, 0), "node") + " after " +
                            base::counted(removed, "has gone", "have gone");
  const std::string tail = ", ceiling " + percent_text(proof.ceiling);
  if (!load) return "nobody left to bear the load of " + percent_text(proof.work * 100) + " of a node" + tail;
  std::string text = percent_text(*load) + " on " + after + tail;
  if (proof.unknown > 0)
    text += " (" + std::to_string(proof.unknown) + " of unknown load counted as fully at work)";
  return text;
}

void prove_by_class(RemovalProof& proof, std::vector<ClassLoad> classes, bool capacities_known) {
  if (classes.size() < 2) return;
  proof.spare = std::min(proof.spare, most_departures(classes, capacities_known, proof.ceiling));
  proof.classes = std::move(classes);
  proof.capacities_known = capacities_known;
}

std::string describe(const RemovalProof& proof, const Departures::Burden& burden) {
  const std::string kind = burden.gpu_class.empty() ? "an unknown GPU class" : burden.gpu_class;
  const std::string tail = ", ceiling " + percent_text(proof.ceiling);
  if (burden.left == 0) return "nobody left to bear the load of " + kind + tail;
  return percent_text(burden.percent) + " on " + base::counted(burden.left, "node") + " of " + kind + tail;
}

nlohmann::json to_json(const RemovalProof& proof) {
  nlohmann::json out{{"nodes", proof.nodes}, {"unknown", proof.unknown}, {"work_now", proof.work_now},
                     {"work", proof.work},   {"ceiling", proof.ceiling}, {"spare", proof.spare}};
  if (proof.classes.empty()) return out;
  out["capacities_known"] = proof.capacities_known;
  for (const ClassLoad& load : proof.classes) {
    out["classes"].push_back({{"gpu_class", load.gpu_class},
                              {"nodes", load.nodes},
                              {"capacity", load.capacity},
                              {"work_now", load.work_now},
                              {"work", load.work}});
  }
  return out;
}

}  // namespace gpuscale::scaling
