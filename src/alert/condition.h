// SPDX-License-Identifier: Apache-2.0
/// What a rule compares, as text and as a tree:
///
///     avg(C, 1m) > 45
///     avg(C, 1m) < 28 and max(Q, 30s, 5s) <= 2
///     (last(T, 1m) > 90 or last(P, 1m) outside (100, 650)) and count(C, 1m) >= 2
///
/// condition  = conjunction { "or" conjunction }
/// conjunction = primary { "and" primary }
/// primary    = "(" condition ")" | reducer "(" query "," window [ "," delay ] ")" test
/// test       = (">" | ">=" | "<" | "<=" | "==" | "!=") number
///            | ("inside" | "outside") "(" number "," number ")" | "is" "absent"
///
/// The window ends `delay` before now. Words count without case. Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "alert/reducer.h"
#include "base/result.h"
#include "base/time.h"

namespace gpuscale::alert {

struct Comparison {
  enum class Kind { kAbove, kAtLeast, kBelow, kAtMost, kEqual, kNotEqual, kInside, kOutside, kAbsent };
  Kind kind = Kind::kAbove;
  double low = 0;   ///< the number compared with; the lower bound of inside and outside
  double high = 0;  ///< the upper bound of these
};

/// Whether a value passes. No value passes kAbsent alone. Inside and outside are strict, as Grafana's are.
bool passes(const Comparison& test, std::optional<double> value);

struct Term {
  Reducer reducer = Reducer::kAvg;
  std::string query;  ///< "C"
  Nanos window{0};    ///< > 0
  Nanos delay{0};
  Comparison test;
};

struct Condition {
  enum class Kind { kTerm, kAnd, kOr };
  Kind kind = Kind::kTerm;
  Term term;                        ///< of a kTerm
  std::vector<Condition> operands;  ///< two or more, of the others
};

inline constexpr std::size_t kMaxConditionBytes = 4'096;
inline constexpr int kMaxConditionDepth = 32;

/// Errors: kInvalidArgument "character 12: found "foo", expected ...".
Result<Condition> parse_condition(std::string_view text);

/// "avg(C, 1m)".
std::string operand_text(const Term& term);
/// "> 45", "inside (20, 80)", "is absent".
std::string test_text(const Comparison& test);
/// The canonical form; parses to an equal tree.
std::string to_text(const Condition& condition);
/// The terms from left to right.
std::vector<const Term*> terms_of(const Condition& condition);

}  // namespace gpuscale::alert
