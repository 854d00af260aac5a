// SPDX-License-Identifier: Apache-2.0
/// Private to the room: what holds for one SELECT while it runs, its bounds narrowed by what runs around it.
#pragma once
#include <string>
#include <vector>

#include "influxql/select_plan.h"
#include "influxql/select_run.h"
#include "influxql/transforms.h"

namespace gpuscale::influxql {

struct SelectScope {
  /// @param outer null for the statement itself. Run and statement must outlive the scope.
  SelectScope(Run& run, const PreparedSelect& select, const Surroundings* outer);

  Run& run;
  const PreparedSelect& select;
  TimeFrame frame;
  std::vector<std::string> dimensions;
  std::vector<std::string> limited_dimensions;  ///< of the outermost statement
  std::int64_t slimit = 0;
  std::int64_t soffset = 0;
  Filling filling;
  std::size_t enough = 0;    ///< rows of each call that LIMIT and OFFSET let through; 0 = all
  std::vector<VarRef> refs;  ///< the fields and tags that stand outside of calls, by name and type

  /// Tells that its frame has more buckets than the server allows, where each of them becomes a row.
  Result<void> check_buckets() const;
  Surroundings surroundings_in(const TimeFrame& inner) const {
    return {inner, dimensions, limited_dimensions, slimit, soffset};
  }
};

}  // namespace gpuscale::influxql
