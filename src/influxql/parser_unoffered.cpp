// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "influxql/parser.h"
#include "influxql/select_check.h"

namespace gpuscale::influxql {

namespace {

constexpr std::string_view kContinuousQueries = "continuous queries";
constexpr std::string_view kUsers = "users";
constexpr std::string_view kSubscriptions = "subscriptions";

Statement unoffered(std::string text, std::string_view feature) {
  return Statement{UnofferedStatement{std::move(text), std::string(feature), false}};
}

}  // namespace

Result<Statement> Parser::create_continuous_query() {
  GS_CHECK(expect(Token::kQuery));
  GS_TRY(const std::string name, ident());
  GS_CHECK(expect(Token::kOn));
  GS_TRY(const std::string database, ident());
  std::string text = "CREATE CONTINUOUS QUERY " + quote_ident(name) + " ON " + quote_ident(database);
  std::int64_t every = 0;
  std::int64_t span = 0;
  if (accept(Token::kResample)) {
    text += " RESAMPLE";
    const bool has_every = accept(Token::kEvery);
    if (has_every) {
      GS_TRY(every, duration());
      text += " EVERY " + print(make_expr(DurationLiteral{every}));
    }
    if (accept(Token::kFor)) {
      GS_TRY(span, duration());
      text += " FOR " + print(make_expr(DurationLiteral{span}));
    } else if (!has_every) {
      return expected(scan_word(), "EVERY, FOR");
    }
  }
  GS_CHECK(expect(Token::kBegin));
  GS_CHECK(expect(Token::kSelect));
  GS_TRY(const SelectStatement select_statement, select(Target::kRequired));
  GS_TRY(const GroupInterval interval, group_interval(select_statement.dimensions, WallTime{}));
  if (!select_statement.raw && interval.every_ns == 0) {
    unscan();
    return expected(scan_word(), "GROUP BY time(...)");
  }
  const std::int64_t least = every > interval.every_ns ? every : interval.every_ns;
  if (span > 0 && span < least) {
    return fail(Errc::kInvalidArgument,
                "FOR duration must be >= GROUP BY time duration: must be a minimum of " +
                    print(make_expr(DurationLiteral{least})) + ", got " +
                    print(make_expr(DurationLiteral{span})));
  }
  GS_CHECK(expect(Token::kEnd));
  return unoffered(text + " BEGIN " + print(select_statement) + " END", kContinuousQueries);
}

Result<Statement> Parser::drop_continuous_query() {
  GS_CHECK(expect(Token::kQuery));
  GS_TRY(const std::string name, ident());
  GS_CHECK(expect(Token::kOn));
  GS_TRY(const std::string database, ident());
  // Observed: to drop one that is not there is no error, and none is ever there.
  return Statement{
      UnofferedStatement{"DROP CONTINUOUS QUERY " + quote_ident(name) + " ON " + quote_ident(database),
                         std::string(kContinuousQueries), true}};
}

Result<Statement> Parser::create_user() {
  GS_TRY(const std::string name, ident());
  GS_CHECK(expect(Token::kWith));
  GS_CHECK(expect(Token::kPassword));
  GS_CHECK(text_literal());
  std::string text = "CREATE USER " + quote_ident(name) + " WITH PASSWORD [REDACTED]";
  if (accept(Token::kWith)) {
    GS_CHECK(expect(Token::kAll));
    GS_CHECK(expect(Token::kPrivileges));
    text += " WITH ALL PRIVILEGES";
  }
  return unoffered(std::move(text), kUsers);
}

Result<Statement> Parser::set_password() {
  GS_CHECK(expect(Token::kPassword));
  GS_CHECK(expect(Token::kFor));
  GS_TRY(const std::string name, ident());
  GS_CHECK(expect(Token::kEq));
  GS_CHECK(text_literal());
  return unoffered("SET PASSWORD FOR " + quote_ident(name) + " = [REDACTED]", kUsers);
}

Result<Statement> Parser::create_subscription() {
  GS_TRY(const std::string name, ident());
  GS_CHECK(expect(Token::kOn));
  GS_TRY(const std::string database, ident());
  if (const Lexeme dot = scan(); dot.token != Token::kDot) return expected(dot, ".");
  GS_TRY(const std::string policy, ident());
  GS_CHECK(expect(Token::kDestinations));
  const Lexeme mode = scan_word();
  if (mode.token != Token::kAll && mode.token != Token::kAny) return expected(mode, "ALL, ANY");
  std::string text = "CREATE SUBSCRIPTION \"" + name + "\" ON " + quote_ident(database) + "." +
                     quote_ident(policy) + " DESTINATIONS " + std::string(to_string(mode.token));
  bool first = true;
  do {
    GS_TRY(const std::string destination, text_literal());
    text += (first ? " " : ", ") + quote_string(destination);
    first = false;
  } while (accept(Token::kComma));
  return unoffered(std::move(text), kSubscriptions);
}

Result<Statement> Parser::drop_subscription() {
  GS_TRY(const std::string name, ident());
  GS_CHECK(expect(Token::kOn));
  GS_TRY(const std::string database, ident());
  if (const Lexeme dot = scan(); dot.token != Token::kDot) return expected(dot, ".");
  GS_TRY(const std::string policy, ident());
  return unoffered(
      "DROP SUBSCRIPTION \"" + name + "\" ON " + quote_ident(database) + "." + quote_ident(policy),
      kSubscriptions);
}

Result<Statement> Parser::grant() {
  const Lexeme what = scan_word();
  if (what.token != Token::kRead && what.token != Token::kWrite && what.token != Token::kAll) {
    return expected(what, "READ, WRITE, ALL [PRIVILEGES]");
  }
  const bool all = what.token == Token::kAll;
  if (all) accept(Token::kPrivileges);
  std::string text = "GRANT " + std::string(all ? "ALL PRIVILEGES" : to_string(what.token));
  const Lexeme next = scan_word();
  if (next.token == Token::kOn) {
    GS_TRY(const std::string database, ident());
    text += " ON " + quote_ident(database);
    GS_CHECK(expect(Token::kTo));
  } else if (!all || next.token != Token::kTo) {
    return expected(next, all ? "ON, TO" : "ON");
  }
  GS_TRY(const std::string user, ident());
  return unoffered(text + " TO " + quote_ident(user), kUsers);
}

Result<Statement> Parser::revoke() {
  const Lexeme what = scan_word();
  if (what.token != Token::kRead && what.token != Token::kWrite && what.token != Token::kAll) {
    return expected(what, "READ, WRITE, ALL [PRIVILEGES]");
  }
  const bool all = what.token == Token::kAll;
  if (all) accept(Token::kPrivileges);
  std::string text = "REVOKE " + std::string(all ? "ALL PRIVILEGES" : to_string(what.token));
  const Lexeme next = scan_word();
  if (next.token == Token::kOn) {
    GS_TRY(const std::string database, ident());
    text += " ON " + quote_ident(database);
    GS_CHECK(expect(Token::kFrom));
  } else if (!all || next.token != Token::kFrom) {
    return expected(next, all ? "ON, FROM" : "ON");
  }
  GS_TRY(const std::string user, ident());
  return unoffered(text + " FROM " + quote_ident(user), kUsers);
}

Result<Statement> Parser::kill() {
  GS_CHECK(expect(Token::kQuery));
  GS_TRY(const std::int64_t id, number(0, std::numeric_limits<std::int64_t>::max()));
  std::string text = "KILL QUERY " + std::to_string(id);
  if (accept(Token::kOn)) {
    GS_TRY(const std::string host, ident());
    text += " ON " + quote_ident(host);
  }
  return Statement{KillStatement{id, std::move(text)}};
}

}  // namespace gpuscale::influxql
