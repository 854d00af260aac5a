// SPDX-License-Identifier: Apache-2.0
#include "alert/condition.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

#include "base/ascii.h"
#include "base/duration.h"

namespace gpuscale::alert {
namespace {

bool is_word_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// A word, a number with its unit, an operator or a bracket; empty at the end.
struct Token {
  std::string_view text;
  std::size_t position = 0;  ///< from 1
};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) { advance(); }

  Result<Condition> parse() {
    if (text_.size() > kMaxConditionBytes) {
      return fail(Errc::kInvalidArgument,
                  "is longer than " + std::to_string(kMaxConditionBytes) + " characters");
    }
    GS_TRY(Condition condition, parse_or(0));
    if (!token_.text.empty()) return unexpected("\"and\", \"or\" or the end");
    return condition;
  }

 private:
  void advance() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    const std::size_t begin = at_;
    if (at_ < text_.size()) {
      const char c = text_[at_];
      const bool number =
          std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '+' || c == '.';
      if (number || is_word_char(c)) {
        ++at_;
        // A number may hold a point and an exponent: "1.5e-3"; a duration is letters after digits: "1m30s".
        while (at_ < text_.size() &&
               (is_word_char(text_[at_]) || (number && (text_[at_] == '.' || is_exponent_sign())))) {
          ++at_;
        }
      } else {
        ++at_;
        if (at_ < text_.size() && text_[at_] == '=' && (c == '<' || c == '>' || c == '=' || c == '!')) ++at_;
      }
    }
    token_ = {text_.substr(begin, at_ - begin), begin + 1};
  }
  bool is_exponent_sign() const {
    return (text_[at_] == '-' || text_[at_] == '+') && (text_[at_ - 1] == 'e' || text_[at_ - 1] == 'E');
  }

  Error unexpected(std::string_view expected) const {
    const std::string found = token_.text.empty() ? "the end" : '"' + std::string(token_.text) + '"';
    return fail(Errc::kInvalidArgument, "character " + std::to_string(token_.position) + ": found " + found +
                                            ", expected " + std::string(expected));
  }
  bool take(std::string_view word) {
    if (base::to_lower(token_.text) != word) return false;
    advance();
    return true;
  }
  Result<void> expect(std::string_view word) {
    if (take(word)) return {};
    return unexpected('"' + std::string(word) + '"');
  }

  Result<Condition> parse_or(int depth) { return parse_chain(depth, Condition::Kind::kOr); }

  /// One operand, or several joined by the word of `kind`.
  Result<Condition> parse_chain(int depth, Condition::Kind kind) {
    const bool is_or = kind == Condition::Kind::kOr;
    const auto operand = [&] {
      return is_or ? parse_chain(depth, Condition::Kind::kAnd) : parse_primary(depth);
    };
    GS_TRY(Condition first, operand());
    Condition chain{kind, {}, {}};
    chain.operands.push_back(std::move(first));
    while (take(is_or ? "or" : "and")) {
      GS_TRY(Condition next, operand());
      chain.operands.push_back(std::move(next));
    }
    if (chain.operands.size() > 1) return chain;
    Condition only = std::move(chain.operands.front());
    return only;
  }

  Result<Condition> parse_primary(int depth) {
    if (token_.text == "(") {
      if (depth >= kMaxConditionDepth) return unexpected("no deeper brackets");
      advance();
      GS_TRY(Condition inner, parse_or(depth + 1));
      GS_CHECK(expect(")"));
      return inner;
    }
    Condition condition;
    GS_TRY(condition.term, parse_term());
    return condition;
  }

  Result<Term> parse_term() {
    Term term;
    const auto reducer = parse_reducer(base::to_lower(token_.text));
    if (!reducer) return unexpected("\"(\" or one of " + std::string(known_reducers()));
    term.reducer = *reducer;
    advance();
    GS_CHECK(expect("("));
    if (token_.text.empty() || !is_word_char(token_.text.front())) return unexpected("the name of a query");
    term.query = std::string(token_.text);
    advance();
    GS_CHECK(expect(","));
    GS_TRY(term.window, parse_span("a window such as 1m"));
    if (term.window <= Nanos{0}) return fail(Errc::kInvalidArgument, "the window must be longer than 0");
    if (take(",")) {
      GS_TRY(term.delay, parse_span("a delay such as 5s"));
    }
    GS_CHECK(expect(")"));
    GS_TRY(term.test, parse_test());
    return term;
  }

  Result<Nanos> parse_span(std::string_view expected) {
    const auto span = base::parse_duration(token_.text);
    if (!span || *span < Nanos{0} || *span > std::chrono::hours{24 * 366}) return unexpected(expected);
    advance();
    return *span;
  }

  Result<double> parse_number() {
    std::string_view digits = token_.text;
    if (digits.starts_with('+')) digits.remove_prefix(1);
    double value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size() || !std::isfinite(value)) {
      return unexpected("a number");
    }
    advance();
    return value;
  }

  Result<Comparison> parse_test() {
    using Kind = Comparison::Kind;
    struct Operator {
      std::string_view text;
      Kind kind;
    };
    constexpr std::array<Operator, 6> kOperators = {{{">", Kind::kAbove},
                                                     {">=", Kind::kAtLeast},
                                                     {"<", Kind::kBelow},
                                                     {"<=", Kind::kAtMost},
                                                     {"==", Kind::kEqual},
                                                     {"!=", Kind::kNotEqual}}};
    Comparison test;
    for (const Operator& each : kOperators) {
      if (token_.text != each.text) continue;
      advance();
      test.kind = each.kind;
      GS_TRY(test.low, parse_number());
      return test;
    }
    if (take("is")) {
      GS_CHECK(expect("absent"));
      test.kind = Kind::kAbsent;
      return test;
    }
    const bool inside = take("inside");
    if (!inside && !take("outside"))
      return unexpected("one of >, >=, <, <=, ==, !=, inside, outside, is absent");
    test.kind = inside ? Kind::kInside : Kind::kOutside;
    GS_CHECK(expect("("));
    GS_TRY(test.low, parse_number());
    GS_CHECK(expect(","));
    GS_TRY(test.high, parse_number());
    GS_CHECK(expect(")"));
    if (test.low > test.high) std::swap(test.low, test.high);  // either order, as Grafana takes them
    return test;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Token token_;
};

