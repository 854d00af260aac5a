// SPDX-License-Identifier: Apache-2.0
/// How many nodes a pool can spare: those after whose going the survivors' load stays under the ceiling. The
/// work of those that go is taken to stay, U*N/(N-k), at its peak over the window. Pure.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace gpuscale::scaling {

struct RemovalProof {
  int nodes = 0;            ///< N: ready nodes that are not sick
  int unknown = 0;          ///< of these, those whose load is unknown: each counts as fully at work
  double work_now = 0;      ///< measured, in nodes' worth, of the N alone
  double work_leaving = 0;  ///< of nodes that drain
  double work = 0;          ///< what the proof is made for: its peak over the window, and the unknown
  double ceiling = 0;       ///< percent
  int spare = 0;            ///< the most that may go

  /// Percent of GPU work of the survivors once `k` have gone; absent where nobody would be left.
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

/// "40.5 % on 2 nodes after 1 has gone, ceiling 45 %".
std::string describe(const RemovalProof& proof, int removed);
nlohmann::json to_json(const RemovalProof& proof);

}  // namespace gpuscale::scaling
