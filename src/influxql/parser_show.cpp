// SPDX-License-Identifier: Apache-2.0
#include "influxql/parser.h"

namespace gpuscale::influxql {

Result<Statement> Parser::show() {
  const Lexeme what = scan_word();
  switch (what.token) {
    case Token::kContinuous:
      GS_CHECK(expect(Token::kQueries));
      return Statement{ShowStatement{ShowKind::kContinuousQueries}};
    case Token::kDatabases:
      return Statement{ShowStatement{ShowKind::kDatabases}};
    case Token::kDiagnostics:
      return show_named(ShowKind::kDiagnostics);
    case Token::kField:
      return show_field();
    case Token::kGrants:
      return show_grants();
    case Token::kMeasurement:
      return show_measurement();
    case Token::kMeasurements:
      return show_list(ShowStatement{ShowKind::kMeasurements});
    case Token::kQueries:
      return Statement{ShowStatement{ShowKind::kQueries}};
    case Token::kRetention: {
      GS_CHECK(expect(Token::kPolicies));
      ShowStatement out{ShowKind::kRetentionPolicies};
      GS_CHECK(on_database(out));
      return Statement{std::move(out)};
    }
    case Token::kSeries:
      return show_series();
    case Token::kShard:
      GS_CHECK(expect(Token::kGroups));
      return Statement{ShowStatement{ShowKind::kShardGroups}};
    case Token::kShards:
      return Statement{ShowStatement{ShowKind::kShards}};
    case Token::kStats:
      return show_named(ShowKind::kStats);
    case Token::kSubscriptions:
      return Statement{ShowStatement{ShowKind::kSubscriptions}};
    case Token::kTag:
      return show_tag();
    case Token::kUsers:
      return Statement{ShowStatement{ShowKind::kUsers}};
    default:
      return expected(
          what,
          "CONTINUOUS, DATABASES, DIAGNOSTICS, FIELD, GRANTS, MEASUREMENT, MEASUREMENTS, QUERIES, "
          "RETENTION, SERIES, SHARD, SHARDS, STATS, SUBSCRIPTIONS, TAG, USERS");
  }
}

Result<void> Parser::on_database(ShowStatement& statement) {
  if (!accept(Token::kOn)) return {};
  GS_TRY(statement.database, ident());
  return {};
}

Result<Statement> Parser::show_list(ShowStatement out) {
  const bool measurements = out.kind == ShowKind::kMeasurements;
  GS_CHECK(on_database(out));
  if (!measurements && accept(Token::kFrom)) {
    GS_TRY(out.sources, sources(false));
  }
  if (measurements) GS_CHECK(with_measurement(out));
  if (out.kind == ShowKind::kTagValues) GS_CHECK(with_key(out));
  if (out.kind != ShowKind::kFieldKeys) {
    GS_TRY(out.condition, condition());
  }
  GS_TRY(out.sort, order_by());
  GS_CHECK(limits(out, out.kind == ShowKind::kTagKeys));
  return Statement{std::move(out)};
}

Result<Statement> Parser::show_cardinality(ShowStatement out) {
  GS_CHECK(on_database(out));
  if (accept(Token::kFrom)) {
    GS_TRY(out.sources, sources(false));
  }
  if (out.kind == ShowKind::kTagValuesCardinality) GS_CHECK(with_key(out));
  GS_TRY(out.condition, condition());
  GS_TRY(out.dimensions, dimensions());
  GS_CHECK(limits(out, false));
  return Statement{std::move(out)};
}

Result<Statement> Parser::show_series() {
  const bool exact = accept(Token::kExact);
  if (accept(Token::kCardinality))
    return show_cardinality(ShowStatement{ShowKind::kSeriesCardinality, exact});
  return show_list(ShowStatement{ShowKind::kSeries});
}

Result<Statement> Parser::show_measurement() {
  const Lexeme next = scan_word();
  if (next.token == Token::kExact) {
    GS_CHECK(expect(Token::kCardinality));
  } else if (next.token != Token::kCardinality) {
    return expected(next, "EXACT, CARDINALITY");
  }
  return show_cardinality(ShowStatement{ShowKind::kMeasurementCardinality, next.token == Token::kExact});
}

Result<Statement> Parser::show_field() {
  const Lexeme next = scan_word();
  if (next.token == Token::kKeys) return show_list(ShowStatement{ShowKind::kFieldKeys});
  if (next.token != Token::kKey) return expected(next, "KEY, KEYS");
  const Lexeme kind = scan_word();
  if (kind.token == Token::kExact) {
    GS_CHECK(expect(Token::kCardinality));
  } else if (kind.token != Token::kCardinality) {
    return expected(kind, "EXACT, CARDINALITY");
  }
  return show_cardinality(ShowStatement{ShowKind::kFieldKeyCardinality, kind.token == Token::kExact});
}

Result<Statement> Parser::show_tag() {
  const Lexeme next = scan_word();
  if (next.token == Token::kKeys) return show_list(ShowStatement{ShowKind::kTagKeys});
  if (next.token == Token::kValues) {
    const bool exact = accept(Token::kExact);
    if (exact) {
      GS_CHECK(expect(Token::kCardinality));
    } else if (!accept(Token::kCardinality)) {
      return show_list(ShowStatement{ShowKind::kTagValues});
    }
    return show_cardinality(ShowStatement{ShowKind::kTagValuesCardinality, exact});
  }
  if (next.token != Token::kKey) return expected(next, "KEY, KEYS, VALUES");
  const Lexeme kind = scan_word();
  if (kind.token == Token::kExact) {
    GS_CHECK(expect(Token::kCardinality));
  } else if (kind.token != Token::kCardinality) {
    return expected(kind, "EXACT, CARDINALITY");
  }
  return show_cardinality(ShowStatement{ShowKind::kTagKeyCardinality, kind.token == Token::kExact});
}

Result<Statement> Parser::show_named(ShowKind kind) {
  ShowStatement out{kind};
  if (accept(Token::kFor)) {
    GS_TRY(out.database, text_literal());
  }
  return Statement{std::move(out)};
}

Result<Statement> Parser::show_grants() {
  ShowStatement out{ShowKind::kGrants};
  GS_CHECK(expect(Token::kFor));
  GS_TRY(out.database, ident());
  return Statement{std::move(out)};
}

Result<void> Parser::with_key(ShowStatement& statement) {
  GS_CHECK(expect(Token::kWith));
  GS_CHECK(expect(Token::kKey));
  const Lexeme op = scan_word();
  statement.key_op = op.token;
  switch (op.token) {
    case Token::kIn: {
      GS_CHECK(expect(Token::kLparen));
      GS_TRY(statement.keys, ident_list());
      return expect(Token::kRparen);
    }
    case Token::kEq:
    case Token::kNeq: {
      GS_TRY(std::string key, ident());
      statement.keys.push_back(std::move(key));
      return {};
    }
    case Token::kEqRegex:
    case Token::kNeqRegex: {
      GS_TRY(statement.key_pattern, regex());
      if (!statement.key_pattern) return expected(scan_word(), "regex");
      return {};
    }
    default:
      return expected(op, "IN, =, =~");
  }
}

Result<void> Parser::with_measurement(ShowStatement& statement) {
  if (!accept(Token::kWith)) return {};
  GS_CHECK(expect(Token::kMeasurement));
  const Lexeme op = scan_word();
  statement.key_op = op.token;
  if (op.token == Token::kEqRegex) {
    GS_TRY(statement.with.pattern, regex());
    if (!statement.with.pattern) return expected(scan_word(), "regex");
    return {};
  }
  if (op.token != Token::kEq) return expected(op, "=, =~");
  GS_TRY(const std::vector<std::string> idents, dotted_idents());
  statement.with.name = idents.back();
  return {};
}

}  // namespace gpuscale::influxql
