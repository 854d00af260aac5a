// SPDX-License-Identifier: Apache-2.0
/// How many nodes a pool can spare: those after whose going the survivors' load stays under the ceiling. The
/// work of those that go is taken to stay, U*N/(N-k), at its peak over the window. Pure.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "scaling/class_load.h"

namespace gpuscale::scaling {

struct RemovalProof {
  int nodes = 0;            ///< N: ready nodes that are not sick
  int unknown = 0;          ///< of these, those whose load is unknown: each counts as fully at work
  double work_now = 0;      ///< measured, in nodes' worth, of the N alone
  double work_leaving = 0;  ///< of nodes that drain
  double work = 0;          ///< what the proof is made for: its peak over the window, and the unknown
  double ceiling = 0;       ///< percent
  int spare = 0;            ///< the most that may go
  std::vector<ClassLoad> classes{};  ///< by name, where the nodes are not all alike; else empty
  bool capacities_known = false;     ///< what each class counts beside the others

  /// Percent of GPU work of the survivors, all classes as one, once `k` have gone; absent where nobody would
  /// be left.
  std::optional<double> projected(int k) const;
  /// Nodes that are needed to bear what is at work now under the ceiling.
  int needed_now() const;
};

/// In nodes' worth: `known` = the measured load of the N, `leaving` = that of nodes that drain, whose work
/// moves to the N and for a while shows in both, `peak` = the highest sum of the two over the window.
struct MeasuredWork {
  double known = 0;
  double leaving = 0;
  double peak = 0;
};
RemovalProof prove_removal(int nodes, int unknown, const MeasuredWork& measured, double ceiling);

/// The same where the nodes are of several classes: each must bear what falls to it.
void prove_by_class(RemovalProof& proof, std::vector<ClassLoad> classes, bool capacities_known);

/// "40.5 % on 2 nodes after 1 has gone, ceiling 45 %".
std::string describe(const RemovalProof& proof, int removed);
/// "62.0 % on 3 nodes of 8 x NVIDIA A100-SXM4-80GB (80 GiB), ceiling 45.0 %".
std::string describe(const RemovalProof& proof, const Departures::Burden& burden);
nlohmann::json to_json(const RemovalProof& proof);

}  // namespace gpuscale::scaling
