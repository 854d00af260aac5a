// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <limits>

#include "base/ascii.h"
#include "influxql/durations.h"
#include "influxql/parser.h"

namespace gpuscale::influxql {

namespace {

/// Operands and the operators between them, folded by precedence; equal precedence folds to the left.
class OperatorStack {
 public:
  void operand(ExprPtr expr) { operands_.push_back(std::move(expr)); }
  void op(Token token) {
    while (!operators_.empty() && precedence(operators_.back()) >= precedence(token)) fold();
    operators_.push_back(token);
  }
  ExprPtr finish() {
    while (!operators_.empty()) fold();
    return operands_.back();
  }

 private:
  void fold() {
    ExprPtr rhs = std::move(operands_.back());
    operands_.pop_back();
    operands_.back() = make_expr(Binary{operators_.back(), std::move(operands_.back()), std::move(rhs)});
    operators_.pop_back();
  }
  std::vector<ExprPtr> operands_;
  std::vector<Token> operators_;
};

}  // namespace

Result<ExprPtr> Parser::expr() {
  const Deeper deeper(depth_);
  if (depth_ > kMaxDepth) return fail(Errc::kInvalidArgument, "expression nested deeper than 100 levels");
  OperatorStack stack;
  GS_TRY(ExprPtr first, unary());
  stack.operand(std::move(first));
  while (true) {
    const Token op = scan_word().token;
    if (!is_operator(op)) {
      unscan();
      return stack.finish();
    }
    if (++operators_ > kMaxOperators)
      return fail(Errc::kInvalidArgument, "more than 2000 operators in one statement");
    stack.op(op);
    if (op == Token::kEqRegex || op == Token::kNeqRegex) {
      GS_TRY(const PatternPtr pattern, regex());
      if (!pattern) return expected(scan_word(), "regex");
      stack.operand(make_expr(RegexLiteral{pattern}));
    } else {
      GS_TRY(ExprPtr rhs, unary());
      stack.operand(std::move(rhs));
    }
  }
}

Result<ExprPtr> Parser::unary() {
  const Lexeme first = scan_word();
  if (first.token == Token::kLparen) {
    GS_TRY(ExprPtr inner, expr());
    GS_CHECK(expect(Token::kRparen));
    return make_expr(Paren{std::move(inner)});
  }
  return operand(first);
}

Result<ExprPtr> Parser::integer_literal(const Lexeme& lexeme) const {
  const char* first = lexeme.text.data();
  const char* last = first + lexeme.text.size();
  std::int64_t value = 0;
  if (std::from_chars(first, last, value).ec == std::errc()) return make_expr(value);
  std::uint64_t wide = 0;
  if (std::from_chars(first, last, wide).ec == std::errc()) return make_expr(UnsignedLiteral{wide});
  return at("unable to parse integer", lexeme.position);
}

Result<ExprPtr> Parser::operand(const Lexeme& first) {
  switch (first.token) {
    case Token::kIdent: {
      if (scan().token == Token::kLparen) return call(base::to_lower(first.text));
      unscan();
      unscan();
      return var_ref();
    }
    case Token::kDistinct:
      return distinct();
    case Token::kString:
      return make_expr(first.text);
    case Token::kNumber: {
      double value = 0;
      const std::string text = first.text.starts_with('.') ? "0" + first.text : first.text;
      if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) {
        return at("unable to parse number", first.position);
      }
      return make_expr(value);
    }
    case Token::kInteger:
      return integer_literal(first);
    case Token::kTrue:
    case Token::kFalse:
      return make_expr(first.token == Token::kTrue);
    case Token::kDuration: {
      bool overflowed = false;
      const auto value = parse_influx_duration(first.text, overflowed);
      if (!value)
        return fail(Errc::kInvalidArgument, overflowed ? "overflowed duration" : "invalid duration");
      return make_expr(DurationLiteral{*value});
    }
    case Token::kMul:
      return wildcard();
    case Token::kRegex: {
      auto pattern = Pattern::compile(first.text);
      if (!pattern) return at(pattern.error().message(), first.position);
      return make_expr(RegexLiteral{*pattern});
    }
    case Token::kBoundParam:
      if (first.text.size() == 1) return fail(Errc::kInvalidArgument, "empty bound parameter");
      return fail(Errc::kInvalidArgument, "missing parameter: " + first.text.substr(1));
    case Token::kAdd:
    case Token::kSub:
      return signed_operand(first.token);
    default:
      return expected(first, "identifier, string, number, bool");
  }
}

