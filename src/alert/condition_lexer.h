// SPDX-License-Identifier: Apache-2.0
/// Private to the room: a condition's words with their places.
#pragma once
#include <string>
#include <string_view>

#include "base/error.h"

namespace gpuscale::alert {

/// A word, a number with its unit, an operator or a bracket; empty at the end.
struct Token {
  enum class Kind { kEnd, kWord, kNumber, kSymbol };
  Kind kind = Kind::kEnd;
  std::string_view text;
  int line = 1;    ///< from 1
  int column = 1;  ///< from 1, in bytes
};

class ConditionLexer {
 public:
  explicit ConditionLexer(std::string_view text) : text_(text) { advance(); }

  const Token& token() const { return token_; }
  void advance();
  /// Whether the token is this word or symbol, without case; it is then passed.
  bool take(std::string_view word);
  bool is(std::string_view word) const;

  /// "line 1, column 4: found "x", expected <expected>".
  Error unexpected(std::string_view expected) const;
  /// "line 1, column 4: <text>", at `place`.
  static Error at(const Token& place, std::string_view text);

 private:
  void skip_blanks();
  std::size_t end_of_token(Token::Kind kind) const;

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_begin_ = 0;
  int line_ = 1;
  Token token_;
};

}  // namespace gpuscale::alert
