// SPDX-License-Identifier: Apache-2.0
#include "influxql/missing_names.h"

#include <algorithm>

#include "base/name_list.h"
#include "base/nearest_name.h"

namespace gpuscale::influxql {
namespace {

/// Of names that are shown where none of them is near.
constexpr std::size_t kMostShownNames = 12;

std::string quoted(std::string_view name) {
  return '"' + std::string(name) + '"';
}

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string meant(const std::string& name, std::vector<std::string> known) {
  if (std::string near = base::did_you_mean(name, known); !near.empty() || known.empty()) return near;
  const bool more = known.size() > kMostShownNames;
  if (more) known.resize(kMostShownNames);
  return "; known: " + base::joined(known) + (more ? ", ..." : "");
}

class MeasurementNames {
 public:
  MeasurementNames(const tsdb::Store& store, std::string database, const std::string& policy,
                   std::string measurement)
      : store_(store),
        database_(std::move(database)),
        measurement_(std::move(measurement)),
        tags_(store.tag_keys(database_, measurement_)) {
    for (tsdb::FieldInfo& field : store.fields(database_, policy, measurement_))
      fields_.push_back(std::move(field.key));
  }

  std::string missing_in(const SelectStatement& select) const {
    std::string out = missing_in_condition(select.condition);
    for (const ExprPtr& dimension : select.dimensions)
      if (out.empty()) out = missing_in_expr(dimension);
    for (const Field& field : select.fields)
      if (out.empty()) out = missing_in_expr(field.expr);
    return out.empty() ? only_tags(select) : out;
  }

 private:
  std::string unknown(const std::string& name) const {
    if (name == "time" || holds(fields_, name) || holds(tags_, name)) return "";
    std::vector<std::string> known = fields_;
    known.insert(known.end(), tags_.begin(), tags_.end());
    return quoted(measurement_) + " has no field or tag " + quoted(name) + meant(name, std::move(known));
  }

  std::string missing_in_expr(const ExprPtr& expr) const {
    std::string out;
    walk(expr, [&](const ExprPtr& node) {
      if (const auto* name = as<VarRef>(node); name != nullptr && out.empty()) out = unknown(name->name);
      if (const auto* distinct = as<Distinct>(node); distinct != nullptr && out.empty())
        out = unknown(distinct->name);
    });
    return out;
  }

  /// Along what must all hold.
  std::string missing_in_condition(const ExprPtr& expr) const {
    if (const auto* paren = as<Paren>(expr)) return missing_in_condition(paren->inner);
    const auto* binary = as<Binary>(expr);
    if (binary == nullptr) return missing_in_expr(expr);
    if (binary->op == Token::kAnd) {
      std::string out = missing_in_condition(binary->lhs);
      return out.empty() ? missing_in_condition(binary->rhs) : out;
    }
    std::string out = missing_in_expr(expr);
    const auto* lhs = as<VarRef>(binary->lhs);
    if (lhs == nullptr || binary->op != Token::kEq || !holds(tags_, lhs->name)) return out;
    if (const auto* name = as<VarRef>(binary->rhs); name != nullptr && !out.empty()) {
      return quoted(name->name) + " in double quotes is a name, not a text; write " + lhs->name + " = " +
             quote_string(name->name);
    }
    const auto* text = as<std::string>(binary->rhs);
    if (!out.empty() || text == nullptr || text->empty()) return out;
    const std::vector<std::string> values = store_.tag_values(database_, measurement_, lhs->name);
    if (holds(values, *text)) return "";
    return "no series of " + quoted(measurement_) + " has " + lhs->name + " = " + quote_string(*text) +
           meant(*text, values);
  }

  /// A statement that reads no field has no rows.
  std::string only_tags(const SelectStatement& select) const {
    std::string tag;
    bool others = false;
    for (const Field& field : select.fields) {
      walk(field.expr, [&](const ExprPtr& node) {
        const auto* name = as<VarRef>(node);
        const bool is_tag = name != nullptr && !holds(fields_, name->name) && holds(tags_, name->name);
        if (is_tag) tag = name->name;
        if ((name != nullptr && !is_tag) || is<Wildcard>(node) || is<RegexLiteral>(node) ||
            is<Distinct>(node))
          others = true;
      });
    }
    if (tag.empty() || others) return "";
    return quoted(tag) + " is a tag of " + quoted(measurement_) +
           ", and tags alone give no rows; ask for a " + "field" +
           (fields_.empty() ? "" : " such as " + quoted(fields_.front()));
  }

  const tsdb::Store& store_;
  const std::string database_;
  const std::string measurement_;
  const std::vector<std::string> tags_;
  std::vector<std::string> fields_;
};

std::string missing_of(const tsdb::Store& store, const SelectStatement& select, const Measurement& source,
                       std::string_view fallback) {
  const std::string database = source.database.empty() ? std::string(fallback) : source.database;
  if (!store.has_database(database)) return "there is no database " + quoted(database);
  const std::vector<std::string> known = store.measurements(database);
  if (source.pattern) {
    const bool any = std::any_of(known.begin(), known.end(),
                                 [&](const std::string& name) { return source.pattern->matches(name); });
    return any ? "" : "no measurement of database " + quoted(database) + " matches " + print(source);
  }
  if (!holds(known, source.name)) {
    return "nothing was ever written to measurement " + quoted(source.name) + " of database " +
           quoted(database) + meant(source.name, known);
  }
  return MeasurementNames(store, database, source.policy, source.name).missing_in(select);
}

}  // namespace

std::string missing_names(const tsdb::Store& store, const SelectStatement& select,
                          std::string_view database) {
  std::string first;
  for (const Source& source : select.sources) {
    std::string missing = source.subquery ? missing_names(store, *source.subquery, database)
                                          : missing_of(store, select, source.measurement, database);
    // One source of several that is whole is enough for rows.
    if (missing.empty()) return "";
    if (first.empty()) first = std::move(missing);
  }
  return first;
}

}  // namespace gpuscale::influxql
