// SPDX-License-Identifier: Apache-2.0
#include "influxql/select_check.h"

#include <algorithm>
#include <array>

#include "base/floor_division.h"
#include "influxql/durations.h"
#include "influxql/math_functions.h"
#include "influxql/transforms.h"

namespace gpuscale::influxql {

namespace {

Error invalid(std::string message) {
  return fail(Errc::kInvalidArgument, std::move(message));
}

std::string count_error(std::string_view name, std::string_view wanted, std::size_t got) {
  return "invalid number of arguments for " + std::string(name) + ", expected " + std::string(wanted) +
         ", got " + std::to_string(got);
}

/// InfluxDB 1.6.7 shows numbers in these messages with three digits.
std::string shown(const ExprPtr& expr) {
  if (const auto* number = as<double>(expr)) {
    std::array<char, 400> buffer{};
    const int length = std::snprintf(buffer.data(), buffer.size(), "%.3f", *number);
    return {buffer.data(), static_cast<std::size_t>(std::max(length, 0))};
  }
  return print(expr);
}

ExprPtr without_distinct(const ExprPtr& expr) {
  return rewrite(expr, [](const ExprPtr& node) -> ExprPtr {
    const auto* distinct = as<Distinct>(node);
    return distinct == nullptr ? nullptr : make_expr(Call{"distinct", {make_expr(VarRef{distinct->name})}});
  });
}

class Checker {
 public:
  Checker(std::int64_t own_every_ns, std::int64_t outer_every_ns, std::int64_t limit)
      : own_every_ns_(own_every_ns),
        every_ns_(own_every_ns != 0 ? own_every_ns : outer_every_ns),
        limit_(limit) {}

  Result<void> field(const ExprPtr& expr) {
    wildcards_allowed_ = true;
    return any(expr);
  }
  Result<void> whole(const SelectStatement& statement) const;

 private:
  Result<void> any(const ExprPtr& expr);
  Result<void> binary(const Binary& node);
  Result<void> call(const Call& node);
  Result<void> math(const Call& node);
  Result<void> aggregate(const Call& node);
  Result<void> percentile(const Call& node);
  Result<void> sample(const Call& node);
  Result<void> distinct(const Call& node, bool nested);
  Result<void> top_bottom(const Call& node);
  Result<void> transformation(const Call& node);
  Result<void> transformation_arguments(const Call& node) const;
  Result<void> indicator_arguments(const Call& node) const;
  Result<void> unit_argument(const Call& node) const;
  Result<void> integral(const Call& node);
  Result<void> nested(const ExprPtr& expr);
  Result<void> symbol(std::string_view name, const ExprPtr& expr);

