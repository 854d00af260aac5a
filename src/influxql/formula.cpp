// SPDX-License-Identifier: Apache-2.0
#include "influxql/formula.h"

#include <array>
#include <cmath>

#include "influxql/math_functions.h"

namespace gpuscale::influxql {

struct Formula::Node {
  enum class Kind { kSlot, kLiteral, kBinary, kRegex, kMath } kind = Kind::kLiteral;
  std::size_t slot = 0;
  Value literal;
  std::string text;  // what a literal text or the name of a function refers to
  Token op = Token::kEof;
  bool whole = false;  // integers divide into integers
  PatternPtr pattern;
  std::vector<NodePtr> children;
};

namespace {

bool is_comparison(Token op) {
  return op >= Token::kEq && op <= Token::kGte;
}

template <typename T>
Value compare(Token op, const T& a, const T& b) {
  switch (op) {
    case Token::kEq:
      return a == b;
    case Token::kNeq:
      return a != b;
    case Token::kLt:
      return a < b;
    case Token::kLte:
      return a <= b;
    case Token::kGt:
      return a > b;
    case Token::kGte:
      return a >= b;
    default:
      return {};
  }
}

Value of_doubles(Token op, double a, double b) {
  switch (op) {
    case Token::kAdd:
      return a + b;
    case Token::kSub:
      return a - b;
    case Token::kMul:
      return a * b;
    case Token::kDiv:
      return b == 0 ? 0.0 : a / b;
    case Token::kMod:
      return std::fmod(a, b);
    default:
      return compare(op, a, b);
  }
}

Value of_integers(Token op, std::int64_t a, std::int64_t b) {
  const auto wide = [](std::int64_t v) { return static_cast<std::uint64_t>(v); };
  switch (op) {
    case Token::kAdd:
      return static_cast<std::int64_t>(wide(a) + wide(b));
    case Token::kSub:
      return static_cast<std::int64_t>(wide(a) - wide(b));
    case Token::kMul:
      return static_cast<std::int64_t>(wide(a) * wide(b));
    case Token::kDiv:
      return b == 0 ? 0.0 : static_cast<double>(a) / static_cast<double>(b);
    case Token::kMod:
      return b == 0 || b == -1 ? std::int64_t{0} : a % b;
    case Token::kBitAnd:
      return a & b;
    case Token::kBitOr:
      return a | b;
    case Token::kBitXor:
      return a ^ b;
    default:
      return compare(op, a, b);
  }
}

std::int64_t wrap_negate(std::int64_t value) {
  return static_cast<std::int64_t>(-static_cast<std::uint64_t>(value));
}

Value of_booleans(Token op, bool a, bool b) {
  switch (op) {
    case Token::kAnd:
    case Token::kBitAnd:
      return a && b;
    case Token::kOr:
    case Token::kBitOr:
      return a || b;
    case Token::kBitXor:
    case Token::kNeq:
      return a != b;
    case Token::kEq:
      return a == b;
    default:
      return {};
  }
}

Value of_values(Token op, const Value& a, const Value& b) {
  if (const auto* x = std::get_if<std::int64_t>(&a)) {
    if (const auto* y = std::get_if<std::int64_t>(&b)) return of_integers(op, *x, *y);
    if (const auto* y = std::get_if<double>(&b)) return of_doubles(op, static_cast<double>(*x), *y);
  } else if (const auto* d = std::get_if<double>(&a)) {
    if (const auto* y = std::get_if<double>(&b)) return of_doubles(op, *d, *y);
    if (const auto* y = std::get_if<std::int64_t>(&b)) return of_doubles(op, *d, static_cast<double>(*y));
  } else if (const auto* p = std::get_if<bool>(&a)) {
    if (const auto* q = std::get_if<bool>(&b)) return of_booleans(op, *p, *q);
  } else if (const auto* s = std::get_if<std::string_view>(&a)) {
    if (const auto* t = std::get_if<std::string_view>(&b)) {
      if (op == Token::kEq) return *s == *t;
      if (op == Token::kNeq) return *s != *t;
    }
  }
  // Values that do not go together are neither equal nor unequal.
  if (is_comparison(op)) return false;
  return {};
}

}  // namespace

Formula::NodePtr Formula::build(const ExprPtr& expr, const SlotOf& slot_of, Division division) {
  auto node = std::make_shared<Node>();
  const auto from_slot = [&node](int slot) {
    if (slot >= 0) {
      node->kind = Node::Kind::kSlot;
      node->slot = static_cast<std::size_t>(slot);
    }
    return node;
  };
  if (const auto* paren = as<Paren>(expr)) return build(paren->inner, slot_of, division);
  if (is<VarRef>(expr)) return from_slot(slot_of(expr));
  if (const auto* call = as<Call>(expr)) {
    const int slot = slot_of(expr);
    if (slot != kNotASlot) return from_slot(slot);
    node->kind = Node::Kind::kMath;
    node->text = call->name;
    for (const ExprPtr& arg : call->args) node->children.push_back(build(arg, slot_of, division));
    return node;
  }
  if (const auto* binary = as<Binary>(expr)) {
    node->op = binary->op;
    node->children.push_back(build(binary->lhs, slot_of, division));
    if (const auto* regex = as<RegexLiteral>(binary->rhs)) {
      node->kind = Node::Kind::kRegex;
      node->pattern = regex->pattern;
      return node;
    }
    node->kind = Node::Kind::kBinary;
    node->whole = division == Division::kInteger && binary->op == Token::kDiv;
    node->children.push_back(build(binary->rhs, slot_of, division));
    return node;
  }
  if (const auto* number = as<double>(expr)) {
    node->literal = *number;
  } else if (const auto* integer = as<std::int64_t>(expr)) {
    node->literal = *integer;
  } else if (const auto* wide = as<UnsignedLiteral>(expr)) {
    node->literal = static_cast<double>(wide->value);
  } else if (const auto* flag = as<bool>(expr)) {
    node->literal = *flag;
  } else if (const auto* duration = as<DurationLiteral>(expr)) {
    node->literal = duration->ns;
  } else if (const auto* text = as<std::string>(expr)) {
    node->text = *text;
    node->literal = std::string_view(node->text);
  }
  return node;
}

Formula Formula::compile(const ExprPtr& expr, const SlotOf& slot_of, Division division) {
  Formula out;
  out.root_ = build(expr, slot_of, division);
  return out;
}

Value Formula::eval_binary(const Node& node, std::span<const Value> row) {
  const Value lhs = eval(*node.children[0], row);
  const Value rhs = eval(*node.children[1], row);
  if (node.whole) {
    const auto* a = std::get_if<std::int64_t>(&lhs);
    const auto* b = std::get_if<std::int64_t>(&rhs);
    if (a != nullptr && b != nullptr) return *b == 0 ? 0 : *b == -1 ? wrap_negate(*a) : *a / *b;
  }
  return of_values(node.op, lhs, rhs);
}

Value Formula::eval(const Node& node, std::span<const Value> row) {
  switch (node.kind) {
    case Node::Kind::kSlot:
      return row[node.slot];
    case Node::Kind::kLiteral:
      return node.literal;
    case Node::Kind::kBinary:
      return eval_binary(node, row);
    case Node::Kind::kRegex: {
      const Value subject = eval(*node.children[0], row);
      const auto* text = std::get_if<std::string_view>(&subject);
      if (text == nullptr) return false;
      return node.pattern->matches(*text) == (node.op == Token::kEqRegex);
    }
    case Node::Kind::kMath: {
      std::array<Value, 2> args;
      for (std::size_t i = 0; i < node.children.size() && i < args.size(); ++i)
        args[i] = eval(*node.children[i], row);
      return math_function(node.text,
                           std::span<const Value>(args.data(), std::min(node.children.size(), args.size())));
    }
  }
  return {};
}

Value Formula::eval(std::span<const Value> row) const {
  return eval(*root_, row);
}

bool Formula::holds(std::span<const Value> row) const {
  const Value value = eval(row);
  const auto* flag = std::get_if<bool>(&value);
  return flag != nullptr && *flag;
}

}  // namespace gpuscale::influxql
