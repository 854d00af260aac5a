// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "influxql/parser.h"

namespace gpuscale::influxql {

namespace {

constexpr std::string_view kSubscriptions = "subscriptions";

Statement unoffered(std::string text, std::string_view feature) {
  return Statement{UnofferedStatement{std::move(text), std::string(feature)}};
}

}  // namespace

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
