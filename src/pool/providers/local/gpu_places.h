// SPDX-License-Identifier: Apache-2.0
/// Which GPUs of this machine belong to which node. A node's folder says which it was given, and they are its
/// own for as long as the lock of that folder is held, which is as long as any process of the node lives: no
/// crash of anybody gives a GPU to two nodes or loses one.
#pragma once
#include <string>
#include <vector>

#include "base/result.h"

namespace gpuscale::pool::local {

struct PlaceRequest {
  std::string root;               ///< holds a folder for each pool, which holds one for each node
  std::string folder;             ///< of the node, below root; its lock is held by the caller
  std::vector<std::string> gpus;  ///< that the pool may use, in the order in which they are given out
  int count = 1;                  ///< for this node
};

/// Gives the node its GPUs and writes them to its folder. Safe between threads and processes. Errors:
/// kExhausted naming the nodes that have them, kUnavailable.
Result<std::vector<std::string>> take_places(const PlaceRequest& request);

}  // namespace gpuscale::pool::local
