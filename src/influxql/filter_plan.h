// SPDX-License-Identifier: Apache-2.0
/// Private to the room: WHERE, parted into what series must fulfil and what each of their rows must. Pure.
#pragma once
#include <algorithm>
#include <functional>
#include <span>
#include <vector>

#include "influxql/formula.h"

namespace gpuscale::influxql {

inline bool asks_for_tag(const VarRef& ref) {
  return ref.type == DataType::kTag;
}

/// Formulas over a shared row of cells; new names get slots at the end.
class FilterPlan {
 public:
  using IsField = std::function<bool(const VarRef&)>;

  FilterPlan(const ExprPtr& filter, const IsField& is_field);

  const std::vector<VarRef>& tag_refs() const { return tag_refs_; }
  const std::vector<VarRef>& row_refs() const { return row_refs_; }
  bool has_rows() const { return !of_rows_.empty(); }

  bool tags_hold(std::span<const Value> cells) const {
    return std::all_of(of_tags_.begin(), of_tags_.end(), [&](const Formula& f) { return f.holds(cells); });
  }
  bool rows_hold(std::span<const Value> cells) const {
    return std::all_of(of_rows_.begin(), of_rows_.end(), [&](const Formula& f) { return f.holds(cells); });
  }

 private:
  std::vector<VarRef> tag_refs_;
  std::vector<VarRef> row_refs_;
  std::vector<Formula> of_tags_;
  std::vector<Formula> of_rows_;
};

}  // namespace gpuscale::influxql
