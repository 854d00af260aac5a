// SPDX-License-Identifier: Apache-2.0
#include "influxql/filter_plan.h"

namespace gpuscale::influxql {

namespace {

/// Conjuncts of a filter that look at tags alone, and the others.
struct SplitFilter {
  std::vector<ExprPtr> of_tags;
  std::vector<ExprPtr> of_rows;
};

void split(const ExprPtr& filter, const std::function<bool(const VarRef&)>& is_field, SplitFilter& out) {
  if (!filter) return;
  if (const auto* paren = as<Paren>(filter)) return split(paren->inner, is_field, out);
  const auto* binary = as<Binary>(filter);
  if (binary != nullptr && binary->op == Token::kAnd) {
    split(binary->lhs, is_field, out);
    split(binary->rhs, is_field, out);
    return;
  }
  bool rows = false;
  walk(filter, [&](const ExprPtr& node) {
    const auto* ref = as<VarRef>(node);
    rows = rows || (ref != nullptr && is_field(*ref));
  });
  (rows ? out.of_rows : out.of_tags).push_back(filter);
}

Formula compile(const ExprPtr& expr, std::vector<VarRef>& refs) {
  const auto slot_of = [&refs](const ExprPtr& node) {
    const auto* ref = as<VarRef>(node);
    if (ref == nullptr) return Formula::kNotASlot;
    auto found = std::find(refs.begin(), refs.end(), *ref);
    if (found == refs.end()) found = refs.insert(refs.end(), *ref);
    return static_cast<int>(found - refs.begin());
  };
  return Formula::compile(expr, slot_of, Formula::Division::kInteger);
}

}  // namespace

FilterPlan::FilterPlan(const ExprPtr& filter, const IsField& is_field) {
  SplitFilter parts;
  split(filter, is_field, parts);
  for (const ExprPtr& part : parts.of_tags) of_tags_.push_back(compile(part, tag_refs_));
  for (const ExprPtr& part : parts.of_rows) of_rows_.push_back(compile(part, row_refs_));
}

}  // namespace gpuscale::influxql
