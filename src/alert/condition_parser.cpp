// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "alert/condition.h"
#include "alert/condition_lexer.h"
#include "alert/facts.h"
#include "base/ascii.h"
#include "base/duration.h"

namespace gpuscale::alert {
namespace {

using Kind = Condition::Kind;

struct RelationWord {
  std::string_view word;
  Relation relation;
};
constexpr std::array<RelationWord, 8> kRelationWords = {{{">", Relation::kAbove},
                                                         {"above", Relation::kAbove},
                                                         {">=", Relation::kAtLeast},
                                                         {"<", Relation::kBelow},
                                                         {"below", Relation::kBelow},
                                                         {"<=", Relation::kAtMost},
                                                         {"==", Relation::kEqual},
                                                         {"!=", Relation::kNotEqual}}};
constexpr std::string_view kTests =
    "one of >, >=, <, <=, ==, !=, inside, outside, is absent, or one of +, -, *, /";

Condition joined(Kind kind, Condition left, Condition right) {
  Condition out;
  out.kind = kind;
  out.operands.push_back(std::move(left));
  out.operands.push_back(std::move(right));
  return out;
}

std::string known_facts() {
  std::string out;
  for (const std::string_view fact : kKnownFacts) out += (out.empty() ? "" : ", ") + std::string(fact);
  return out;
}

class ConditionParser {
 public:
  explicit ConditionParser(std::string_view text) : lexer_(text) {}

  Result<Condition> parse() {
    GS_TRY(Condition condition, parse_condition());
    if (lexer_.token().kind != Token::Kind::kEnd) {
      return lexer_.unexpected(condition.is_number() ? kTests : "\"and\", \"or\" or the end");
    }
    if (condition.is_number()) return lexer_.unexpected(kTests);
    return condition;
  }

 private:
  Result<void> expect(std::string_view word) {
    if (lexer_.take(word)) return {};
    return lexer_.unexpected('"' + std::string(word) + '"');
  }
  static Result<void> need(const Condition& part, bool number, const Token& place, std::string_view by) {
    if (part.is_number() == number) return {};
    return ConditionLexer::at(
        place, '"' + std::string(by) + "\" takes " +
                   (number ? "numbers, and this is a condition: " : "conditions, and this is a number: ") +
                   to_text(part));
  }

  Result<Condition> parse_condition() { return parse_chain(Kind::kOr); }

  /// One operand, or several joined by the word of `kind`.
  Result<Condition> parse_chain(Kind kind) {
    const bool is_or = kind == Kind::kOr;
    const std::string_view word = is_or ? "or" : "and";
    const auto operand = [&] { return is_or ? parse_chain(Kind::kAnd) : parse_negation(); };
    Token place = lexer_.token();
    GS_TRY(Condition first, operand());
    if (!lexer_.is(word)) return first;
    GS_CHECK(need(first, false, place, word));
    Condition chain;
    chain.kind = kind;
    chain.operands.push_back(std::move(first));
    while (lexer_.take(word)) {
      place = lexer_.token();
      GS_TRY(Condition next, operand());
      GS_CHECK(need(next, false, place, word));
      chain.operands.push_back(std::move(next));
    }
    return chain;
  }

  Result<Condition> parse_negation() {
    if (!lexer_.is("not")) return parse_test();
    GS_CHECK(deepen());
    lexer_.advance();
    const Token place = lexer_.token();
    GS_TRY(Condition inner, parse_negation());
    --depth_;
    GS_CHECK(need(inner, false, place, "not"));
    Condition out;
    out.kind = Kind::kNot;
    out.operands.push_back(std::move(inner));
    return out;
  }

  Result<Condition> parse_test() {
    const Token place = lexer_.token();
    GS_TRY(Condition left, parse_sum());
    const auto found = std::find_if(kRelationWords.begin(), kRelationWords.end(),
                                    [this](const RelationWord& each) { return lexer_.is(each.word); });
    Condition test;
    test.kind = Kind::kTest;
    const std::string by = base::to_lower(lexer_.token().text);
    if (found != kRelationWords.end()) {
      test.relation = found->relation;
    } else if (lexer_.is("is") || lexer_.is("has")) {
      test.relation = Relation::kAbsent;
    } else if (lexer_.is("inside") || lexer_.is("within") || lexer_.is("outside")) {
      test.relation = lexer_.is("outside") ? Relation::kOutside : Relation::kInside;
    } else {
      return left;
    }
    GS_CHECK(need(left, true, place, by));
    lexer_.advance();
    test.operands.push_back(std::move(left));
    if (test.relation == Relation::kAbsent) {
      GS_CHECK(by == "is" ? expect("absent") : expect_no_value());
      return test;
    }
    if (found != kRelationWords.end()) {
      GS_CHECK(parse_operand_of(test, by));
      return test;
    }
    GS_CHECK(expect("("));
    GS_CHECK(parse_operand_of(test, by));
    GS_CHECK(expect(","));
    GS_CHECK(parse_operand_of(test, by));
    GS_CHECK(expect(")"));
    order_bounds(test);
    return test;
  }

  Result<void> expect_no_value() {
    GS_CHECK(expect("no"));
    return expect("value");
  }

  Result<void> parse_operand_of(Condition& test, std::string_view by) {
    const Token place = lexer_.token();
    GS_TRY(Condition operand, parse_sum());
    GS_CHECK(need(operand, true, place, by));
    test.operands.push_back(std::move(operand));
    return {};
  }

  static void order_bounds(Condition& test) {
    Condition& low = test.operands[1];
    Condition& high = test.operands[2];
    if (low.kind == Kind::kLiteral && high.kind == Kind::kLiteral && low.literal > high.literal) {
      std::swap(low, high);
    }
  }

