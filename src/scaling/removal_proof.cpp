// SPDX-License-Identifier: Apache-2.0
#include "scaling/removal_proof.h"

#include <algorithm>
#include <cmath>

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
  const std::string after = std::to_string(std::max(proof.nodes - removed, 0)) +
                            (proof.nodes - removed == 1 ? " node" : " nodes") + " after " +
                            std::to_string(removed) + (removed == 1 ? " has gone" : " have gone");
  const std::string tail = ", ceiling " + percent_text(proof.ceiling);
  if (!load) return "nobody left to bear the load of " + percent_text(proof.work * 100) + " of a node" + tail;
  std::string text = percent_text(*load) + " on " + after + tail;
  if (proof.unknown > 0)
    text += " (" + std::to_string(proof.unknown) + " of unknown load counted as fully at work)";
  return text;
}

nlohmann::json to_json(const RemovalProof& proof) {
  return {{"nodes", proof.nodes}, {"unknown", proof.unknown}, {"work_now", proof.work_now},
          {"work", proof.work},   {"ceiling", proof.ceiling}, {"spare", proof.spare}};
}

}  // namespace gpuscale::scaling
