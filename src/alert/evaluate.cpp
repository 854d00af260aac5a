// SPDX-License-Identifier: Apache-2.0
#include "alert/evaluate.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <unordered_map>

namespace gpuscale::alert {
namespace {

using Kind = Condition::Kind;

std::string short_number(double value) {
  std::array<char, 32> buffer{};
  const int size = std::snprintf(buffer.data(), buffer.size(), "%.4g", value);
  return {buffer.data(), static_cast<std::size_t>(size)};
}

nlohmann::json tags_of(const metrics::Tags& tags) {
  if (tags.empty()) return nullptr;
  nlohmann::json out = nlohmann::json::object();
  for (const metrics::Tag& tag : tags) out[tag.key] = tag.value;
  return out;
}

std::string key_of(const metrics::Tags& tags) {
  std::string out;
  for (const metrics::Tag& tag : tags) out += tag.key + '\1' + tag.value + '\2';
  return out;
}

/// A number of one series, or of none (a literal, a fact).
struct Element {
  std::string name;
  metrics::Tags tags;
  std::optional<double> value;
};
using Numbers = std::vector<Element>;

/// A condition as a whole, and per label set where that is asked for.
struct Verdict {
  Outcome whole = Outcome::kAbsent;
  std::vector<Instance> each;
};

Outcome negated(Outcome outcome) {
  if (outcome == Outcome::kTrue) return Outcome::kFalse;
  return outcome == Outcome::kFalse ? Outcome::kTrue : outcome;
}

Outcome joined(Outcome a, Outcome b, bool is_and) {
  const Outcome decisive = is_and ? Outcome::kFalse : Outcome::kTrue;
  if (a == decisive || b == decisive) return decisive;
  if (a == Outcome::kAbsent || b == Outcome::kAbsent) return Outcome::kAbsent;
  return is_and ? Outcome::kTrue : Outcome::kFalse;
}

/// Looks at the reductions from left to right; each takes the next of the answers.
class Evaluator {
 public:
  Evaluator(const std::vector<const Answer*>& answers, const Facts& facts, Granularity granularity)
      : answers_(answers), facts_(facts), per_series_(granularity == Granularity::kPerSeries) {}

  Evaluation run(const Condition& condition) {
    Verdict verdict = judge(condition);
    evaluation_.outcome = verdict.whole;
    evaluation_.instances = std::move(verdict.each);
    if (evaluation_.instances.size() > kMaxInstances) {
      complain("more than " + std::to_string(kMaxInstances) + " series; narrow the query");
    }
    if (!evaluation_.error.empty()) {
      evaluation_.outcome = Outcome::kError;
      evaluation_.explanation = evaluation_.error;
      evaluation_.instances.clear();
    }
    return std::move(evaluation_);
  }

 private:
  void complain(std::string error) {
    if (evaluation_.error.empty()) evaluation_.error = std::move(error);
  }

  Verdict judge(const Condition& condition) {
    switch (condition.kind) {
      case Kind::kTest:
        return test(condition);
      case Kind::kNot: {
        Verdict verdict = judge(condition.operands.front());
        verdict.whole = negated(verdict.whole);
        for (Instance& each : verdict.each) each.outcome = negated(each.outcome);
        return verdict;
      }
      default:
        break;
    }
    const bool is_and = condition.kind == Kind::kAnd;
    Verdict whole = judge(condition.operands.front());
    // Every operand is looked at, also once the answer is known: the explanation names them all.
    for (std::size_t i = 1; i < condition.operands.size(); ++i) {
      Verdict part = judge(condition.operands[i]);
      whole.whole = joined(whole.whole, part.whole, is_and);
      whole.each = join_instances(std::move(whole.each), std::move(part.each), is_and);
    }
    return whole;
  }