Result<ExprPtr> Parser::signed_operand(Token sign) {
  const Lexeme next = scan_word();
  switch (next.token) {
    case Token::kNumber:
    case Token::kInteger:
    case Token::kDuration:
    case Token::kLparen:
    case Token::kIdent:
      unscan();
      break;
    default:
      return expected(next, "identifier, number, duration, (");
  }
  GS_TRY(ExprPtr value, unary());
  const bool negative = sign == Token::kSub;
  if (const auto* number = as<double>(value)) return make_expr(negative ? -*number : *number);
  if (const auto* integer = as<std::int64_t>(value)) return make_expr(negative ? -*integer : *integer);
  if (const auto* wide = as<UnsignedLiteral>(value)) {
    if (!negative) return value;
    if (wide->value == 1ULL << 63U) return make_expr(std::numeric_limits<std::int64_t>::min());
    return fail(Errc::kInvalidArgument, "constant -" + std::to_string(wide->value) + " underflows int64");
  }
  if (const auto* literal = as<DurationLiteral>(value)) {
    return make_expr(DurationLiteral{negative ? -literal->ns : literal->ns});
  }
  return make_expr(Binary{Token::kMul, make_expr(std::int64_t{negative ? -1 : 1}), std::move(value)});
}

Result<ExprPtr> Parser::distinct() {
  const Lexeme next = scan();
  if (next.token == Token::kLparen) return call("distinct");
  if (next.token != Token::kSpace) return expected(next, "(, identifier");
  GS_TRY(std::string name, ident());
  return make_expr(Distinct{std::move(name)});
}

Result<ExprPtr> Parser::wildcard() {
  if (scan().token != Token::kDoubleColon) {
    unscan();
    return make_expr(Wildcard{});
  }
  const Lexeme kind = scan();
  if (kind.token != Token::kField && kind.token != Token::kTag) return expected(kind, "field, tag");
  return make_expr(Wildcard{kind.token});
}

Result<ExprPtr> Parser::call_argument() {
  GS_TRY(const PatternPtr pattern, regex());
  if (pattern) return make_expr(RegexLiteral{pattern});
  return expr();
}

Result<ExprPtr> Parser::call(std::string name) {
  Call out{std::move(name), {}};
  GS_TRY(const PatternPtr pattern, regex());
  if (pattern) {
    out.args.push_back(make_expr(RegexLiteral{pattern}));
  } else {
    if (scan().token == Token::kRparen) return make_expr(std::move(out));
    unscan();
    GS_TRY(ExprPtr arg, expr());
    out.args.push_back(std::move(arg));
  }
  while (accept(Token::kComma)) {
    GS_TRY(ExprPtr arg, call_argument());
    out.args.push_back(std::move(arg));
    if (++operators_ > kMaxOperators)
      return fail(Errc::kInvalidArgument, "more than 2000 arguments in one statement");
  }
  const Lexeme end = scan();
  if (end.token != Token::kRparen) return expected(end, ")");
  return make_expr(std::move(out));
}

Result<DataType> Parser::cast_type() {
  const Lexeme name = scan();
  if (name.token == Token::kField) return DataType::kAnyField;
  if (name.token == Token::kTag) return DataType::kTag;
  if (name.token == Token::kIdent) {
    for (const DataType type :
         {DataType::kFloat, DataType::kInteger, DataType::kUnsigned, DataType::kString, DataType::kBoolean}) {
      if (base::to_lower(name.text) == to_string(type)) return type;
    }
  }
  return expected(name, "float, integer, unsigned, string, boolean, field, tag");
}

Result<ExprPtr> Parser::var_ref() {
  GS_TRY(const std::vector<std::string> segments, dotted_idents());
  VarRef ref;
  for (const std::string& segment : segments)
    ref.name += (&segment == &segments.front() ? "" : ".") + segment;
  if (scan().token == Token::kDoubleColon) {
    GS_TRY(ref.type, cast_type());
  } else {
    unscan();
  }
  return make_expr(std::move(ref));
}

}  // namespace gpuscale::influxql
