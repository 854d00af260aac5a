// SPDX-License-Identifier: Apache-2.0
#include "alert/condition.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/duration.h"

namespace gpuscale::alert {
namespace {

using Kind = Condition::Kind;

std::string number_text(double value) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

std::string_view symbol_of(Kind kind) {
  switch (kind) {
    case Kind::kAdd:
      return " + ";
    case Kind::kSubtract:
      return " - ";
    case Kind::kMultiply:
      return " * ";
    case Kind::kDivide:
      return " / ";
    case Kind::kAnd:
      return " and ";
    default:
      return " or ";
  }
}

std::string_view relation_text(Relation relation) {
  switch (relation) {
    case Relation::kAbove:
      return ">";
    case Relation::kAtLeast:
      return ">=";
    case Relation::kBelow:
      return "<";
    case Relation::kAtMost:
      return "<=";
    case Relation::kEqual:
      return "==";
    case Relation::kNotEqual:
      return "!=";
    case Relation::kInside:
      return "inside";
    case Relation::kOutside:
      return "outside";
    case Relation::kAbsent:
      return "is absent";
  }
  return "?";
}

/// In brackets where it consists of parts that an operator beside it could take away.
std::string operand_text(const Condition& operand) {
  const bool whole = operand.kind == Kind::kLiteral || operand.kind == Kind::kFact ||
                     operand.kind == Kind::kReduction || operand.kind == Kind::kTest;
  return whole ? to_text(operand) : '(' + to_text(operand) + ')';
}

void collect(const Condition& condition, std::vector<const Reduction*>& out) {
  if (condition.kind == Kind::kReduction) out.push_back(&condition.reduction);
  for (const Condition& operand : condition.operands) collect(operand, out);
}

void collect_facts(const Condition& condition, std::vector<std::string>& out) {
  if (condition.kind == Kind::kFact && std::find(out.begin(), out.end(), condition.fact) == out.end()) {
    out.push_back(condition.fact);
  }
  for (const Condition& operand : condition.operands) collect_facts(operand, out);
}

}  // namespace

bool passes(const Comparison& test, std::optional<double> value) {
  if (test.relation == Relation::kAbsent) return !value;
  if (!value) return false;
  switch (test.relation) {
    case Relation::kAbove:
      return *value > test.low;
    case Relation::kAtLeast:
      return *value >= test.low;
    case Relation::kBelow:
      return *value < test.low;
    case Relation::kAtMost:
      return *value <= test.low;
    case Relation::kEqual:
      return *value == test.low;
    case Relation::kNotEqual:
      return *value != test.low;
    case Relation::kInside:
      return *value > std::min(test.low, test.high) && *value < std::max(test.low, test.high);
    case Relation::kOutside:
      return *value < std::min(test.low, test.high) || *value > std::max(test.low, test.high);
    case Relation::kAbsent:
      break;
  }
  return false;
}

std::string to_text(const Reduction& reduction) {
  std::string out(to_string(reduction.reducer));
  out += '(' + reduction.query + ", ";
  if (reduction.reducer == Reducer::kPercentile) out += number_text(reduction.percent) + ", ";
  out += base::format_duration(reduction.window);
  if (reduction.delay > Nanos{0}) out += ", " + base::format_duration(reduction.delay);
  return out + ')';
}

std::string test_text(const Condition& test) {
  std::string out(relation_text(test.relation));
  if (test.relation == Relation::kAbsent) return out;
  if (test.operands.size() == 2) return out + ' ' + operand_text(test.operands[1]);
  return out + " (" + to_text(test.operands[1]) + ", " + to_text(test.operands[2]) + ')';
}

std::string to_text(const Condition& condition) {
  switch (condition.kind) {
    case Kind::kLiteral:
      return number_text(condition.literal);
    case Kind::kFact:
      return condition.fact;
    case Kind::kReduction:
      return to_text(condition.reduction);
    case Kind::kNegate:
      return '-' + operand_text(condition.operands.front());
    case Kind::kNot:
      return "not (" + to_text(condition.operands.front()) + ')';
    case Kind::kTest:
      return operand_text(condition.operands.front()) + ' ' + test_text(condition);
    default:
      break;
  }
  std::string out;
  for (const Condition& operand : condition.operands) {
    if (!out.empty()) out += symbol_of(condition.kind);
    out += operand_text(operand);
  }
  return out;
}

std::vector<const Reduction*> reductions_of(const Condition& condition) {
  std::vector<const Reduction*> out;
  collect(condition, out);
  return out;
}

std::vector<std::string> facts_of(const Condition& condition) {
  std::vector<std::string> out;
  collect_facts(condition, out);
  return out;
}

}  // namespace gpuscale::alert
