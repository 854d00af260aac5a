// SPDX-License-Identifier: Apache-2.0
#include "influxql/condition.h"

#include <algorithm>
#include <cmath>

#include "base/rfc3339.h"

namespace gpuscale::influxql {

namespace {

Token mirrored(Token op) {
  switch (op) {
    case Token::kGt:
      return Token::kLt;
    case Token::kGte:
      return Token::kLte;
    case Token::kLt:
      return Token::kGt;
    case Token::kLte:
      return Token::kGte;
    default:
      return op;
  }
}

Result<std::int64_t> bound_of(ExprPtr rhs, const FoldContext& context) {
  if (const auto* text = as<std::string>(rhs)) {
    GS_TRY(const auto time, time_literal(*text, context.zone));
    if (time) rhs = make_expr(TimeLiteral{*time});
  }
  rhs = fold(rhs, context);
  if (const auto* time = as<TimeLiteral>(rhs)) {
    const auto shown = [&] { return "time " + base::format_rfc3339(base::from_unix_nanos(time->ns)); };
    if (time->ns > kMaxTime) return fail(Errc::kInvalidArgument, shown() + " overflows time literal");
    if (time->ns < kMinTime + 1) return fail(Errc::kInvalidArgument, shown() + " underflows time literal");
    return time->ns;
  }
  if (const auto* duration = as<DurationLiteral>(rhs)) return duration->ns;
  if (const auto* integer = as<std::int64_t>(rhs)) return *integer;
  if (const auto* number = as<double>(rhs)) {
    constexpr double kEdge = 9.2e18;
    return static_cast<std::int64_t>(std::isnan(*number) ? 0 : std::clamp(*number, -kEdge, kEdge));
  }
  return fail(Errc::kInvalidArgument,
              "invalid operation: time and " + std::string(go_type_name(rhs)) + " are not compatible");
}

Result<TimeBounds> bounds_of(Token op, const ExprPtr& rhs, const FoldContext& context) {
  GS_TRY(const std::int64_t value, bound_of(rhs, context));
  TimeBounds out;
  switch (op) {
    case Token::kGt:
      out.min = value == kMaxTime + 1 ? value : value + 1;
      break;
    case Token::kGte:
      out.min = value;
      break;
    case Token::kLt:
      out.max = value < kMinTime ? value : value - 1;
      break;
    case Token::kLte:
      out.max = value;
      break;
    case Token::kEq:
      out.min = value;
      out.max = value;
      break;
    default:
      return fail(Errc::kInvalidArgument, "invalid time comparison operator: " + std::string(to_string(op)));
  }
  return out;
}

}  // namespace

void TimeBounds::intersect(const TimeBounds& other) {
  if (other.min) min = min ? std::max(*min, *other.min) : *other.min;
  if (other.max) max = max ? std::min(*max, *other.max) : *other.max;
}

bool is_time(const ExprPtr& expr) {
  const auto* ref = as<VarRef>(expr);
  if (ref == nullptr || ref->name.size() != 4) return false;
  const std::string_view wanted = "time";
  return std::equal(wanted.begin(), wanted.end(), ref->name.begin(),
                    [](char a, char b) { return a == b || (b >= 'A' && b <= 'Z' && a == b - 'A' + 'a'); });
}

Result<Condition> split_condition(const ExprPtr& where, const FoldContext& context) {
  Condition out;
  if (!where) return out;
  if (const auto* binary = as<Binary>(where)) {
    if (binary->op == Token::kAnd || binary->op == Token::kOr) {
      GS_TRY(Condition left, split_condition(binary->lhs, context));
      GS_TRY(Condition right, split_condition(binary->rhs, context));
      // InfluxDB intersects the ranges of an OR as well.
      out.time = left.time;
      out.time.intersect(right.time);
      if (!left.filter || !right.filter) {
        out.filter = left.filter ? left.filter : right.filter;
      } else {
        out.filter = fold(make_expr(Binary{binary->op, left.filter, right.filter}), {});
      }
      return out;
    }
    if (is_time(binary->lhs)) {
      GS_TRY(out.time, bounds_of(binary->op, binary->rhs, context));
    } else if (is_time(binary->rhs)) {
      GS_TRY(out.time, bounds_of(mirrored(binary->op), binary->lhs, context));
    } else {
      out.filter = fold(where, context);
    }
    return out;
  }
  if (const auto* paren = as<Paren>(where)) {
    GS_TRY(out, split_condition(paren->inner, context));
    if (out.filter) out.filter = fold(make_expr(Paren{out.filter}), {});
    return out;
  }
  if (is<bool>(where)) {
    out.filter = where;
    return out;
  }
  return fail(Errc::kInvalidArgument, "invalid condition expression: " + print(where));
}

}  // namespace gpuscale::influxql
