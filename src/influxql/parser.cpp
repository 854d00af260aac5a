// SPDX-License-Identifier: Apache-2.0
#include "influxql/parser.h"

#include <charconv>
#include <limits>

#include "influxql/durations.h"
#include "influxql/go_number.h"

namespace gpuscale::influxql {

namespace {

/// What a bound value looks like as a token.
struct AsLexeme {
  Position position;
  Lexeme operator()(const std::string& text) const { return {Token::kString, position, text}; }
  Lexeme operator()(double value) const { return {Token::kNumber, position, go_fixed(value)}; }
  Lexeme operator()(std::int64_t value) const { return {Token::kInteger, position, std::to_string(value)}; }
  Lexeme operator()(bool value) const { return {value ? Token::kTrue : Token::kFalse, position, ""}; }
  Lexeme operator()(const Identifier& value) const { return {Token::kIdent, position, value.name}; }
  Lexeme operator()(const Regex& value) const { return {Token::kRegex, position, value.pattern}; }
  Lexeme operator()(const DurationParam& value) const {
    return {Token::kDuration, position, print_influx_duration(value.value.count())};
  }
};

}  // namespace

Lexeme Parser::scan() {
  if (history_.size() >= 8) history_.erase(history_.begin(), history_.begin() + 4);
  history_.push_back(lexer_);
  Lexeme lexeme = lexer_.next();
  if (lexeme.token == Token::kBoundParam) {
    const auto found = params_.find(std::string_view(lexeme.text).substr(1));
    if (found != params_.end()) return std::visit(AsLexeme{lexeme.position}, found->second);
  }
  return lexeme;
}

Lexeme Parser::scan_word() {
  while (true) {
    Lexeme lexeme = scan();
    if (lexeme.token != Token::kSpace && lexeme.token != Token::kComment) return lexeme;
    history_.pop_back();
  }
}

void Parser::unscan() {
  lexer_ = history_.back();
  history_.pop_back();
}

Error Parser::at(std::string message, Position position) {
  message +=
      " at line " + std::to_string(position.line + 1) + ", char " + std::to_string(position.character + 1);
  return fail(Errc::kInvalidArgument, std::move(message));
}

Error Parser::expected(const Lexeme& found, std::string_view what) const {
  const std::string name = found.text.empty() ? std::string(to_string(found.token)) : found.text;
  return at("found " + name + ", expected " + std::string(what), found.position);
}

bool Parser::accept(Token token) {
  if (scan_word().token == token) return true;
  unscan();
  return false;
}

Result<void> Parser::expect(Token token) {
  const Lexeme found = scan_word();
  if (found.token != token) return expected(found, to_string(token));
  return {};
}

Result<std::string> Parser::ident() {
  Lexeme found = scan_word();
  if (found.token != Token::kIdent) return expected(found, "identifier");
  return std::move(found.text);
}

Result<std::vector<std::string>> Parser::ident_list() {
  std::vector<std::string> list;
  do {
    GS_TRY(std::string name, ident());
    list.push_back(std::move(name));
    if (list.size() > kMaxIdents) return fail(Errc::kInvalidArgument, "more than 10000 names in one list");
  } while (accept(Token::kComma));
  return list;
}

Result<std::vector<std::string>> Parser::dotted_idents() {
  std::vector<std::string> idents;
  GS_TRY(std::string first, ident());
  idents.push_back(std::move(first));
  while (true) {
    if (scan().token != Token::kDot) {
      unscan();
      break;
    }
    const char32_t next = lexer_.peek();
    if (next == '/' || next == ':') break;  // a regular expression or :MEASUREMENT, for the caller
    if (next == '.') {
      idents.emplace_back();
    } else {
      GS_TRY(std::string more, ident());
      idents.push_back(std::move(more));
    }
    if (idents.size() > kMaxIdents) break;
  }
  if (idents.size() > 3) return at("too many segments in " + quote_idents(idents), {});
  return idents;
}

Result<std::string> Parser::text_literal() {
  Lexeme found = scan_word();
  if (found.token == Token::kString) return std::move(found.text);
  if (found.token == Token::kBadString) return at("bad string: " + found.text, found.position);
  if (found.token == Token::kBadEscape) return at("bad escape: " + found.text, found.position);
  return expected(found, "string");
}

Result<PatternPtr> Parser::regex() {
  lexer_.skip_space();
  Lexeme found;
  if (lexer_.peek() == '$') {
    found = scan();
    if (found.token != Token::kRegex) {
      unscan();
      return PatternPtr();
    }
  } else if (lexer_.peek() == '/') {
    found = lexer_.next_regex();
    if (found.token != Token::kRegex) return at("bad regex: " + found.text, found.position);
  } else {
    return PatternPtr();
  }
  auto pattern = Pattern::compile(found.text);
  if (!pattern) return at(pattern.error().message(), found.position);
  return pattern;
}

Result<std::int64_t> Parser::number(std::int64_t min, std::int64_t max) {
  const Lexeme found = scan_word();
  if (found.token != Token::kInteger) return expected(found, "integer");
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(found.text.data(), found.text.data() + found.text.size(), value);
  if (error != std::errc()) {
    return at("strconv.ParseInt: parsing \"" + found.text + "\": value out of range", found.position);
  }
  if (value < min || value > max) {
    return at("invalid value " + found.text + ": must be " + std::to_string(min) +
                  " <= n <= " + std::to_string(max),
              found.position);
  }
  return value;
}

Result<std::int64_t> Parser::optional_number(Token word) {
  if (!accept(word)) return 0;
  const Lexeme found = scan_word();
  if (found.token != Token::kInteger) return expected(found, "integer");
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(found.text.data(), found.text.data() + found.text.size(), value);
  // A bound parameter may be negative.
  if (found.text.starts_with('-')) return at(std::string(to_string(word)) + " must be >= 0", found.position);
  // Observed: a number that does not fit limits nothing.
  return error == std::errc() ? value : std::numeric_limits<std::int64_t>::max();
}

Result<std::int64_t> Parser::duration() {
  const Lexeme found = scan_word();
  if (found.token == Token::kInf) return 0;
  if (found.token != Token::kDuration) return expected(found, "duration");
  bool overflowed = false;
  const auto value = parse_influx_duration(found.text, overflowed);
  if (overflowed) {
    return at("overflowed duration " + found.text + ": choose a smaller duration or INF", found.position);
  }
  // Observed: a word like "0xdb0" lexes as a duration and is refused as one.
  if (!value) return at("invalid duration", found.position);
  return *value;
}

Result<std::int64_t> Parser::finite_duration() {
  const Lexeme found = scan_word();
  if (found.token == Token::kInf) return expected(found, "duration");
  unscan();
  return duration();
}

Result<Statement> Parser::statement() {
  const Lexeme first = scan_word();
  switch (first.token) {
    case Token::kSelect: {
      GS_TRY(SelectStatement select_statement, select(Target::kOptional));
      return Statement{std::move(select_statement)};
    }
    case Token::kDelete:
      return delete_from();
    case Token::kShow:
      return show();
    case Token::kCreate:
      return create();
    case Token::kDrop:
      return drop();
    case Token::kExplain:
      return explain();
    case Token::kGrant:
      return grant();
    case Token::kRevoke:
      return revoke();
    case Token::kAlter:
      return alter();
    case Token::kSet:
      return set_password();
    case Token::kKill:
      return kill();
    default:
      return expected(first, "SELECT, DELETE, SHOW, CREATE, DROP, EXPLAIN, GRANT, REVOKE, ALTER, SET, KILL");
  }
}

Result<std::vector<Statement>> Parser::query() {
  std::vector<Statement> statements;
  bool separated = true;
  while (true) {
    const Lexeme next = scan_word();
    if (next.token == Token::kEof) return statements;
    if (next.token == Token::kSemicolon) {
      separated = true;
      continue;
    }
    if (!separated) return expected(next, ";");
    unscan();
    GS_TRY(Statement parsed, statement());
    statements.push_back(std::move(parsed));
    operators_ = 0;
    separated = false;
  }
}

Result<std::vector<Statement>> parse_query(std::string_view text, const Params& params) {
  return Parser(text, params).query();
}
Result<Statement> parse_statement(std::string_view text, const Params& params) {
  return Parser(text, params).statement();
}
Result<ExprPtr> parse_expr(std::string_view text, const Params& params) {
  return Parser(text, params).expr();
}

}  // namespace gpuscale::influxql