  Result<Condition> parse_sum() { return parse_arithmetic(true); }

  Result<Condition> parse_arithmetic(bool sum) {
    const auto operand = [&] { return sum ? parse_arithmetic(false) : parse_factor(); };
    Token left_place = lexer_.token();
    GS_TRY(Condition left, operand());
    while (lexer_.is(sum ? "+" : "*") || lexer_.is(sum ? "-" : "/")) {
      const Token by = lexer_.token();
      const Kind kind = by.text == "+"   ? Kind::kAdd
                        : by.text == "-" ? Kind::kSubtract
                        : by.text == "*" ? Kind::kMultiply
                                         : Kind::kDivide;
      if (++operations_ > kMostOperations) return lexer_.unexpected("a shorter calculation");
      GS_CHECK(need(left, true, left_place, by.text));
      lexer_.advance();
      const Token place = lexer_.token();
      GS_TRY(Condition right, operand());
      GS_CHECK(need(right, true, place, by.text));
      if (kind == Kind::kDivide && right.kind == Kind::kLiteral && right.literal == 0) {
        return ConditionLexer::at(place, "division by zero");
      }
      left = joined(kind, std::move(left), std::move(right));
      left_place = place;
    }
    return left;
  }

  Result<void> deepen() {
    if (++depth_ <= kMaxConditionDepth) return {};
    return lexer_.unexpected("no deeper brackets");
  }

  Result<Condition> parse_factor() {
    const Token place = lexer_.token();
    if (lexer_.is("-") || lexer_.is("+")) {
      const bool negative = lexer_.is("-");
      GS_CHECK(deepen());
      lexer_.advance();
      GS_TRY(Condition inner, parse_factor());
      --depth_;
      GS_CHECK(need(inner, true, place, place.text));
      return negative ? negated(std::move(inner)) : std::move(inner);
    }
    if (lexer_.is("(")) {
      GS_CHECK(deepen());
      lexer_.advance();
      GS_TRY(Condition inner, parse_condition());
      --depth_;
      GS_CHECK(expect(")"));
      inner.bracketed = true;
      return inner;
    }
    if (place.kind == Token::Kind::kNumber) return parse_literal();
    if (place.kind == Token::Kind::kWord) return parse_word();
    return lexer_.unexpected("a number, a fact of the pool, \"(\" or one of " +
                             std::string(known_reducers()));
  }

  static Condition negated(Condition inner) {
    if (inner.kind == Kind::kLiteral) {
      inner.literal = -inner.literal;
      return inner;
    }
    Condition out;
    out.kind = Kind::kNegate;
    out.operands.push_back(std::move(inner));
    return out;
  }

  Result<double> parse_number(std::string_view expected) {
    const std::string_view digits = lexer_.token().text;
    double value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (lexer_.token().kind != Token::Kind::kNumber || error != std::errc{} ||
        end != digits.data() + digits.size() || !std::isfinite(value)) {
      return lexer_.unexpected(expected);
    }
    lexer_.advance();
    return value;
  }

  Result<Condition> parse_literal() {
    Condition out;
    GS_TRY(out.literal, parse_number("a number"));
    return out;
  }

  /// A reduction or a fact.
  Result<Condition> parse_word() {
    const Token word = lexer_.token();
    const std::string name = base::to_lower(word.text);
    Condition out;
    if (const auto reducer = parse_reducer(name)) {
      out.kind = Kind::kReduction;
      out.reduction.reducer = *reducer;
      lexer_.advance();
      GS_CHECK(parse_arguments(out.reduction));
      return out;
    }
    if (std::find(kKnownFacts.begin(), kKnownFacts.end(), name) != kKnownFacts.end()) {
      lexer_.advance();
      out.kind = Kind::kFact;
      out.fact = name;
      return out;
    }
    return lexer_.unexpected("one of " + std::string(known_reducers()) +
                             ", or a fact of the pool: " + known_facts());
  }

  Result<void> parse_arguments(Reduction& out) {
    GS_CHECK(expect("("));
    const Token query = lexer_.token();
    if (query.kind != Token::Kind::kWord) return lexer_.unexpected("the name of a query");
    out.query = std::string(query.text);
    lexer_.advance();
    GS_CHECK(expect(","));
    if (out.reducer == Reducer::kPercentile) {
      const Token place = lexer_.token();
      GS_TRY(out.percent, parse_number("a percentile such as 99"));
      if (out.percent < 0 || out.percent > 100) {
        return ConditionLexer::at(place, "a percentile is from 0 to 100");
      }
      GS_CHECK(expect(","));
    }
    const Token place = lexer_.token();
    GS_TRY(out.window, parse_span("a window such as 1m"));
    if (out.window <= Nanos{0}) return ConditionLexer::at(place, "the window must be longer than 0");
    if (lexer_.take(",")) {
      GS_TRY(out.delay, parse_span("a delay such as 5s"));
    }
    return expect(")");
  }

  Result<Nanos> parse_span(std::string_view expected) {
    const auto span = base::parse_duration(lexer_.token().text);
    if (!span || *span < Nanos{0} || *span > std::chrono::hours{24 * 366}) return lexer_.unexpected(expected);
    lexer_.advance();
    return *span;
  }

  /// A chain of operators makes a tree as deep as it is long.
  static constexpr int kMostOperations = 64;
  ConditionLexer lexer_;
  int depth_ = 0;
  int operations_ = 0;
};

}  // namespace

Result<Condition> parse_condition(std::string_view text) {
  if (text.size() > kMaxConditionBytes) {
    return fail(Errc::kInvalidArgument,
                "is longer than " + std::to_string(kMaxConditionBytes) + " characters");
  }
  return ConditionParser(text).parse();
}

}  // namespace gpuscale::alert
