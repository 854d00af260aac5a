// SPDX-License-Identifier: Apache-2.0
/// Whether the acceptance episode happened: a pool at low load, the load rises, the rule fires, the pool
/// grows, the average falls, the load falls, a node drains, the load comes back and the node with it, the
/// load falls for good, nodes are drained and let go, and nothing is lost. Pure;
/// `gpuscale up --check` gathers the input.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "activity/ledger.h"
#include "base/time.h"
#include "cli/timeline.h"
#include "load/report.h"

namespace gpuscale::cli {

/// One look at the pool.
struct Observation {
  WallTime at;
  std::optional<double> average;  ///< mean utilisation of the ready nodes, percent
  int ready = 0;
  int desired = 0;
  int draining = 0;
};

struct EpisodeInput {
  std::vector<activity::Entry> entries;   ///< ascending by time, as parse_activity() gives them
  std::vector<Observation> observations;  ///< likewise; about one a second
  std::optional<load::Report> load;       ///< at the end
  std::optional<WallTime> load_step_at;   ///< when the load rose
  std::optional<WallTime> first_fall_at;  ///< when it fell, so that a node began to drain
  std::optional<WallTime> load_back_at;   ///< when it came back during that drain
  std::optional<WallTime> load_fall_at;   ///< when it fell for good
  double threshold = 45;                  ///< of the rule that scales out, percent
  int low = 2;                            ///< nodes before and after
  int high = 3;                           ///< at least so many in between
};

struct EpisodeStep {
  std::string name;
  bool happened = false;
  std::optional<WallTime> at;
  std::string note;  ///< what was seen, or what is missing and where to look
};

struct Episode {
  std::vector<EpisodeStep> steps;  ///< always all of them, in order
  Timeline reaction;
  std::optional<load::Report> load;

  bool happened() const;
  std::vector<std::string> missing() const;  ///< names of the steps that did not happen
};

Episode judge_episode(const EpisodeInput& input);

/// The steps as a table, the reaction hop by hop, what became of the load, and the verdict.
std::string to_text(const Episode& episode);
/// {"happened","missing":[..],"steps":[{"name","happened","at","note"}],"reaction":{..},"load":{..}|null}
nlohmann::json to_json(const Episode& episode);

/// Mean of "utilization" over the ready nodes of {"nodes":[...]}; absent where none tells one.
std::optional<double> average_utilization(const nlohmann::json& nodes);
/// The pool's line of {"pools":[...]} and its nodes as an Observation; absent where the pool is not named.
std::optional<Observation> observe(const nlohmann::json& pools, const nlohmann::json& nodes,
                                   const std::string& pool, WallTime now);

}  // namespace gpuscale::cli
