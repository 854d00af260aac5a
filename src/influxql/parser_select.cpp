// SPDX-License-Identifier: Apache-2.0
#include "base/ascii.h"
#include "influxql/parser.h"
#include "influxql/zone.h"

namespace gpuscale::influxql {

namespace {

/// The first operator that only WHERE may have, in the order in which InfluxDB looks; kEof where there is
/// none.
Token condition_operator(const ExprPtr& expr) {
  Token found = Token::kEof;
  walk(expr, [&found](const ExprPtr& node) {
    const auto* binary = as<Binary>(node);
    if (found == Token::kEof && binary != nullptr && precedence(binary->op) <= 3) found = binary->op;
  });
  return found;
}

}  // namespace

Result<SelectStatement> Parser::select(Target rule) {
  const Deeper deeper(depth_);
  if (depth_ > kMaxDepth) return fail(Errc::kInvalidArgument, "statement nested deeper than 100 levels");
  SelectStatement out;
  GS_TRY(out.fields, fields());
  GS_TRY(out.target, target(rule));
  GS_CHECK(expect(Token::kFrom));
  GS_TRY(out.sources, sources(true));
  GS_TRY(out.condition, condition());
  GS_TRY(out.dimensions, dimensions());
  GS_CHECK(fill(out));
  GS_TRY(out.sort, order_by());
  GS_CHECK(limits(out, true));
  GS_TRY(out.zone, zone());
  for (const Field& one : out.fields) {
    walk(one.expr, [&out](const ExprPtr& node) { out.raw = out.raw && !is<Call>(node); });
  }
  return out;
}

Result<std::vector<Field>> Parser::fields() {
  std::vector<Field> out;
  do {
    GS_TRY(Field one, field());
    out.push_back(std::move(one));
    if (out.size() > kMaxIdents)
      return fail(Errc::kInvalidArgument, "more than 10000 fields in one statement");
  } while (accept(Token::kComma));
  return out;
}

Result<Field> Parser::field() {
  Field out;
  GS_TRY(const PatternPtr pattern, regex());
  if (pattern) {
    out.expr = make_expr(RegexLiteral{pattern});
  } else {
    const Position start = scan_word().position;
    unscan();
    GS_TRY(out.expr, expr());
    if (const Token bad = condition_operator(out.expr); bad != Token::kEof) {
      Error error = at("invalid operator " + std::string(to_string(bad)) + " in SELECT clause", start);
      return fail(Errc::kInvalidArgument, error.message() + "; operator is intended for WHERE clause");
    }
  }
  if (accept(Token::kAs)) {
    GS_TRY(out.alias, ident());
  }
  return out;
}

Result<std::optional<Measurement>> Parser::target(Target rule) {
  const Lexeme next = scan_word();
  if (next.token != Token::kInto || rule == Target::kRefused) {
    if (rule == Target::kRequired) return expected(next, "INTO");
    unscan();
    return std::optional<Measurement>();
  }
  GS_TRY(std::vector<std::string> idents, dotted_idents());
  if (idents.size() < 3) {
    if (scan().token == Token::kColon) {
      GS_CHECK(expect(Token::kMeasurement));
      idents.emplace_back();
    } else {
      unscan();
    }
  }
  Measurement out;
  out.name = idents.back();
  if (idents.size() > 1) out.policy = idents[idents.size() - 2];
  if (idents.size() > 2) out.database = idents.front();
  return std::optional<Measurement>(std::move(out));
}

Result<std::vector<Source>> Parser::sources(bool subqueries) {
  std::vector<Source> out;
  do {
    GS_TRY(Source one, source(subqueries));
    out.push_back(std::move(one));
    if (out.size() > kMaxIdents)
      return fail(Errc::kInvalidArgument, "more than 10000 sources in one statement");
  } while (accept(Token::kComma));
  return out;
}

Result<Source> Parser::source(bool subqueries) {
  Source out;
  Measurement& m = out.measurement;
  GS_TRY(m.pattern, regex());
  if (m.pattern) return out;
  if (subqueries && accept(Token::kLparen)) {
    GS_CHECK(expect(Token::kSelect));
    GS_TRY(SelectStatement inner, select(Target::kRefused));
    GS_CHECK(expect(Token::kRparen));
    out.subquery = std::make_shared<const SelectStatement>(std::move(inner));
    return out;
  }
  GS_TRY(std::vector<std::string> idents, dotted_idents());
  if (idents.size() < 3) {
    GS_TRY(m.pattern, regex());
  }
  if (m.pattern) idents.emplace_back();
  m.name = idents.back();
  if (idents.size() > 1) m.policy = idents[idents.size() - 2];
  if (idents.size() > 2) m.database = idents.front();
  return out;
}

Result<ExprPtr> Parser::condition() {
  if (!accept(Token::kWhere)) return ExprPtr();
  return expr();
}

Result<std::vector<ExprPtr>> Parser::dimensions() {
  std::vector<ExprPtr> out;
  if (!accept(Token::kGroup)) return out;
  GS_CHECK(expect(Token::kBy));
  do {
    GS_TRY(ExprPtr one, call_argument());
    out.push_back(std::move(one));
    if (out.size() > kMaxIdents)
      return fail(Errc::kInvalidArgument, "more than 10000 dimensions in one statement");
  } while (accept(Token::kComma));
  return out;
}

Result<void> Parser::fill(SelectStatement& statement) {
  const Lexeme next = scan_word();
  unscan();
  if (next.token != Token::kIdent || base::to_lower(next.text) != "fill") return {};
  GS_TRY(const ExprPtr parsed, expr());
  const auto* option = as<Call>(parsed);
  if (option == nullptr) return fail(Errc::kInvalidArgument, "fill must be a function call");
  if (option->args.size() != 1) {
    return fail(Errc::kInvalidArgument, "fill requires an argument, e.g.: 0, null, none, previous, linear");
  }
  const ExprPtr& arg = option->args.front();
  const std::string word = print(arg);
  if (word == "null") return {};
  if (word == "none") {
    statement.fill = Fill::kNone;
  } else if (word == "previous") {
    statement.fill = Fill::kPrevious;
  } else if (word == "linear") {
    statement.fill = Fill::kLinear;
  } else {
    statement.fill = Fill::kNumber;
    if (const auto* integer = as<std::int64_t>(arg)) {
      statement.fill_value = *integer;
    } else if (const auto* number = as<double>(arg)) {
      statement.fill_value = *number;
    } else {
      return fail(Errc::kInvalidArgument, "expected number argument in fill()");
    }
  }
  return {};
}

Result<SortField> Parser::sort_field() {
  SortField out;
  GS_TRY(out.name, ident());
  const Token direction = scan_word().token;
  out.ascending = direction != Token::kDesc;
  if (direction != Token::kAsc && direction != Token::kDesc) unscan();
  return out;
}

Result<std::vector<SortField>> Parser::order_by() {
  std::vector<SortField> out;
  if (!accept(Token::kOrder)) return out;
  GS_CHECK(expect(Token::kBy));
  const Lexeme first = scan_word();
  if (first.token == Token::kAsc || first.token == Token::kDesc) {
    out.push_back({"", first.token == Token::kAsc});
  } else if (first.token == Token::kIdent) {
    unscan();
    GS_TRY(SortField one, sort_field());
    if (one.name != "time") return fail(Errc::kInvalidArgument, "only ORDER BY time supported at this time");
    out.push_back(std::move(one));
  } else {
    return expected(first, "identifier, ASC, DESC");
  }
  while (accept(Token::kComma)) {
    GS_CHECK(sort_field());
    out.push_back({});
    if (out.size() > kMaxIdents) break;
  }
  if (out.size() > 1) return fail(Errc::kInvalidArgument, "only ORDER BY time supported at this time");
  return out;
}

Result<std::string> Parser::zone() {
  const Lexeme next = scan_word();
  unscan();
  if (next.token != Token::kIdent || base::to_lower(next.text) != "tz") return std::string();
  GS_TRY(const ExprPtr parsed, expr());
  const auto* option = as<Call>(parsed);
  if (option == nullptr) return fail(Errc::kInvalidArgument, "tz must be a function call");
  if (option->args.size() != 1) return fail(Errc::kInvalidArgument, "tz requires exactly one argument");
  const auto* name = as<std::string>(option->args.front());
  if (name == nullptr) return fail(Errc::kInvalidArgument, "expected string argument in tz()");
  if (!zone_exists(*name)) return fail(Errc::kInvalidArgument, "unable to find time zone " + *name);
  return *name;
}

Result<Statement> Parser::explain() {
  ExplainStatement out;
  out.analyze = accept(Token::kAnalyze);
  GS_CHECK(expect(Token::kSelect));
  GS_TRY(SelectStatement inner, select(Target::kOptional));
  out.select = std::make_shared<const SelectStatement>(std::move(inner));
  return Statement{std::move(out)};
}

template <typename S>
Result<void> Parser::limits(S& statement, bool of_series) {
  GS_TRY(statement.limit, optional_number(Token::kLimit));
  GS_TRY(statement.offset, optional_number(Token::kOffset));
  if (!of_series) return {};
  GS_TRY(statement.slimit, optional_number(Token::kSlimit));
  GS_TRY(statement.soffset, optional_number(Token::kSoffset));
  return {};
}
template Result<void> Parser::limits(SelectStatement&, bool);
template Result<void> Parser::limits(ShowStatement&, bool);

}  // namespace gpuscale::influxql
