// SPDX-License-Identifier: Apache-2.0
#include "influxql/lexer.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <utility>

#include "base/utf8.h"

namespace gpuscale::influxql {

namespace {

constexpr char32_t kEnd = 0;
constexpr char32_t kMicro = U'\u00b5';

struct Name {
  Token token;
  std::string_view text;
};

constexpr auto kNames = std::to_array<Name>({
    {Token::kIllegal, "ILLEGAL"},
    {Token::kEof, "EOF"},
    {Token::kSpace, "WS"},
    {Token::kComment, "COMMENT"},
    {Token::kIdent, "IDENT"},
    {Token::kBoundParam, "BOUNDPARAM"},
    {Token::kNumber, "NUMBER"},
    {Token::kInteger, "INTEGER"},
    {Token::kDuration, "DURATIONVAL"},
    {Token::kString, "STRING"},
    {Token::kBadString, "BADSTRING"},
    {Token::kBadEscape, "BADESCAPE"},
    {Token::kRegex, "REGEX"},
    {Token::kBadRegex, "BADREGEX"},
    {Token::kEq, "="},
    {Token::kNeq, "!="},
    {Token::kEqRegex, "=~"},
    {Token::kNeqRegex, "!~"},
    {Token::kLt, "<"},
    {Token::kLte, "<="},
    {Token::kGt, ">"},
    {Token::kGte, ">="},
    {Token::kAdd, "+"},
    {Token::kSub, "-"},
    {Token::kBitOr, "|"},
    {Token::kBitXor, "^"},
    {Token::kMul, "*"},
    {Token::kDiv, "/"},
    {Token::kMod, "%"},
    {Token::kBitAnd, "&"},
    {Token::kLparen, "("},
    {Token::kRparen, ")"},
    {Token::kComma, ","},
    {Token::kColon, ":"},
    {Token::kDoubleColon, "::"},
    {Token::kSemicolon, ";"},
    {Token::kDot, "."},
});

constexpr auto kKeywords = std::to_array<Name>({
    {Token::kAnd, "AND"},
    {Token::kOr, "OR"},
    {Token::kTrue, "TRUE"},
    {Token::kFalse, "FALSE"},
    {Token::kAll, "ALL"},
    {Token::kAlter, "ALTER"},
    {Token::kAnalyze, "ANALYZE"},
    {Token::kAny, "ANY"},
    {Token::kAs, "AS"},
    {Token::kAsc, "ASC"},
    {Token::kBegin, "BEGIN"},
    {Token::kBy, "BY"},
    {Token::kCardinality, "CARDINALITY"},
    {Token::kCreate, "CREATE"},
    {Token::kContinuous, "CONTINUOUS"},
    {Token::kDatabase, "DATABASE"},
    {Token::kDatabases, "DATABASES"},
    {Token::kDefault, "DEFAULT"},
    {Token::kDelete, "DELETE"},
    {Token::kDesc, "DESC"},
    {Token::kDestinations, "DESTINATIONS"},
    {Token::kDiagnostics, "DIAGNOSTICS"},
    {Token::kDistinct, "DISTINCT"},
    {Token::kDrop, "DROP"},
    {Token::kDurationWord, "DURATION"},
    {Token::kEnd, "END"},
    {Token::kEvery, "EVERY"},
    {Token::kExact, "EXACT"},
    {Token::kExplain, "EXPLAIN"},
    {Token::kField, "FIELD"},
    {Token::kFor, "FOR"},
    {Token::kFrom, "FROM"},
    {Token::kGrant, "GRANT"},
    {Token::kGrants, "GRANTS"},
    {Token::kGroup, "GROUP"},
    {Token::kGroups, "GROUPS"},
    {Token::kIn, "IN"},
    {Token::kInf, "INF"},
    {Token::kInsert, "INSERT"},
    {Token::kInto, "INTO"},
    {Token::kKey, "KEY"},
    {Token::kKeys, "KEYS"},
    {Token::kKill, "KILL"},
    {Token::kLimit, "LIMIT"},
    {Token::kMeasurement, "MEASUREMENT"},
    {Token::kMeasurements, "MEASUREMENTS"},
    {Token::kName, "NAME"},
    {Token::kOffset, "OFFSET"},
    {Token::kOn, "ON"},
    {Token::kOrder, "ORDER"},
    {Token::kPassword, "PASSWORD"},
    {Token::kPolicy, "POLICY"},
    {Token::kPolicies, "POLICIES"},
    {Token::kPrivileges, "PRIVILEGES"},
    {Token::kQueries, "QUERIES"},
    {Token::kQuery, "QUERY"},
    {Token::kRead, "READ"},
    {Token::kReplication, "REPLICATION"},
    {Token::kResample, "RESAMPLE"},
    {Token::kRetention, "RETENTION"},
    {Token::kRevoke, "REVOKE"},
    {Token::kSelect, "SELECT"},
    {Token::kSeries, "SERIES"},
    {Token::kSet, "SET"},
    {Token::kShow, "SHOW"},
    {Token::kShard, "SHARD"},
    {Token::kShards, "SHARDS"},
    {Token::kSlimit, "SLIMIT"},
    {Token::kSoffset, "SOFFSET"},
    {Token::kStats, "STATS"},
    {Token::kSubscription, "SUBSCRIPTION"},
    {Token::kSubscriptions, "SUBSCRIPTIONS"},
    {Token::kTag, "TAG"},
    {Token::kTo, "TO"},
    {Token::kUser, "USER"},
    {Token::kUsers, "USERS"},
    {Token::kValues, "VALUES"},
    {Token::kWhere, "WHERE"},
    {Token::kWith, "WITH"},
    {Token::kWrite, "WRITE"},
});

bool is_space(char32_t c) {
  return c == ' ' || c == '\t' || c == '\n';
}
bool is_letter(char32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char32_t c) {
  return c >= '0' && c <= '9';
}
bool is_word(char32_t c) {
  return is_letter(c) || is_digit(c) || c == '_';
}

void append_utf8(std::string& out, char32_t c) {
  const auto byte = [&out](std::uint32_t value) {
    out += static_cast<char>(static_cast<unsigned char>(value));
  };
  if (c < 0x80) {
    byte(c);
  } else if (c < 0x800) {
    byte(0xc0U | (c >> 6U));
    byte(0x80U | (c & 0x3fU));
  } else if (c < 0x10000) {
    byte(0xe0U | (c >> 12U));
    byte(0x80U | ((c >> 6U) & 0x3fU));
    byte(0x80U | (c & 0x3fU));
  } else {
    byte(0xf0U | (c >> 18U));
    byte(0x80U | ((c >> 12U) & 0x3fU));
    byte(0x80U | ((c >> 6U) & 0x3fU));
    byte(0x80U | (c & 0x3fU));
  }
}

}  // namespace

std::string_view to_string(Token token) {
  for (const Name& name : kNames) {
    if (name.token == token) return name.text;
  }
  for (const Name& name : kKeywords) {
    if (name.token == token) return name.text;
  }
  return "";
}

int precedence(Token token) {
  if (token < Token::kOr || token > Token::kBitAnd) return 0;
  if (token == Token::kOr) return 1;
  if (token == Token::kAnd) return 2;
  if (token <= Token::kGte) return 3;
  return token <= Token::kBitXor ? 4 : 5;
}

Token keyword(std::string_view word) {
  if (word.size() > 16) return Token::kIdent;
  std::string upper(word);
  for (char& c : upper) c = (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
  const auto* found =
      std::find_if(kKeywords.begin(), kKeywords.end(), [&](const Name& n) { return n.text == upper; });
  return found == kKeywords.end() ? Token::kIdent : found->token;
}

char32_t Lexer::decode(std::size_t& offset) const {
  if (offset >= text_.size()) return kEnd;
  const base::Utf8Character character = base::first_character(text_.substr(offset));
  offset += std::max<std::size_t>(character.bytes, 1);
  // A NUL would read as the end; Go sees it as an illegal character, and so does U+FFFD.
  return character.code == 0 ? base::Utf8Character::kBroken : character.code;
}

Lexer::Rune Lexer::read() {
  const Position at = position_;
  previous_ = at;
  if (offset_ >= text_.size()) {
    if (!ended_) ++position_.character;
    ended_ = true;
    return {kEnd, at};
  }
  char32_t c = decode(offset_);
  if (c == '\r') {
    if (offset_ < text_.size() && text_[offset_] == '\n') ++offset_;
    c = '\n';
  }
  if (c == '\n') {
    ++position_.line;
    position_.character = 0;
  } else {
    ++position_.character;
  }
  return {c, at};
}

char32_t Lexer::peek() const {
  std::size_t offset = offset_;
  const char32_t c = decode(offset);
  return c == '\r' ? U'\n' : c;
}

void Lexer::skip_space() {
  while (is_space(peek())) read();
}

bool Lexer::take_if(char32_t wanted) {
  if (peek() != wanted) return false;
  read();
  return true;
}

void Lexer::skip_line() {
  for (char32_t c = read().value; c != '\n' && c != kEnd;) c = read().value;
}

bool Lexer::skip_block_comment() {
  for (char32_t c = read().value; c != kEnd;) {
    const char32_t next = read().value;
    if (c == '*' && next == '/') return true;
    c = next;
  }
  return false;
}

std::string Lexer::scan_bare_word() {
  std::string out;
  while (is_word(peek())) append_utf8(out, read().value);
  return out;
}

std::string Lexer::scan_digits() {
  std::string out;
  while (is_digit(peek())) append_utf8(out, read().value);
  return out;
}

Lexeme Lexer::scan_word(bool reserved) {
  const Position at = position_;
  if (peek() == '"') {
    Lexeme quoted = scan_quoted();
    if (quoted.token != Token::kString) return quoted;
    return {Token::kIdent, at, std::move(quoted.text)};
  }
  std::string word = scan_bare_word();
  if (offset_ >= text_.size()) {
    read();  // InfluxDB takes the end along with the word; errors at the end stand one further because of it
  } else if (peek() == '"') {
    Lexeme quoted = scan_quoted();
    if (quoted.token != Token::kString) return quoted;
    return {Token::kIdent, at, std::move(quoted.text)};
  }
  if (reserved) {
    const Token token = keyword(word);
    if (token != Token::kIdent) return {token, at, ""};
  }
  return {Token::kIdent, at, std::move(word)};
}

Lexeme Lexer::scan_quoted() {
  const Position at = previous_;  // one before the quote, as InfluxDB reports it
  const char32_t quote = read().value;
  std::string out;
  while (true) {
    const char32_t c = read().value;
    if (c == quote) return {Token::kString, at, std::move(out)};
    if (c == kEnd || c == '\n') return {Token::kBadString, at, std::move(out)};
    if (c != '\\') {
      append_utf8(out, c);
      continue;
    }
    const Rune escaped = read();
    if (escaped.value == 'n') {
      out += '\n';
    } else if (escaped.value == '\\' || escaped.value == '"' || escaped.value == '\'') {
      append_utf8(out, escaped.value);
    } else {
      std::string bad = "\\";
      if (escaped.value != kEnd) append_utf8(bad, escaped.value);
      return {Token::kBadEscape, escaped.position, std::move(bad)};
    }
  }
}

Lexeme Lexer::scan_number() {
  const Position at = position_;
  std::string out = scan_digits();
  if (peek() == '.') {
    read();
    if (is_digit(peek())) {
      out += '.';
      out += scan_digits();
    }
    return {Token::kNumber, at, std::move(out)};
  }
  if (!is_letter(peek()) && peek() != kMicro) return {Token::kInteger, at, std::move(out)};
  while (is_letter(peek()) || is_digit(peek()) || peek() == kMicro) append_utf8(out, read().value);
  return {Token::kDuration, at, std::move(out)};
}

Lexeme Lexer::scan_operator(Rune first) {
  const auto as = [&first](Token token) { return Lexeme{token, first.position, ""}; };
  switch (first.value) {
    case '+':
      return as(Token::kAdd);
    case '-':
      if (!take_if('-')) return as(Token::kSub);
      skip_line();
      return as(Token::kComment);
    case '*':
      return as(Token::kMul);
    case '/':
      if (!take_if('*')) return as(Token::kDiv);
      return as(skip_block_comment() ? Token::kComment : Token::kIllegal);
    case '%':
      return as(Token::kMod);
    case '&':
      return as(Token::kBitAnd);
    case '|':
      return as(Token::kBitOr);
    case '^':
      return as(Token::kBitXor);
    case '=':
      return as(take_if('~') ? Token::kEqRegex : Token::kEq);
    case '!':
      if (take_if('=')) return as(Token::kNeq);
      if (take_if('~')) return as(Token::kNeqRegex);
      break;
    case '>':
      return as(take_if('=') ? Token::kGte : Token::kGt);
    case '<':
      if (take_if('=')) return as(Token::kLte);
      return as(take_if('>') ? Token::kNeq : Token::kLt);
    case '(':
      return as(Token::kLparen);
    case ')':
      return as(Token::kRparen);
    case ',':
      return as(Token::kComma);
    case ';':
      return as(Token::kSemicolon);
    case ':':
      return as(take_if(':') ? Token::kDoubleColon : Token::kColon);
    case '.':
      return as(Token::kDot);
    default:
      break;
  }
  std::string text;
  append_utf8(text, first.value);
  return {Token::kIllegal, first.position, std::move(text)};
}

Lexeme Lexer::next() {
  const char32_t c = peek();
  if (is_letter(c) || c == '_' || c == '"') return scan_word(true);
  if (is_digit(c)) return scan_number();
  if (c == '\'') return scan_quoted();
  if (c == '.') {
    std::size_t offset = offset_ + 1;
    if (is_digit(decode(offset))) return scan_number();
  }
  const Rune first = read();
  if (first.value == kEnd) return {Token::kEof, first.position, ""};
  if (is_space(first.value)) {
    while (is_space(peek())) read();
    if (offset_ >= text_.size()) read();
    return {Token::kSpace, first.position, " "};
  }
  if (first.value == '$') {
    Lexeme name = scan_word(false);
    name.text.insert(0, "$");
    name.position = first.position;
    if (name.token == Token::kIdent) name.token = Token::kBoundParam;
    return name;
  }
  return scan_operator(first);
}

Lexeme Lexer::next_regex() {
  const Position at = previous_;
  if (!take_if('/')) return {Token::kBadRegex, at, ""};
  std::string out;
  while (true) {
    const char32_t c = read().value;
    if (c == '/') return {Token::kRegex, at, std::move(out)};
    if (c == kEnd || c == '\n') return {Token::kBadRegex, at, ""};
    if (c == '\\' && take_if('/')) {
      out += '/';
    } else {
      append_utf8(out, c);
    }
  }
}

}  // namespace gpuscale::influxql
