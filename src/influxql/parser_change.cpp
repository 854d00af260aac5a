// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "influxql/parser.h"

namespace gpuscale::influxql {

namespace {

constexpr std::int64_t kMaxReplication = std::numeric_limits<std::int32_t>::max();

}  // namespace

Result<Statement> Parser::create() {
  const Lexeme what = scan_word();
  switch (what.token) {
    case Token::kContinuous:
      return create_continuous_query();
    case Token::kDatabase:
      return create_database();
    case Token::kUser:
      return create_user();
    case Token::kRetention:
      GS_CHECK(expect(Token::kPolicy));
      return create_policy();
    case Token::kSubscription:
      return create_subscription();
    default:
      return expected(what, "CONTINUOUS, DATABASE, USER, RETENTION, SUBSCRIPTION");
  }
}

Result<std::int64_t> Parser::shard_duration() {
  GS_CHECK(expect(Token::kDurationWord));
  const Lexeme next = scan_word();
  if (next.token == Token::kInf) return at("invalid duration INF for shard duration", next.position);
  unscan();
  return duration();
}

Result<Statement> Parser::create_database() {
  CreateDatabaseStatement out;
  GS_TRY(out.name, ident());
  if (!accept(Token::kWith)) return Statement{std::move(out)};
  out.with_policy = true;
  const Lexeme next = scan_word();
  if (next.token != Token::kDurationWord && next.token != Token::kName && next.token != Token::kReplication &&
      next.token != Token::kShard) {
    return expected(next, "DURATION, NAME, REPLICATION, SHARD");
  }
  unscan();
  if (accept(Token::kDurationWord)) {
    GS_TRY(out.policy.duration_ns, duration());
  }
  if (accept(Token::kReplication)) {
    GS_TRY(out.policy.replication, number(1, kMaxReplication));
  }
  if (accept(Token::kShard)) {
    GS_TRY(out.policy.shard_duration_ns, shard_duration());
  }
  if (accept(Token::kName)) {
    GS_TRY(out.policy.name, ident());
  }
  return Statement{std::move(out)};
}

Result<Statement> Parser::create_policy() {
  CreatePolicyStatement out;
  GS_TRY(out.policy.name, ident());
  GS_CHECK(expect(Token::kOn));
  GS_TRY(out.database, ident());
  GS_CHECK(expect(Token::kDurationWord));
  GS_TRY(out.policy.duration_ns, duration());
  GS_CHECK(expect(Token::kReplication));
  GS_TRY(out.policy.replication, number(1, kMaxReplication));
  if (accept(Token::kShard)) {
    GS_TRY(out.policy.shard_duration_ns, shard_duration());
  }
  out.policy.make_default = accept(Token::kDefault);
  return Statement{std::move(out)};
}

Result<Statement> Parser::alter() {
  AlterPolicyStatement out;
  GS_CHECK(expect(Token::kRetention));
  GS_CHECK(expect(Token::kPolicy));
  const Lexeme name = scan_word();
  // The default policy of old databases is called "default", which is a reserved word.
  if (name.token == Token::kDefault) {
    out.policy.name = "default";
  } else if (name.token == Token::kIdent) {
    out.policy.name = name.text;
  } else {
    return expected(name, "identifier");
  }
  GS_CHECK(expect(Token::kOn));
  GS_TRY(out.database, ident());
  PolicyOptions& policy = out.policy;
  bool any = false;
  while (true) {
    const Lexeme option = scan_word();
    const auto duplicate = [&option] {
      return at("found duplicate " + std::string(to_string(option.token)) + " option", option.position);
    };
    if (option.token == Token::kDurationWord) {
      if (policy.duration_ns) return duplicate();
      GS_TRY(policy.duration_ns, duration());
    } else if (option.token == Token::kReplication) {
      if (policy.replication) return duplicate();
      GS_TRY(policy.replication, number(1, kMaxReplication));
    } else if (option.token == Token::kShard) {
      if (policy.shard_duration_ns) return duplicate();
      GS_TRY(policy.shard_duration_ns, shard_duration());
    } else if (option.token == Token::kDefault) {
      if (policy.make_default) return duplicate();
      policy.make_default = true;
    } else if (!any) {
      return expected(option, "DURATION, REPLICATION, SHARD, DEFAULT");
    } else {
      unscan();
      return Statement{std::move(out)};
    }
    any = true;
  }
}

Result<Statement> Parser::drop() {
  const Lexeme what = scan_word();
  switch (what.token) {
    case Token::kContinuous:
      return drop_continuous_query();
    case Token::kDatabase: {
      GS_TRY(std::string name, ident());
      return Statement{DropDatabaseStatement{std::move(name)}};
    }
    case Token::kMeasurement: {
      GS_TRY(std::string name, ident());
      return Statement{DropMeasurementStatement{std::move(name)}};
    }
    case Token::kRetention: {
      DropPolicyStatement out;
      GS_CHECK(expect(Token::kPolicy));
      GS_TRY(out.name, ident());
      GS_CHECK(expect(Token::kOn));
      GS_TRY(out.database, ident());
      return Statement{std::move(out)};
    }
    case Token::kSeries:
      return drop_series();
    case Token::kShard: {
      GS_TRY(const std::int64_t id, number(0, std::numeric_limits<std::int64_t>::max()));
      return Statement{UnofferedStatement{"DROP SHARD " + std::to_string(id), "shards"}};
    }
    case Token::kSubscription:
      return drop_subscription();
    case Token::kUser: {
      GS_TRY(std::string name, ident());
      return Statement{DropUserStatement{std::move(name)}};
    }
    default:
      return expected(what,
                      "CONTINUOUS, DATABASE, MEASUREMENT, RETENTION, SERIES, SHARD, SUBSCRIPTION, USER");
  }
}

Result<void> Parser::refuse_qualified(const std::vector<Source>& sources) const {
  for (const Source& source : sources) {
    if (!source.measurement.database.empty()) return at("database not supported", {});
    if (!source.measurement.policy.empty()) return at("retention policy not supported", {});
  }
  return {};
}

Result<Statement> Parser::drop_series() {
  DropSeriesStatement out;
  const Lexeme next = scan_word();
  if (next.token == Token::kFrom) {
    GS_TRY(out.sources, sources(false));
    GS_CHECK(refuse_qualified(out.sources));
  } else if (next.token == Token::kWhere) {
    unscan();
  } else {
    return expected(next, "FROM, WHERE");
  }
  GS_TRY(out.condition, condition());
  return Statement{std::move(out)};
}

Result<Statement> Parser::delete_from() {
  DeleteStatement out;
  const Lexeme next = scan_word();
  if (next.token == Token::kFrom) {
    GS_TRY(out.sources, sources(false));
    GS_CHECK(refuse_qualified(out.sources));
  } else if (next.token == Token::kWhere) {
    unscan();
  } else {
    return expected(next, "FROM, WHERE");
  }
  GS_TRY(out.condition, condition());
  return Statement{std::move(out)};
}

}  // namespace gpuscale::influxql
