// SPDX-License-Identifier: Apache-2.0
/// What a rule asks, as text and as a tree:
///
///     avg(C, 1m) > 45
///     avg(C, 1m) < 28 and max(Q, 30s, 5s) <= 2
///     last(Q, 10s) / ready_nodes > 4 and not (last(T, 1m) is absent)
///     (percentile(L, 99, 1m) > 2 * avg(L, 5m) or last(P, 1m) outside (100, 650)) and count(C, 1m) >= 2
///
/// condition = conjunction { "or" conjunction }      conjunction = negation { "and" negation }
/// negation  = [ "not" ] test
/// test      = number [ relation number | ("inside" | "within" | "outside") "(" number "," number ")"
///                    | "is" "absent" | "has" "no" "value" ]
/// relation  = ">" | "above" | ">=" | "<" | "below" | "<=" | "==" | "!="
/// number    = product { ("+" | "-") product }       product = factor { ("*" | "/") factor }
/// factor    = [ "-" ] ( literal | fact | reduction | "(" condition ")" )
/// reduction = reducer "(" query "," window [ "," delay ] ")" | "percentile" "(" query "," percent ","
///             window [ "," delay ] ")"
///
/// Everything has a type, number or condition; what does not fit is refused by line and column. A fact is a
/// number of the rule's pool (facts.h). The window ends `delay` before now. Words count without case. Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "alert/reducer.h"
#include "base/result.h"
#include "base/time.h"

namespace gpuscale::alert {

enum class Relation { kAbove, kAtLeast, kBelow, kAtMost, kEqual, kNotEqual, kInside, kOutside, kAbsent };

/// A relation with the numbers that it compares with.
struct Comparison {
  Relation relation = Relation::kAbove;
  double low = 0;   ///< the number compared with; one bound of inside and outside
  double high = 0;  ///< the other
};

/// Whether a value passes. No value passes kAbsent alone. Inside and outside are strict and take their bounds
/// in either order, as Grafana's do.
bool passes(const Comparison& test, std::optional<double> value);

struct Reduction {
  Reducer reducer = Reducer::kAvg;
  double percent = 0;  ///< of kPercentile
  std::string query;   ///< "C"
  Nanos window{0};     ///< > 0
  Nanos delay{0};
};

struct Condition {
  enum class Kind {
    // numbers
    kLiteral,
    kFact,
    kReduction,
    kNegate,
    kAdd,
    kSubtract,
    kMultiply,
    kDivide,
    // conditions
    kTest,
    kNot,
    kAnd,
    kOr,
  };
  Kind kind = Kind::kLiteral;
  double literal = 0;
  std::string fact;
  Reduction reduction;
  Relation relation = Relation::kAbove;  ///< of a kTest
  /// kNegate, kNot: one. Arithmetic: two. kTest: the number tested, then what it is compared with: none
  /// (kAbsent), two (kInside, kOutside) or one. kAnd, kOr: two or more.
  std::vector<Condition> operands;
  bool bracketed = false;  ///< was written in brackets

  bool is_number() const { return kind < Kind::kTest; }
};

inline constexpr std::size_t kMaxConditionBytes = 4'096;
inline constexpr int kMaxConditionDepth = 32;

/// Errors: kInvalidArgument "line 1, column 12: found "foo", expected ...".
Result<Condition> parse_condition(std::string_view text);

/// "avg(C, 1m)".
std::string to_text(const Reduction& reduction);
/// The canonical form; parses to an equal tree.
std::string to_text(const Condition& condition);
/// The right side of a kTest: "> 45", "inside (20, 80)", "is absent".
std::string test_text(const Condition& test);
/// The reductions from left to right.
std::vector<const Reduction*> reductions_of(const Condition& condition);
/// The facts that are named, each once.
std::vector<std::string> facts_of(const Condition& condition);

}  // namespace gpuscale::alert