  static std::vector<Instance> join_instances(std::vector<Instance> a, std::vector<Instance> b, bool is_and) {
    const auto is_common = [](const std::vector<Instance>& side) {
      return side.size() == 1 && side.front().labels.empty();
    };
    if (is_common(a) && !is_common(b)) std::swap(a, b);
    if (is_common(b)) {
      for (Instance& each : a) each.outcome = joined(each.outcome, b.front().outcome, is_and);
      return a;
    }
    std::unordered_map<std::string, Instance*> others;
    for (Instance& each : b) others.emplace(key_of(each.labels), &each);
    for (Instance& each : a) {
      const auto other = others.find(key_of(each.labels));
      const bool met = other != others.end();
      each.outcome = joined(each.outcome, met ? other->second->outcome : Outcome::kAbsent, is_and);
      if (met) others.erase(other);
    }
    // In the order of `b`, so that the same answers give the same list.
    for (Instance& each : b) {
      if (!others.contains(key_of(each.labels))) continue;
      each.outcome = joined(each.outcome, Outcome::kAbsent, is_and);
      a.push_back(std::move(each));
    }
    return a;
  }

  Numbers number(const Condition& part) {
    switch (part.kind) {
      case Kind::kLiteral:
        return {{"", {}, part.literal}};
      case Kind::kFact: {
        const auto found = facts_.find(part.fact);
        return {{"", {}, found == facts_.end() ? std::nullopt : std::optional(found->second)}};
      }
      case Kind::kReduction:
        return reduced(part.reduction);
      case Kind::kNegate: {
        Numbers out = number(part.operands.front());
        for (Element& each : out) {
          if (each.value) each.value = -*each.value;
        }
        return out;
      }
      default:
        break;
    }
    const Numbers left = number(part.operands[0]);
    const Numbers right = number(part.operands[1]);
    Numbers out;
    for (const auto& [a, b] : pair(left, right)) {
      const Element& named = a->tags.empty() && a->name.empty() ? *b : *a;
      out.push_back({named.name, named.tags, calculate(part.kind, a->value, b->value)});
    }
    return out;
  }

  static std::optional<double> calculate(Kind kind, std::optional<double> a, std::optional<double> b) {
    if (!a || !b) return std::nullopt;
    switch (kind) {
      case Kind::kAdd:
        return *a + *b;
      case Kind::kSubtract:
        return *a - *b;
      case Kind::kMultiply:
        return *a * *b;
      default:
        break;
    }
    if (*b == 0) return std::nullopt;
    return *a / *b;
  }

  using Pairs = std::vector<std::pair<const Element*, const Element*>>;
  Pairs pair(const Numbers& left, const Numbers& right) {
    Pairs out;
    if (left.size() == 1 || right.size() == 1) {
      for (const Element& a : left) {
        for (const Element& b : right) out.emplace_back(&a, &b);
      }
      return out;
    }
    std::unordered_map<std::string, const Element*> others;
    for (const Element& b : right) {
      if (!others.emplace(key_of(b.tags), &b).second) {
        complain("two series have the same tags " + labels_text(b.tags) +
                 "; select one column, or group by what tells them apart");
      }
    }
    for (const Element& a : left) {
      const auto other = others.find(key_of(a.tags));
      if (other != others.end()) out.emplace_back(&a, other->second);
    }
    return out;
  }

  Numbers reduced(const Reduction& reduction) {
    const Answer& answer = *answers_.at(next_++);
    if (!answer) {
      complain("query " + reduction.query + ": " + answer.error().message());
      return {};
    }
    Numbers out;
    out.reserve(answer->size());
    for (const datasource::Series& series : *answer) {
      for (auto sample = series.samples.rbegin(); sample != series.samples.rend(); ++sample) {
        if (!sample->value) continue;
        evaluation_.newest_sample = std::max(evaluation_.newest_sample.value_or(sample->at), sample->at);
        break;
      }
      out.push_back({series.name, series.tags, reduce(reduction.reducer, series.samples, reduction.percent)});
    }
    return out;
  }

