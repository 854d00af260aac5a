// SPDX-License-Identifier: Apache-2.0
/// Private to the room: an expression made ready to be computed row by row: names are slots of the row.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "influxql/ast.h"
#include "influxql/value.h"

namespace gpuscale::influxql {

class Formula {
 public:
  /// Where the value of a name or of a call stands in a row; a negative number makes it null. A call that the
  /// function does not know (kNotASlot) is computed as a mathematical function.
  using SlotOf = std::function<int(const ExprPtr&)>;
  static constexpr int kNull = -1;
  static constexpr int kNotASlot = -2;

  /// How integers divide: into a float among the fields, into an integer in WHERE (observed).
  enum class Division { kFloat, kInteger };
  static Formula compile(const ExprPtr& expr, const SlotOf& slot_of, Division division = Division::kFloat);

  /// InfluxDB's arithmetic: division by 0 is 0, null makes null; values of types that do not go together
  /// compare as false.
  Value eval(std::span<const Value> row) const;
  bool holds(std::span<const Value> row) const;

 private:
  struct Node;
  using NodePtr = std::shared_ptr<const Node>;
  static NodePtr build(const ExprPtr& expr, const SlotOf& slot_of, Division division);
  static Value eval(const Node& node, std::span<const Value> row);
  static Value eval_binary(const Node& node, std::span<const Value> row);

  NodePtr root_;
};

}  // namespace gpuscale::influxql