std::string number_text(double value) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

void collect(const Condition& condition, std::vector<const Term*>& out) {
  if (condition.kind == Condition::Kind::kTerm) {
    out.push_back(&condition.term);
    return;
  }
  for (const Condition& operand : condition.operands) collect(operand, out);
}

}  // namespace

bool passes(const Comparison& test, std::optional<double> value) {
  if (test.kind == Comparison::Kind::kAbsent) return !value;
  if (!value) return false;
  switch (test.kind) {
    case Comparison::Kind::kAbove:
      return *value > test.low;
    case Comparison::Kind::kAtLeast:
      return *value >= test.low;
    case Comparison::Kind::kBelow:
      return *value < test.low;
    case Comparison::Kind::kAtMost:
      return *value <= test.low;
    case Comparison::Kind::kEqual:
      return *value == test.low;
    case Comparison::Kind::kNotEqual:
      return *value != test.low;
    case Comparison::Kind::kInside:
      return *value > test.low && *value < test.high;
    case Comparison::Kind::kOutside:
      return *value < test.low || *value > test.high;
    case Comparison::Kind::kAbsent:
      break;
  }
  return false;
}

Result<Condition> parse_condition(std::string_view text) {
  return Parser(text).parse();
}

std::string operand_text(const Term& term) {
  std::string out(to_string(term.reducer));
  out += '(' + term.query + ", " + base::format_duration(term.window);
  if (term.delay > Nanos{0}) out += ", " + base::format_duration(term.delay);
  return out + ')';
}

std::string test_text(const Comparison& test) {
  switch (test.kind) {
    case Comparison::Kind::kAbove:
      return "> " + number_text(test.low);
    case Comparison::Kind::kAtLeast:
      return ">= " + number_text(test.low);
    case Comparison::Kind::kBelow:
      return "< " + number_text(test.low);
    case Comparison::Kind::kAtMost:
      return "<= " + number_text(test.low);
    case Comparison::Kind::kEqual:
      return "== " + number_text(test.low);
    case Comparison::Kind::kNotEqual:
      return "!= " + number_text(test.low);
    case Comparison::Kind::kInside:
      return "inside (" + number_text(test.low) + ", " + number_text(test.high) + ")";
    case Comparison::Kind::kOutside:
      return "outside (" + number_text(test.low) + ", " + number_text(test.high) + ")";
    case Comparison::Kind::kAbsent:
      return "is absent";
  }
  return "";
}

std::string to_text(const Condition& condition) {
  if (condition.kind == Condition::Kind::kTerm) {
    return operand_text(condition.term) + ' ' + test_text(condition.term.test);
  }
  std::string out;
  for (const Condition& operand : condition.operands) {
    if (!out.empty()) out += condition.kind == Condition::Kind::kAnd ? " and " : " or ";
    const bool bracket = operand.kind != Condition::Kind::kTerm;
    out += bracket ? '(' + to_text(operand) + ')' : to_text(operand);
  }
  return out;
}

std::vector<const Term*> terms_of(const Condition& condition) {
  std::vector<const Term*> out;
  collect(condition, out);
  return out;
}

}  // namespace gpuscale::alert