  std::int64_t own_every_ns_;
  std::int64_t every_ns_;  // own, else the outer statement's
  std::int64_t limit_;
  bool wildcards_allowed_ = true;
  bool auxiliary_ = false;
  bool only_selectors_ = true;
  bool has_distinct_ = false;
  std::size_t calls_ = 0;
  std::string top_bottom_;
};

Result<void> Checker::any(const ExprPtr& expr) {
  if (is<VarRef>(expr)) {
    auxiliary_ = true;
    return {};
  }
  if (is<Wildcard>(expr) || is<RegexLiteral>(expr)) {
    if (!wildcards_allowed_) {
      return invalid(is<Wildcard>(expr) ? "unable to use wildcard in a binary expression"
                                        : "unable to use regex in a binary expression");
    }
    auxiliary_ = true;
    return {};
  }
  if (const auto* node = as<Call>(expr)) return is_math_function(node->name) ? math(*node) : call(*node);
  if (const auto* node = as<Binary>(expr)) return binary(*node);
  if (const auto* node = as<Paren>(expr)) return any(node->inner);
  return invalid("field must contain at least one variable");
}

Result<void> Checker::binary(const Binary& node) {
  wildcards_allowed_ = false;
  const bool left = is_literal(node.lhs);
  const bool right = is_literal(node.rhs);
  if (left && right) return invalid("cannot perform a binary expression on two literals");
  if (!left) GS_CHECK(any(node.lhs));
  if (!right) GS_CHECK(any(node.rhs));
  return {};
}

Result<void> Checker::call(const Call& node) {
  ++calls_;
  if (node.name == "percentile") return percentile(node);
  if (node.name == "sample") return sample(node);
  if (node.name == "distinct") return distinct(node, false);
  if (node.name == "top" || node.name == "bottom") return top_bottom(node);
  if (node.name == "integral") return integral(node);
  constexpr std::array<std::string_view, 9> kTransformations = {
      "derivative",           "non_negative_derivative", "difference", "non_negative_difference",
      "cumulative_sum",       "moving_average",          "elapsed",    "holt_winters",
      "holt_winters_with_fit"};
  const bool known =
      std::find(kTransformations.begin(), kTransformations.end(), node.name) != kTransformations.end();
  if (known || is_indicator(node.name)) return transformation(node);
  return aggregate(node);
}

Result<void> Checker::math(const Call& node) {
  const std::size_t wanted = math_arguments(node.name);
  if (node.args.size() != wanted) {
    return invalid(count_error(node.name, std::to_string(wanted), node.args.size()));
  }
  for (const ExprPtr& arg : node.args) {
    if (!is_literal(arg)) GS_CHECK(any(arg));
  }
  return {};
}

Result<void> Checker::aggregate(const Call& node) {
  constexpr std::array<std::string_view, 4> kSelectors = {"max", "min", "first", "last"};
  constexpr std::array<std::string_view, 7> kAggregates = {"count", "sum",    "mean",  "median",
                                                           "mode",  "stddev", "spread"};
  if (std::find(kSelectors.begin(), kSelectors.end(), node.name) == kSelectors.end()) {
    if (std::find(kAggregates.begin(), kAggregates.end(), node.name) == kAggregates.end()) {
      return invalid("undefined function " + node.name + "()");
    }
    only_selectors_ = false;
  }
  if (node.args.size() != 1) return invalid(count_error(node.name, "1", node.args.size()));
  const auto* inner = as<Call>(node.args.front());
  if (node.name == "count" && inner != nullptr && inner->name == "distinct") return distinct(*inner, true);
  return symbol(node.name, node.args.front());
}

Result<void> Checker::percentile(const Call& node) {
  if (node.args.size() != 2) return invalid(count_error("percentile", "2", node.args.size()));
  if (!is<std::int64_t>(node.args[1]) && !is<double>(node.args[1])) {
    return invalid("expected float argument in percentile()");
  }
  return symbol("percentile", node.args.front());
}

Result<void> Checker::sample(const Call& node) {
  if (node.args.size() != 2) return invalid(count_error("sample", "2", node.args.size()));
  const auto* size = as<std::int64_t>(node.args[1]);
  if (size == nullptr) return invalid("expected integer argument in sample()");
  if (*size <= 0) return invalid("sample window must be greater than 1, got " + std::to_string(*size));
  return symbol("sample", node.args.front());
}

Result<void> Checker::distinct(const Call& node, bool is_nested) {
  if (node.args.empty()) return invalid("distinct function requires at least one argument");
  if (node.args.size() != 1) return invalid("distinct function can only have one argument");
  if (!is<VarRef>(node.args.front())) return invalid("expected field argument in distinct()");
  if (!is_nested) has_distinct_ = true;
  only_selectors_ = false;
  return {};
}

Result<void> Checker::top_bottom(const Call& node) {
  if (!top_bottom_.empty()) {
    return invalid("selector function " + top_bottom_ + "() cannot be combined with other functions");
  }
  if (node.args.size() < 2) return invalid(count_error(node.name, "at least 2", node.args.size()));
  const auto* count = as<std::int64_t>(node.args.back());
  if (count == nullptr) {
    return invalid("expected integer as last argument in " + node.name + "(), found " +
                   shown(node.args.back()));
  }
  if (*count <= 0) {
    return invalid("limit (" + std::to_string(*count) + ") in " + node.name + " function must be at least 1");
  }
  if (limit_ > 0 && *count > limit_) {
    return invalid("limit (" + std::to_string(*count) + ") in " + node.name +
                   " function can not be larger than the LIMIT (" + std::to_string(limit_) +
                   ") in the select statement");
  }
  if (!is<VarRef>(node.args.front())) {
    return invalid("expected first argument to be a field in " + node.name + "(), found " +
                   shown(node.args.front()));
  }
  for (std::size_t i = 1; i + 1 < node.args.size(); ++i) {
    if (!is<VarRef>(node.args[i])) {
      return invalid("only fields or tags are allowed in " + node.name + "(), found " + shown(node.args[i]));
    }
  }
  top_bottom_ = node.name;
  return {};
}

Result<void> Checker::unit_argument(const Call& node) const {
  if (node.args.size() < 2) return {};
  if (const auto* unit = as<DurationLiteral>(node.args[1])) {
    if (unit->ns > 0) return {};
    return invalid("duration argument must be positive, got " + print_influx_duration(unit->ns));
  }
  return invalid("second argument to " + node.name + " must be a duration, got " +
                 std::string(go_type_name(node.args[1])));
}

Result<void> Checker::indicator_arguments(const Call& node) const {
  const std::size_t got = node.args.size();
  const std::size_t most = node.name.starts_with("kaufmans") ? 3 : 4;
  if (got < 2 || got > most) {
    return invalid(count_error(node.name, "at least 2 but no more than " + std::to_string(most), got));
  }
  const auto* period = as<std::int64_t>(node.args[1]);
  if (period == nullptr) return invalid(node.name + " period must be an integer");
  if (*period < 1) return invalid(node.name + " period must be greater than or equal to 1");
  return {};
}

Result<void> Checker::transformation_arguments(const Call& node) const {
  const std::size_t got = node.args.size();
  if (is_indicator(node.name)) return indicator_arguments(node);
  if (node.name.starts_with("holt_winters")) {
    if (got != 3) return invalid(count_error(node.name, "3", got));
    const auto* count = as<std::int64_t>(node.args[1]);
    if (count == nullptr) return invalid("expected integer argument as second arg in " + node.name);
    if (*count <= 0) {
      return invalid("second arg to " + node.name + " must be greater than 0, got " + std::to_string(*count));
    }
    const auto* season = as<std::int64_t>(node.args[2]);
    if (season == nullptr) return invalid("expected integer argument as third arg in " + node.name);
    if (*season < 0) {
      return invalid("third arg to " + node.name + " cannot be negative, got " + std::to_string(*season));
    }
    if (!is<Call>(node.args.front())) return invalid("must use aggregate function with " + node.name);
    return {};
  }
  if (node.name == "moving_average") {
    if (got != 2) return invalid(count_error(node.name, "2", got));
    const auto* window = as<std::int64_t>(node.args[1]);
    if (window == nullptr) {
      return invalid("second argument for moving_average must be an integer, got " +
                     std::string(go_type_name(node.args[1])));
    }
    if (*window <= 1)
      return invalid("moving_average window must be greater than 1, got " + std::to_string(*window));
    return {};
  }
  if (node.name.ends_with("derivative") || node.name == "elapsed") {
    if (got < 1 || got > 2) return invalid(count_error(node.name, "at least 1 but no more than 2", got));
    return unit_argument(node);
  }
  if (got != 1) return invalid(count_error(node.name, "1", got));
  return {};
}

Result<void> Checker::transformation(const Call& node) {
  GS_CHECK(transformation_arguments(node));
  only_selectors_ = false;
  const ExprPtr& input = node.args.front();
  if (is<Call>(input)) {
    if (every_ns_ == 0) return invalid(node.name + " aggregate requires a GROUP BY interval");
    return nested(input);
  }
  if (own_every_ns_ != 0) return invalid("aggregate function required inside the call to " + node.name);
  return symbol(node.name, input);
}

Result<void> Checker::integral(const Call& node) {
  const std::size_t got = node.args.size();
  if (got < 1 || got > 2) return invalid(count_error(node.name, "at least 1 but no more than 2", got));
  if (got == 2) {
    const auto* unit = as<DurationLiteral>(node.args[1]);
    if (unit == nullptr) return invalid("second argument must be a duration");
    GS_CHECK(unit_argument(node));
  }
  only_selectors_ = false;
  return symbol(node.name, node.args.front());
}

Result<void> Checker::nested(const ExprPtr& expr) {
  const auto* inner = as<Call>(expr);
  if (inner != nullptr && inner->name == "distinct") return distinct(*inner, true);
  return any(expr);
}

Result<void> Checker::symbol(std::string_view name, const ExprPtr& expr) {
  if (is<VarRef>(expr)) return {};
  if (is<Wildcard>(expr) || is<RegexLiteral>(expr)) {
    if (!wildcards_allowed_) {
      return invalid(std::string("unsupported expression with ") +
                     (is<Wildcard>(expr) ? "wildcard" : "regex field") + ": " + std::string(name) + "()");
    }
    only_selectors_ = false;
    return {};
  }
  return invalid("expected field argument in " + std::string(name) + "()");
}

Result<void> Checker::whole(const SelectStatement& statement) const {
  if (statement.fields.empty()) return invalid("at least 1 non-time field must be queried");
  if (calls_ > 1 && !top_bottom_.empty()) {
    return invalid("selector function " + top_bottom_ + "() cannot be combined with other functions");
  }
  if (calls_ == 0) {
    if (statement.fill == Fill::kNone) return invalid("fill(none) must be used with a function");
    if (statement.fill == Fill::kLinear) return invalid("fill(linear) must be used with a function");
    if (own_every_ns_ != 0) return invalid("GROUP BY requires at least one aggregate function");
  }
  if (has_distinct_ && (calls_ != 1 || auxiliary_)) {
    return invalid("aggregate function distinct() cannot be combined with other functions or fields");
  }
  if (auxiliary_) {
    if (!only_selectors_) return invalid("mixing aggregate and non-aggregate queries is not supported");
    if (calls_ > 1) return invalid("mixing multiple selector functions with tags or fields is not supported");
  }
  return {};
}

Result<void> check_filter(const ExprPtr& expr) {
  if (const auto* binary = as<Binary>(expr)) {
    GS_CHECK(check_filter(binary->lhs));
    return check_filter(binary->rhs);
  }
  if (const auto* paren = as<Paren>(expr)) return check_filter(paren->inner);
  const auto* call = as<Call>(expr);
  if (call == nullptr) return {};
  if (!is_math_function(call->name)) return invalid("invalid function call in condition: " + print(expr));
  const std::size_t wanted = math_arguments(call->name);
  if (call->args.size() != wanted) {
    return invalid(count_error(call->name, std::to_string(wanted), call->args.size()));
  }
  for (const ExprPtr& arg : call->args) GS_CHECK(check_filter(arg));
  return {};
}

struct Outer {
  bool ascending;
  std::int64_t every_ns;
};

Result<CheckedSelect> check(const SelectStatement& statement, WallTime now, const Outer* outer) {
  CheckedSelect out{statement, {}, {}};
  SelectStatement& s = out.statement;
  GS_TRY(out.condition, split_condition(statement.condition, {now, Zone(statement.zone)}));
  GS_CHECK(check_filter(out.condition.filter));
  GS_TRY(out.interval, group_interval(statement.dimensions, now));
  if (outer != nullptr && !statement.sort.empty() && statement.ascending() != outer->ascending) {
    return invalid("subqueries must be ordered in the same direction as the query itself");
  }
  const std::int64_t outer_every = outer == nullptr ? 0 : outer->every_ns;
  Checker checker(out.interval.every_ns, outer_every, statement.limit);
  s.fields.clear();
  for (const Field& field : statement.fields) {
    const auto* ref = as<VarRef>(field.expr);
    if (ref != nullptr && ref->name == "time") {
      if (!field.alias.empty()) s.time_alias = field.alias;
      continue;
    }
    const Field ready{fold(without_distinct(field.expr), {}), field.alias};
    GS_CHECK(checker.field(ready.expr));
    s.fields.push_back(ready);
    s.raw = s.raw && !is<Distinct>(field.expr);
  }
  GS_CHECK(checker.whole(s));
  const Outer here{outer == nullptr ? statement.ascending() : outer->ascending,
                   out.interval.every_ns != 0 ? out.interval.every_ns : outer_every};
  for (Source& source : s.sources) {
    if (!source.subquery) continue;
    GS_TRY(CheckedSelect inner, check(*source.subquery, now, &here));
    source.subquery = std::make_shared<const SelectStatement>(std::move(inner.statement));
  }
  return out;
}

Result<std::int64_t> interval_offset(const ExprPtr& arg, std::int64_t every, WallTime now) {
  if (const auto* duration = as<DurationLiteral>(arg)) return duration->ns % every;
  if (const auto* call = as<Call>(arg)) {
    if (call->name != "now") return invalid("time dimension offset function must be now()");
    if (!call->args.empty()) return invalid("time dimension offset now() function requires no arguments");
    return base::floor_rest(base::to_unix_nanos(now), every);
  }
  if (const auto* text = as<std::string>(arg)) {
    GS_TRY(const auto time, time_literal(*text, Zone()));
    // Observed on 1.6.7: accepted by its check, refused when it runs.
    if (time) return invalid("invalid time dimension offset: " + quote_string(*text));
  }
  return invalid("time dimension offset must be duration or now()");
}

}  // namespace

Result<GroupInterval> group_interval(const std::vector<ExprPtr>& dimensions, WallTime now) {
  GroupInterval out;
  for (const ExprPtr& raw : dimensions) {
    const ExprPtr dimension = fold(raw, {});
    if (is_time(dimension)) return invalid("time() is a function and expects at least one argument");
    if (is<VarRef>(dimension) || is<Wildcard>(dimension) || is<RegexLiteral>(dimension)) continue;
    const auto* call = as<Call>(dimension);
    if (call == nullptr) return invalid("only time and tag dimensions allowed");
    if (call->name != "time") return invalid("only time() calls allowed in dimensions");
    if (call->args.empty() || call->args.size() > 2)
      return invalid("time dimension expected 1 or 2 arguments");
    const auto* every = as<DurationLiteral>(call->args[0]);
    if (every == nullptr) return invalid("time dimension must have duration argument");
    if (out.every_ns != 0) return invalid("multiple time dimensions not allowed");
    if (every->ns < 0) return invalid("time dimension must have a positive duration");
    out.every_ns = every->ns;
    if (call->args.size() == 2 && every->ns != 0) {
      GS_TRY(out.offset_ns, interval_offset(call->args[1], every->ns, now));
    }
  }
  return out;
}

bool is_selector(std::string_view function) {
  constexpr std::array<std::string_view, 8> kSelectors = {"first",  "last",       "max",    "min",
                                                          "bottom", "percentile", "sample", "top"};
  return std::find(kSelectors.begin(), kSelectors.end(), function) != kSelectors.end();
}

Result<CheckedSelect> check_select(const SelectStatement& statement, WallTime now) {
  return check(statement, now, nullptr);
}

}  // namespace gpuscale::influxql