  /// The numbers of a test that belong together, for each series of the number tested.
  struct Tested {
    Element subject;
    Comparison against;
    bool comparable = true;  ///< every number compared with has a value
  };
  std::vector<Tested> tested(const Condition& test) {
    const Numbers left = number(test.operands.front());
    std::vector<Tested> out;
    if (test.operands.size() == 1) {
      for (const Element& each : left) out.push_back({each, {test.relation, 0, 0}});
      return out;
    }
    const Numbers low = number(test.operands[1]);
    const Numbers high = test.operands.size() == 3 ? number(test.operands[2]) : Numbers{};
    // The bounds of a range are literals, facts or single series; with several the first counts for all.
    const std::optional<double> upper = high.empty() ? std::optional(0.0) : high.front().value;
    for (const auto& [a, b] : pair(left, low)) {
      const Element& named = a->tags.empty() && a->name.empty() ? *b : *a;
      out.push_back({{named.name, named.tags, a->value},
                     {test.relation, b->value.value_or(0), upper.value_or(0)},
                     b->value.has_value() && upper.has_value()});
    }
    return out;
  }

  Verdict test(const Condition& condition) {
    const bool absence_wanted = condition.relation == Relation::kAbsent;
    Verdict verdict;
    bool any_value = false;
    bool any_match = false;
    const std::vector<Tested> all = tested(condition);
    const Tested* shown = nullptr;
    for (const Tested& each : all) {
      const bool answerable = absence_wanted || (each.subject.value && each.comparable);
      const bool matched = answerable && passes(each.against, each.subject.value);
      note(each.subject, matched);
      any_value = any_value || answerable;
      if (shown == nullptr || (matched && !any_match) ||
          (!any_match && !shown->subject.value && each.subject.value)) {
        shown = &each;
      }
      any_match = any_match || matched;
      if (per_series_) {
        verdict.each.push_back({each.subject.tags,
                                matched      ? Outcome::kTrue
                                : answerable ? Outcome::kFalse
                                             : Outcome::kAbsent,
                                each.subject.value});
      }
    }
    if (per_series_) refuse_twins(verdict.each);
    if (all.empty() && absence_wanted) any_match = true;
    explain(condition, shown == nullptr ? nullptr : &shown->subject, any_match, all.size() > 1);
    verdict.whole = any_match                     ? Outcome::kTrue
                    : any_value || absence_wanted ? Outcome::kFalse
                                                  : Outcome::kAbsent;
    return verdict;
  }

  void refuse_twins(const std::vector<Instance>& instances) {
    std::unordered_map<std::string, int> seen;
    for (const Instance& each : instances) {
      if (++seen[key_of(each.labels)] == 1) continue;
      complain("two series have the same tags " + labels_text(each.labels) +
               "; a rule with a state per series needs one column, grouped by what tells its series apart");
      return;
    }
  }

  void note(const Element& element, bool matched) {
    if (evaluation_.values.size() >= kMaxValues) return;
    evaluation_.values.push_back(
        {{"metric", element.name},
         {"value", element.value ? nlohmann::json(*element.value) : nlohmann::json()},
         {"tags", tags_of(element.tags)},
         {"matched", matched}});
  }

  void explain(const Condition& test, const Element* subject, bool matched, bool one_of_several) {
    std::string& text = evaluation_.explanation;
    if (!text.empty()) text += "; ";
    text += to_text(test.operands.front());
    if (subject == nullptr || !subject->value) {
      text += ": no data";
      return;
    }
    text += " = " + short_number(*subject->value) + (matched ? " " : ", not ") + test_text(test);
    if (one_of_several && !subject->name.empty()) text += " (" + subject->name + ")";
  }

  const std::vector<const Answer*>& answers_;
  const Facts& facts_;
  const bool per_series_;
  std::size_t next_ = 0;
  Evaluation evaluation_;
};

}  // namespace

Evaluation evaluate(const Condition& condition, const std::vector<Answer>& answers, const Facts& facts,
                    Granularity granularity) {
  std::vector<const Answer*> pointers;
  pointers.reserve(answers.size());
  for (const Answer& answer : answers) pointers.push_back(&answer);
  return evaluate(condition, pointers, facts, granularity);
}

Evaluation evaluate(const Condition& condition, const std::vector<const Answer*>& answers, const Facts& facts,
                    Granularity granularity) {
  return Evaluator(answers, facts, granularity).run(condition);
}

std::string labels_text(const metrics::Tags& labels) {
  if (labels.empty()) return "";
  std::string out;
  for (const metrics::Tag& tag : labels) out += (out.empty() ? "{" : ", ") + tag.key + "=" + tag.value;
  return out + "}";
}

}  // namespace gpuscale::alert
