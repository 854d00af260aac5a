// SPDX-License-Identifier: Apache-2.0
#include "influxql/fold.h"

#include <algorithm>
#include <cmath>

#include "base/rfc3339.h"
#include "influxql/math_functions.h"
#include "influxql/wrapping.h"

namespace gpuscale::influxql {

namespace {

bool digits_at(std::string_view text, std::size_t from, std::size_t count) {
  return text.size() >= from + count && std::all_of(text.begin() + static_cast<std::ptrdiff_t>(from),
                                                    text.begin() + static_cast<std::ptrdiff_t>(from + count),
                                                    [](char c) { return c >= '0' && c <= '9'; });
}

bool looks_like_date(std::string_view text) {
  return digits_at(text, 0, 4) && text.size() >= 10 && text[4] == '-' && digits_at(text, 5, 2) &&
         text[7] == '-' && digits_at(text, 8, 2);
}

std::optional<ExprPtr> compare_numbers(Token op, double a, double b) {
  switch (op) {
    case Token::kEq:
      return make_expr(a == b);
    case Token::kNeq:
      return make_expr(a != b);
    case Token::kGt:
      return make_expr(a > b);
    case Token::kGte:
      return make_expr(a >= b);
    case Token::kLt:
      return make_expr(a < b);
    case Token::kLte:
      return make_expr(a <= b);
    default:
      return std::nullopt;
  }
}

std::optional<ExprPtr> compare_integers(Token op, std::int64_t a, std::int64_t b) {
  switch (op) {
    case Token::kEq:
      return make_expr(a == b);
    case Token::kNeq:
      return make_expr(a != b);
    case Token::kGt:
      return make_expr(a > b);
    case Token::kGte:
      return make_expr(a >= b);
    case Token::kLt:
      return make_expr(a < b);
    case Token::kLte:
      return make_expr(a <= b);
    default:
      return std::nullopt;
  }
}

std::optional<ExprPtr> fold_doubles(Token op, double a, double b) {
  switch (op) {
    case Token::kAdd:
      return make_expr(a + b);
    case Token::kSub:
      return make_expr(a - b);
    case Token::kMul:
      return make_expr(a * b);
    case Token::kDiv:
      return make_expr(b == 0 ? 0.0 : a / b);
    case Token::kMod:
      return make_expr(std::fmod(a, b));
    default:
      return compare_numbers(op, a, b);
  }
}

std::optional<ExprPtr> fold_integers(Token op, std::int64_t a, std::int64_t b) {
  switch (op) {
    case Token::kAdd:
      return make_expr(wrap_add(a, b));
    case Token::kSub:
      return make_expr(wrap_sub(a, b));
    case Token::kMul:
      return make_expr(wrap_mul(a, b));
    case Token::kDiv:
      return make_expr(b == 0 ? 0.0 : static_cast<double>(a) / static_cast<double>(b));
    case Token::kMod:
      return make_expr(b == 0 || b == -1 ? std::int64_t{0} : a % b);
    case Token::kBitAnd:
      return make_expr(a & b);
    case Token::kBitOr:
      return make_expr(a | b);
    case Token::kBitXor:
      return make_expr(a ^ b);
    default:
      return compare_integers(op, a, b);
  }
}

std::optional<ExprPtr> fold_durations(Token op, std::int64_t a, std::int64_t b) {
  if (op == Token::kAdd) return make_expr(DurationLiteral{wrap_add(a, b)});
  if (op == Token::kSub) return make_expr(DurationLiteral{wrap_sub(a, b)});
  return compare_integers(op, a, b);
}

std::optional<ExprPtr> fold_booleans(Token op, bool a, bool b) {
  switch (op) {
    case Token::kEq:
      return make_expr(a == b);
    case Token::kNeq:
      return make_expr(a != b);
    case Token::kAnd:
      return make_expr(a && b);
    case Token::kOr:
      return make_expr(a || b);
    case Token::kBitAnd:
      return make_expr(a && b);
    case Token::kBitOr:
      return make_expr(a || b);
    case Token::kBitXor:
      return make_expr(a != b);
    default:
      return std::nullopt;
  }
}

std::optional<ExprPtr> fold_strings(Token op, const std::string& a, const std::string& b) {
  if (op == Token::kEq) return make_expr(a == b);
  if (op == Token::kNeq) return make_expr(a != b);
  if (op == Token::kAdd) return make_expr(a + b);
  return std::nullopt;
}

std::optional<ExprPtr> fold_times(Token op, std::int64_t a, std::int64_t b) {
  if (op == Token::kSub) return make_expr(DurationLiteral{wrap_sub(a, b)});
  return compare_integers(op, a, b);
}

/// Durations stretched by a number.
std::optional<ExprPtr> scale_duration(Token op, std::int64_t duration, double factor) {
  if (op == Token::kMul)
    return make_expr(DurationLiteral{static_cast<std::int64_t>(static_cast<double>(duration) * factor)});
  if (op != Token::kDiv) return std::nullopt;
  if (factor == 0) return make_expr(DurationLiteral{0});
  return make_expr(DurationLiteral{static_cast<std::int64_t>(static_cast<double>(duration) / factor)});
}

std::optional<std::int64_t> as_time(const ExprPtr& expr, const FoldContext& context) {
  if (const auto* time = as<TimeLiteral>(expr)) return time->ns;
  if (const auto* text = as<std::string>(expr)) {
    const auto time = time_literal(*text, context.zone);
    if (time && *time) return **time;
  }
  return std::nullopt;
}

/// `time op duration-or-integer`.
std::optional<ExprPtr> shift_time(Token op, std::int64_t time, std::int64_t by) {
  if (op == Token::kAdd) return make_expr(TimeLiteral{wrap_add(time, by)});
  if (op == Token::kSub) return make_expr(TimeLiteral{wrap_sub(time, by)});
  return std::nullopt;
}

std::optional<ExprPtr> fold_with_time(Token op, const ExprPtr& lhs, const ExprPtr& rhs,
                                      const FoldContext& context) {
  if (is<std::string>(lhs) && is<std::string>(rhs)) return std::nullopt;
  const auto a = as_time(lhs, context);
  const auto b = as_time(rhs, context);
  if (a && b) return fold_times(op, *a, *b);
  const auto span_of = [](const ExprPtr& expr) -> std::optional<std::int64_t> {
    if (const auto* d = as<DurationLiteral>(expr)) return d->ns;
    if (const auto* i = as<std::int64_t>(expr)) return *i;
    return std::nullopt;
  };
  if (a) {
    if (const auto span = span_of(rhs)) return shift_time(op, *a, *span);
  } else if (b && op == Token::kAdd) {
    if (const auto span = span_of(lhs)) return shift_time(op, *b, *span);
  }
  return std::nullopt;
}

std::optional<double> as_number(const ExprPtr& expr) {
  if (const auto* number = as<double>(expr)) return *number;
  if (const auto* integer = as<std::int64_t>(expr)) return static_cast<double>(*integer);
  return std::nullopt;
}

std::optional<ExprPtr> fold_literals(Token op, const ExprPtr& lhs, const ExprPtr& rhs,
                                     const FoldContext& context) {
  const auto* left_integer = as<std::int64_t>(lhs);
  const auto* right_integer = as<std::int64_t>(rhs);
  if (left_integer != nullptr && right_integer != nullptr)
    return fold_integers(op, *left_integer, *right_integer);
  const auto left = as_number(lhs);
  const auto right = as_number(rhs);
  if (left && right) return fold_doubles(op, *left, *right);
  const auto* left_duration = as<DurationLiteral>(lhs);
  const auto* right_duration = as<DurationLiteral>(rhs);
  if (left_duration != nullptr && right_duration != nullptr)
    return fold_durations(op, left_duration->ns, right_duration->ns);
  if (left_duration != nullptr && right) return scale_duration(op, left_duration->ns, *right);
  if (right_duration != nullptr && left && op == Token::kMul)
    return scale_duration(op, right_duration->ns, *left);
  if (const auto folded = fold_with_time(op, lhs, rhs, context)) return folded;
  const auto* left_text = as<std::string>(lhs);
  const auto* right_text = as<std::string>(rhs);
  if (left_text != nullptr && right_text != nullptr) return fold_strings(op, *left_text, *right_text);
  const auto* left_bool = as<bool>(lhs);
  const auto* right_bool = as<bool>(rhs);
  if (left_bool != nullptr && right_bool != nullptr) return fold_booleans(op, *left_bool, *right_bool);
  return std::nullopt;
}

ExprPtr fold_binary(const Binary& binary, const FoldContext& context) {
  ExprPtr lhs = fold(binary.lhs, context);
  ExprPtr rhs = fold(binary.rhs, context);
  if (binary.op == Token::kAnd || binary.op == Token::kOr) {
    const bool winner = binary.op == Token::kOr;  // the literal that decides alone
    for (const ExprPtr* side : {&lhs, &rhs}) {
      const auto* literal = as<bool>(*side);
      if (literal == nullptr) continue;
      if (*literal == winner) return make_expr(winner);
      return side == &lhs ? rhs : lhs;
    }
  }
  if (is_literal(lhs) && is_literal(rhs)) {
    if (auto folded = fold_literals(binary.op, lhs, rhs, context)) return *std::move(folded);
  }
  if (lhs == binary.lhs && rhs == binary.rhs) return nullptr;
  return make_expr(Binary{binary.op, std::move(lhs), std::move(rhs)});
}

ExprPtr fold_call(const Call& call, const FoldContext& context) {
  if (call.name == "now" && call.args.empty()) {
    return context.now ? make_expr(TimeLiteral{base::to_unix_nanos(*context.now)}) : nullptr;
  }
  Call out{call.name, {}};
  bool constant = !call.args.empty();
  for (const ExprPtr& arg : call.args) {
    out.args.push_back(fold(arg, context));
    constant = constant && as_number(out.args.back()).has_value();
  }
  if (constant && is_math_function(call.name)) {
    std::vector<Value> args;
    for (const ExprPtr& arg : out.args) {
      if (const auto* integer = as<std::int64_t>(arg)) {
        args.emplace_back(*integer);
      } else {
        args.emplace_back(*as_number(arg));
      }
    }
    const Value value = math_function(call.name, args);
    if (const auto* number = std::get_if<double>(&value)) return make_expr(*number);
    if (const auto* integer = std::get_if<std::int64_t>(&value)) return make_expr(*integer);
  }
  return make_expr(std::move(out));
}

}  // namespace

bool is_literal(const ExprPtr& expr) {
  return is<double>(expr) || is<std::int64_t>(expr) || is<UnsignedLiteral>(expr) || is<std::string>(expr) ||
         is<bool>(expr) || is<DurationLiteral>(expr) || is<TimeLiteral>(expr) || is<RegexLiteral>(expr) ||
         is<NilLiteral>(expr);
}

std::string_view go_type_name(const ExprPtr& expr) {
  struct Name {
    std::string_view operator()(const VarRef&) const { return "*influxql.VarRef"; }
    std::string_view operator()(const Call&) const { return "*influxql.Call"; }
    std::string_view operator()(const Distinct&) const { return "*influxql.Distinct"; }
    std::string_view operator()(const Binary&) const { return "*influxql.BinaryExpr"; }
    std::string_view operator()(const Paren&) const { return "*influxql.ParenExpr"; }
    std::string_view operator()(const Wildcard&) const { return "*influxql.Wildcard"; }
    std::string_view operator()(const RegexLiteral&) const { return "*influxql.RegexLiteral"; }
    std::string_view operator()(double) const { return "*influxql.NumberLiteral"; }
    std::string_view operator()(std::int64_t) const { return "*influxql.IntegerLiteral"; }
    std::string_view operator()(const UnsignedLiteral&) const { return "*influxql.UnsignedLiteral"; }
    std::string_view operator()(const std::string&) const { return "*influxql.StringLiteral"; }
    std::string_view operator()(bool) const { return "*influxql.BooleanLiteral"; }
    std::string_view operator()(const DurationLiteral&) const { return "*influxql.DurationLiteral"; }
    std::string_view operator()(const TimeLiteral&) const { return "*influxql.TimeLiteral"; }
    std::string_view operator()(const NilLiteral&) const { return "*influxql.NilLiteral"; }
  };
  return std::visit(Name{}, expr->node);
}

Result<std::optional<std::int64_t>> time_literal(std::string_view text, const Zone& zone) {
  if (!looks_like_date(text)) return std::optional<std::int64_t>();
  const auto invalid = [] { return fail(Errc::kInvalidArgument, "invalid timestamp string"); };
  std::string full(text);
  bool local = true;
  if (text.size() == 10) {
    full += "T00:00:00Z";
  } else if (text[10] == ' ') {
    full += 'Z';
    if (!digits_at(text, text.size() - 1, 1) && text.back() != '.') return invalid();
  } else {
    local = false;
    if (text[10] != 'T') return invalid();
  }
  const auto parsed = base::parse_rfc3339(full);
  if (!parsed) return invalid();
  const std::int64_t ns = base::to_unix_nanos(*parsed);
  return std::optional<std::int64_t>(local ? zone.to_utc(ns) : ns);
}

ExprPtr fold(const ExprPtr& expr, const FoldContext& context) {
  if (!expr) return expr;
  if (const auto* binary = as<Binary>(expr)) {
    ExprPtr out = fold_binary(*binary, context);
    return out ? out : expr;
  }
  if (const auto* paren = as<Paren>(expr)) {
    ExprPtr inner = fold(paren->inner, context);
    if (!is<Binary>(inner)) return inner;
    return inner == paren->inner ? expr : make_expr(Paren{std::move(inner)});
  }
  if (const auto* call = as<Call>(expr)) {
    ExprPtr out = fold_call(*call, context);
    return out ? out : expr;
  }
  return expr;
}

}  // namespace gpuscale::influxql
