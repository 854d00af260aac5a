// SPDX-License-Identifier: Apache-2.0
/// Private to the room: InfluxQL text to tokens with positions. Source: InfluxDB 1.6.7's answers, including
/// where it places the end of the text and of quoted strings.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace gpuscale::influxql {

enum class Token {
  kIllegal,
  kEof,
  kSpace,
  kComment,
  kIdent,
  kBoundParam,
  kNumber,
  kInteger,
  kDuration,
  kString,
  kBadString,
  kBadEscape,
  kRegex,
  kBadRegex,
  // operators, by rising precedence
  kOr,
  kAnd,
  kEq,
  kNeq,
  kEqRegex,
  kNeqRegex,
  kLt,
  kLte,
  kGt,
  kGte,
  kAdd,
  kSub,
  kBitOr,
  kBitXor,
  kMul,
  kDiv,
  kMod,
  kBitAnd,
  // punctuation
  kLparen,
  kRparen,
  kComma,
  kColon,
  kDoubleColon,
  kSemicolon,
  kDot,
  // keywords
  kTrue,
  kFalse,
  kAll,
  kAlter,
  kAnalyze,
  kAny,
  kAs,
  kAsc,
  kBegin,
  kBy,
  kCardinality,
  kCreate,
  kContinuous,
  kDatabase,
  kDatabases,
  kDefault,
  kDelete,
  kDesc,
  kDestinations,
  kDiagnostics,
  kDistinct,
  kDrop,
  kDurationWord,
  kEnd,
  kEvery,
  kExact,
  kExplain,
  kField,
  kFor,
  kFrom,
  kGrant,
  kGrants,
  kGroup,
  kGroups,
  kIn,
  kInf,
  kInsert,
  kInto,
  kKey,
  kKeys,
  kKill,
  kLimit,
  kMeasurement,
  kMeasurements,
  kName,
  kOffset,
  kOn,
  kOrder,
  kPassword,
  kPolicy,
  kPolicies,
  kPrivileges,
  kQueries,
  kQuery,
  kRead,
  kReplication,
  kResample,
  kRetention,
  kRevoke,
  kSelect,
  kSeries,
  kSet,
  kShow,
  kShard,
  kShards,
  kSlimit,
  kSoffset,
  kStats,
  kSubscription,
  kSubscriptions,
  kTag,
  kTo,
  kUser,
  kUsers,
  kValues,
  kWhere,
  kWith,
  kWrite,
};

/// As error messages and canonical statements print it: "SELECT", "=~", "EOF".
std::string_view to_string(Token token);
/// 1 (OR) to 5 (* / % &); 0 for what is no operator.
int precedence(Token token);
inline bool is_operator(Token token) {
  return precedence(token) > 0;
}
/// kIdent for a word that is not reserved; letter case does not matter.
Token keyword(std::string_view word);

/// Where a token stands; printed 1-based. Counted in code points.
struct Position {
  int line = 0;
  int character = 0;
};

struct Lexeme {
  Token token = Token::kEof;
  Position position;
  std::string text;  ///< empty for keywords and punctuation
};

/// A cursor over the text, which must outlive it. Copyable: a copy is a place to come back to.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Lexeme next();
  /// Reads `/.../` from here on; the text of kRegex has `\/` already turned into `/`.
  Lexeme next_regex();
  /// The next code point, 0 at the end, without taking it.
  char32_t peek() const;
  void skip_space();

 private:
  struct Rune {
    char32_t value;
    Position position;
  };
  Rune read();
  char32_t decode(std::size_t& offset) const;
  std::string scan_bare_word();
  Lexeme scan_word(bool reserved);
  Lexeme scan_number();
  Lexeme scan_quoted();
  std::string scan_digits();
  Lexeme scan_operator(Rune first);
  bool take_if(char32_t wanted);
  bool skip_block_comment();
  void skip_line();

  std::string_view text_;
  std::size_t offset_ = 0;
  Position position_;   // of the next code point
  Position previous_;   // of the code point before it
  bool ended_ = false;  // the end was read once; it counts as one character
};

}  // namespace gpuscale::influxql
