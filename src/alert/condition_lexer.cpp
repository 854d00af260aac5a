// SPDX-License-Identifier: Apache-2.0
#include "alert/condition_lexer.h"

#include <cctype>

#include "base/ascii.h"
#include "base/result.h"

namespace gpuscale::alert {
namespace {

bool is_word_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

void ConditionLexer::skip_blanks() {
  for (; at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0; ++at_) {
    if (text_[at_] != '\n') continue;
    ++line_;
    line_begin_ = at_ + 1;
  }
}

std::size_t ConditionLexer::end_of_token(Token::Kind kind) const {
  std::size_t end = at_ + 1;
  if (kind == Token::Kind::kSymbol) {
    const char c = text_[at_];
    const bool may_be_two = c == '<' || c == '>' || c == '=' || c == '!';
    return may_be_two && end < text_.size() && text_[end] == '=' ? end + 1 : end;
  }
  const auto is_exponent_sign = [this](std::size_t i) {
    return (text_[i] == '-' || text_[i] == '+') && (text_[i - 1] == 'e' || text_[i - 1] == 'E') &&
           i + 1 < text_.size() && is_digit(text_[i + 1]);
  };
  // A number may hold a point and an exponent, "1.5e-3"; a duration is letters after digits, "1m30s".
  while (end < text_.size() && (is_word_char(text_[end]) || (kind == Token::Kind::kNumber &&
                                                             (text_[end] == '.' || is_exponent_sign(end))))) {
    ++end;
  }
  return end;
}

void ConditionLexer::advance() {
  skip_blanks();
  token_ = {Token::Kind::kEnd, {}, line_, static_cast<int>(at_ - line_begin_) + 1};
  if (at_ == text_.size()) return;
  const char c = text_[at_];
  const bool point = c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]);
  token_.kind = is_digit(c) || point ? Token::Kind::kNumber
                : is_word_char(c)    ? Token::Kind::kWord
                                     : Token::Kind::kSymbol;
  const std::size_t end = end_of_token(token_.kind);
  token_.text = text_.substr(at_, end - at_);
  at_ = end;
}

bool ConditionLexer::is(std::string_view word) const {
  return token_.kind != Token::Kind::kEnd && base::equal_ignoring_case(token_.text, word);
}

bool ConditionLexer::take(std::string_view word) {
  if (!is(word)) return false;
  advance();
  return true;
}

Error ConditionLexer::unexpected(std::string_view expected) const {
  const std::string found =
      token_.kind == Token::Kind::kEnd ? "the end" : '"' + std::string(token_.text) + '"';
  return at(token_, "found " + found + ", expected " + std::string(expected));
}

Error ConditionLexer::at(const Token& place, std::string_view text) {
  return fail(Errc::kInvalidArgument, "line " + std::to_string(place.line) + ", column " +
                                          std::to_string(place.column) + ": " + std::string(text));
}

}  // namespace gpuscale::alert
