// SPDX-License-Identifier: Apache-2.0
/// Against the reference simulator's figures, where its folder lies beside the project ($GPUSCALE_SIM_DIR,
/// $GPUSCALE_TRACES_DIR). Every row of the short traces; of the long ones each policy's first row, since all
/// of them take minutes under the sanitizers. `scripts/bench decisions` compares every row.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "policy/catalogue.h"
#include "sim/pool_model.h"
#include "trace/demand_trace.h"

namespace gpuscale::sim {
namespace {

std::string folder(const char* variable, const char* fallback) {
  const char* given = std::getenv(variable);
  return given != nullptr ? given : std::string(GPUSCALE_SOURCE_DIR) + "/../shared/" + fallback;
}

struct ReferenceRow {
  std::string trace;
  std::int64_t boot_seconds = 0;
  policy::PolicyChoice choice;
  double node_hours = 0;
  double bad = 0;
  std::int64_t actions = 0;
};

/// The names that the reference has for some of our policies.
std::string our_name(const std::string& theirs) {
  if (theirs == "seed") return "recipe";
  if (theirs == "seed_repeat") return "recipe_repeat";
  if (theirs == "lookout") return "lookout_v1";
  if (theirs == "lookout_util") return "lookout_v1_util";
  return theirs;
}

/// trace,set,boot_s,policy,knob,node_hours,ratio_to_oracle,bad,lost,late,p50,p99,p999,actions,...
std::vector<ReferenceRow> read_rows(const std::string& path) {
  std::vector<ReferenceRow> rows;
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::vector<std::string> cells;
    std::stringstream split(line);
    for (std::string cell; std::getline(split, cell, ',');) cells.push_back(cell);
    if (cells.at(3) == "oracle" || cells.at(3) == "static_peak") continue;
    rows.push_back({cells[0],
                    std::stoll(cells[2]),
                    {our_name(cells[3]), std::stod(cells[4])},
                    std::stod(cells[5]),
                    std::stod(cells[7]),
                    std::stoll(cells[13])});
  }
  return rows;
}

TEST(Reference, EveryPolicyDecidesAsInTheReferenceSimulator) {
  const std::string figures = folder("GPUSCALE_SIM_DIR", "sim") + "/reference.csv";
  const std::string traces = folder("GPUSCALE_TRACES_DIR", "traces");
  if (!std::filesystem::exists(figures) || !std::filesystem::exists(traces)) {
    GTEST_SKIP() << "no reference figures in " << figures << " or no traces in " << traces;
  }
  const auto manifest = nlohmann::json::parse(std::ifstream(traces + "/manifest.json"));
  std::map<std::pair<std::string, std::int64_t>, std::pair<std::vector<double>, PoolParameters>> worlds;
  std::set<std::string> seen;
  for (const ReferenceRow& row : read_rows(figures)) {
    const bool short_trace = row.trace.starts_with("azure");
    if (!short_trace && !seen.insert(row.trace + row.choice.name).second) continue;
    auto& [demand, parameters] = worlds[{row.trace, row.boot_seconds}];
    if (demand.empty()) {
      const auto& entry = manifest.at(row.trace);
      const auto trace = trace::DemandTrace::read(traces + "/" + entry.at("file").get<std::string>());
      ASSERT_TRUE(trace) << trace.error().message();
      parameters.tick_seconds = entry.at("sim_dt_s").get<std::int64_t>();
      parameters.boot_seconds = row.boot_seconds;
      demand = *trace->per_tick(static_cast<double>(parameters.tick_seconds));
      parameters.first_nodes = first_nodes_for(demand, parameters);
    }
    const auto policy = policy::make_policy(row.choice);
    ASSERT_NE(policy, nullptr) << row.choice.name;
    const Outcome outcome = run_pool(demand, parameters, policy.get());
    const std::string name =
        row.trace + " boot " + std::to_string(row.boot_seconds) + " " + row.choice.to_string();
    EXPECT_NEAR(outcome.node_hours() / row.node_hours, 1, 1e-4) << name;
    EXPECT_NEAR(outcome.bad(), row.bad, 1e-4) << name;
    EXPECT_EQ(outcome.actions(), row.actions) << name;
  }
}

}  // namespace
}  // namespace gpuscale::sim
