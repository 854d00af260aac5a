// SPDX-License-Identifier: Apache-2.0
/// Load by GPU class: which kinds of GPUs a pool's nodes have, and what its survivors bear when some go.
/// Pure.
#pragma once
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace gpuscale::scaling {

/// The nodes of one class that are ready and not sick.
struct ClassLoad {
  std::string gpu_class;  ///< "8 x NVIDIA H100 80GB HBM3 (80 GiB)"; "" = not told
  int nodes = 0;
  double capacity = 1;  ///< of one of its nodes beside those of the other classes
  double work_now = 0;  ///< measured, in nodes' worth of this class, with what its draining nodes still do
  double work = 0;      ///< what the proof is made for: the peak, and the unknown as fully at work
};

/// What a node of this class counts beside others: of the keys that the class begins with the longest; absent
/// = none does.
std::optional<double> capacity_of(const std::string& gpu_class, const std::map<std::string, double>& known);

/// Who bears the load when nodes go one after another. How a balancer spreads the load over unlike nodes is
/// not known, so each class must bear both that its load grows as the pool shrinks (U*N/(N-k), as when every
/// node gets as many requests) and, where nobody has said what the classes count beside each other, that its
/// own work stays within it (as when a fast node gets more). With capacities N is their sum; a class that
/// does nothing is not in it.
class Departures {
 public:
  struct Burden {
    double percent = 0;     ///< of GPU work, infinite where nobody is left for it
    std::string gpu_class;  ///< whose nodes would have it
    int left = 0;           ///< nodes of that class
  };

  /// `capacities_known` = of every class.
  Departures(std::vector<ClassLoad> classes, bool capacities_known, double ceiling);

  /// The class that is burdened most once one more of `gpu_class` has gone.
  Burden burden_without(const std::string& gpu_class) const;
  bool may_go(const std::string& gpu_class) const { return may_go(gpu_class, burden_without(gpu_class)); }
  /// `without` = burden_without(gpu_class), where that is known already.
  bool may_go(const std::string& gpu_class, const Burden& without) const;
  void take(const std::string& gpu_class);

 private:
  struct Share {
    ClassLoad load;
    int gone = 0;
  };
  std::vector<Share> shares_;
  bool capacities_known_;
  double ceiling_;
};

/// The most that may go, taken class by class.
int most_departures(const std::vector<ClassLoad>& classes, bool capacities_known, double ceiling);

}  // namespace gpuscale::scaling
