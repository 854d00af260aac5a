// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "influxql/execute.h"
#include "influxql/formula.h"

namespace gpuscale::influxql {

bool has_database(const Run& run, std::string_view name) {
  const auto databases = run.store().databases();
  return std::any_of(databases.begin(), databases.end(), [&](const auto& db) { return db.name == name; });
}

Result<std::string> database_of(const Run& run, const std::string& wanted, bool must_exist) {
  const std::string& name = wanted.empty() ? run.context().database : wanted;
  if (name.empty()) return fail(Errc::kInvalidArgument, "database name required");
  if (must_exist && !has_database(run, name)) return fail(Errc::kNotFound, "database not found: " + name);
  return name;
}

const tsdb::RetentionPolicy* find_policy(const std::vector<tsdb::DatabaseInfo>& databases,
                                         std::string_view database, std::string_view name) {
  for (const auto& info : databases) {
    if (info.name != database) continue;
    for (const auto& policy : info.policies) {
      if (policy.name == name) return &policy;
    }
  }
  return nullptr;
}

std::vector<std::string> match_measurements(const Run& run, const std::string& database,
                                            const std::vector<Source>& sources) {
  std::vector<std::string> names = run.store().measurements(database);
  std::erase_if(names, [&sources](const std::string& name) {
    return !sources.empty() && std::none_of(sources.begin(), sources.end(), [&name](const Source& source) {
      const Measurement& m = source.measurement;
      return m.pattern ? m.pattern->matches(name) : m.name == name;
    });
  });
  return names;
}

Result<std::vector<MatchedSeries>> match_series(Run& run, const std::string& database,
                                                const std::vector<Source>& sources, const ExprPtr& filter,
                                                bool drop_empty) {
  std::vector<std::string> names;
  Formula formula;
  if (filter) {
    formula = Formula::compile(filter, [&names](const ExprPtr& node) {
      const auto* ref = as<VarRef>(node);
      if (ref == nullptr) return Formula::kNotASlot;
      names.push_back(ref->name);
      return static_cast<int>(names.size()) - 1;
    });
  }
  std::vector<MatchedSeries> out;
  std::vector<Value> cells(names.size());
  for (const std::string& measurement : match_measurements(run, database, sources)) {
    GS_CHECK(run.check());
    MatchedSeries matched{measurement, run.store().series(database, measurement)};
    if (filter) {
      std::erase_if(matched.series, [&](const tsdb::SeriesInfo& series) {
        for (std::size_t i = 0; i < names.size(); ++i) {
          cells[i] = names[i] == "_name" ? std::string_view(measurement)
                                         : metrics::tag_value(*series.tags, names[i]);
        }
        return !formula.holds(cells);
      });
    }
    if (!drop_empty || !matched.series.empty()) out.push_back(std::move(matched));
  }
  return out;
}

}  // namespace gpuscale::influxql
