// SPDX-License-Identifier: Apache-2.0
/// Users, their privileges, and continuous queries.
#include "influxql/parser.h"
#include "influxql/select_check.h"

namespace gpuscale::influxql {

Result<Statement> Parser::create_continuous_query() {
  CreateContinuousQueryStatement out;
  GS_CHECK(expect(Token::kQuery));
  GS_TRY(out.name, ident());
  GS_CHECK(expect(Token::kOn));
  GS_TRY(out.database, ident());
  if (accept(Token::kResample)) {
    if (accept(Token::kEvery)) {
      GS_TRY(out.every_ns, finite_duration());
    }
    if (accept(Token::kFor)) {
      GS_TRY(out.for_ns, finite_duration());
    }
    // A zero is as good as nothing said.
    if (out.every_ns == 0 && out.for_ns == 0) return expected(scan_word(), "EVERY, FOR");
  }
  GS_CHECK(expect(Token::kBegin));
  GS_CHECK(expect(Token::kSelect));
  GS_TRY(SelectStatement select_statement, select(Target::kRequired));
  GS_TRY(const GroupInterval interval, group_interval(select_statement.dimensions, WallTime{}));
  if (!select_statement.raw && interval.every_ns == 0) {
    unscan();
    return expected(scan_word(), "GROUP BY time(...)");
  }
  const std::int64_t least = out.every_ns > interval.every_ns ? out.every_ns : interval.every_ns;
  if (out.for_ns > 0 && out.for_ns < least) {
    return fail(Errc::kInvalidArgument,
                "FOR duration must be >= GROUP BY time duration: must be a minimum of " +
                    print(make_expr(DurationLiteral{least})) + ", got " +
                    print(make_expr(DurationLiteral{out.for_ns})));
  }
  GS_CHECK(expect(Token::kEnd));
  out.select = std::make_shared<const SelectStatement>(std::move(select_statement));
  return Statement{std::move(out)};
}

Result<Statement> Parser::drop_continuous_query() {
  DropContinuousQueryStatement out;
  GS_CHECK(expect(Token::kQuery));
  GS_TRY(out.name, ident());
  GS_CHECK(expect(Token::kOn));
  GS_TRY(out.database, ident());
  return Statement{std::move(out)};
}

Result<Statement> Parser::create_user() {
  CreateUserStatement out;
  GS_TRY(out.name, ident());
  GS_CHECK(expect(Token::kWith));
  GS_CHECK(expect(Token::kPassword));
  GS_TRY(std::string password, text_literal());
  out.password = Secret(std::move(password));
  if (accept(Token::kWith)) {
    GS_CHECK(expect(Token::kAll));
    GS_CHECK(expect(Token::kPrivileges));
    out.admin = true;
  }
  return Statement{std::move(out)};
}

Result<Statement> Parser::set_password() {
  SetPasswordStatement out;
  GS_CHECK(expect(Token::kPassword));
  GS_CHECK(expect(Token::kFor));
  GS_TRY(out.name, ident());
  GS_CHECK(expect(Token::kEq));
  GS_TRY(std::string password, text_literal());
  out.password = Secret(std::move(password));
  return Statement{std::move(out)};
}

template <typename S>
Result<Statement> Parser::privilege_change(Token preposition) {
  const std::string word(to_string(preposition));
  S out;
  const Lexeme what = scan_word();
  if (what.token != Token::kRead && what.token != Token::kWrite && what.token != Token::kAll) {
    return expected(what, "READ, WRITE, ALL [PRIVILEGES]");
  }
  const bool all = what.token == Token::kAll;
  if (all) accept(Token::kPrivileges);
  out.privilege = all ? Privilege::kAll : what.token == Token::kRead ? Privilege::kRead : Privilege::kWrite;
  const Lexeme next = scan_word();
  if (next.token == Token::kOn) {
    GS_TRY(out.database, ident());
    GS_CHECK(expect(preposition));
  } else if (!all || next.token != preposition) {
    return expected(next, all ? "ON, " + word : "ON");
  }
  GS_TRY(out.user, ident());
  return Statement{std::move(out)};
}

Result<Statement> Parser::grant() {
  return privilege_change<GrantStatement>(Token::kTo);
}

Result<Statement> Parser::revoke() {
  return privilege_change<RevokeStatement>(Token::kFrom);
}

}  // namespace gpuscale::influxql
