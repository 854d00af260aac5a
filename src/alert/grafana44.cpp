// SPDX-License-Identifier: Apache-2.0
#include "alert/grafana44.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace gpuscale::alert::grafana44 {
namespace {

using Kind = Condition::Kind;

struct NamedState {
  State state;
  std::string_view name;
};
constexpr std::array<NamedState, 5> kStateNames = {{{State::kPending, "pending"},
                                                    {State::kOk, "ok"},
                                                    {State::kAlerting, "alerting"},
                                                    {State::kNoData, "no_data"},
                                                    {State::kPaused, "paused"}}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string_view take_while(std::string_view& text, bool (*wanted)(char)) {
  std::size_t size = 0;
  while (size < text.size() && wanted(text[size])) ++size;
  const std::string_view taken = text.substr(0, size);
  text.remove_prefix(size);
  return taken;
}

/// What Go's time.ParseDuration takes.
bool is_go_duration(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return true;
  if (text.empty()) return false;
  while (!text.empty()) {
    const std::size_t whole = take_while(text, is_digit).size();
    std::size_t fraction = 0;
    if (text.starts_with('.')) {
      text.remove_prefix(1);
      fraction = take_while(text, is_digit).size();
    }
    if (whole + fraction == 0) return false;
    const std::string_view unit = take_while(text, [](char c) { return !is_digit(c) && c != '.'; });
    constexpr std::array<std::string_view, 8> kUnits = {"ns", "us", "\u00b5s", "\u03bcs",
                                                        "ms", "s",  "m",       "h"};
    if (std::find(kUnits.begin(), kUnits.end(), unit) == kUnits.end()) return false;
  }
  return true;
}

Comparison comparison_of(const Condition& test) {
  Comparison out;
  out.relation = test.relation;
  if (test.operands.size() > 1) out.low = test.operands[1].literal;
  if (test.operands.size() > 2) out.high = test.operands[2].literal;
  return out;
}

bool is_plain_test(const Condition& condition) {
  if (condition.kind != Kind::kTest || condition.bracketed) return false;
  if (condition.operands.front().kind != Kind::kReduction) return false;
  for (std::size_t i = 1; i < condition.operands.size(); ++i) {
    if (condition.operands[i].kind != Kind::kLiteral) return false;
  }
  return true;
}

/// `is_or` stands before the first of the condition's tests.
bool flatten(const Condition& condition, bool is_or, std::vector<Step>& out) {
  if (condition.kind == Kind::kTest) {
    out.push_back({is_or, &condition});
    return is_plain_test(condition);
  }
  if ((condition.kind != Kind::kAnd && condition.kind != Kind::kOr) || condition.bracketed) return false;
  for (std::size_t i = 0; i < condition.operands.size(); ++i) {
    if (!flatten(condition.operands[i], i == 0 ? is_or : condition.kind == Kind::kOr, out)) return false;
  }
  return true;
}

}  // namespace

Result<Comparison> read_evaluator(const nlohmann::json& evaluator) {
  constexpr std::array<std::pair<std::string_view, Relation>, 5> kTypes = {
      {{"gt", Relation::kAbove},
       {"lt", Relation::kBelow},
       {"within_range", Relation::kInside},
       {"outside_range", Relation::kOutside},
       {"no_value", Relation::kAbsent}}};
  const auto refused = [](const std::string& why) {
    return fail(Errc::kInvalidArgument, "Failed to extract alert.Reason: " + why + " ");
  };
  const std::string type = evaluator.is_object() ? evaluator.value("type", "") : "";
  if (type.empty()) return refused("Evaluator missing type property");
  const auto known =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& each) { return each.first == type; });
  if (known == kTypes.end()) return refused("Evaluator invalid evaluator type: " + type);
  Comparison out;
  out.relation = known->second;
  if (out.relation == Relation::kAbsent) return out;
  const auto params = evaluator.find("params");
  const std::size_t count = params == evaluator.end() || !params->is_array() ? 0 : params->size();
  const std::size_t needed = out.relation == Relation::kInside || out.relation == Relation::kOutside ? 2 : 1;
  if (count < needed) return refused("Evaluator missing threshold parameter");
  for (std::size_t i = 0; i < needed; ++i) {
    if (!(*params)[i].is_number()) return refused("Evaluator has invalid parameter");
  }
  out.low = (*params)[0].get<double>();
  if (needed == 2) out.high = (*params)[1].get<double>();
  return out;
}

Found look(std::optional<Reducer> reducer, const Comparison& test,
           const std::vector<datasource::Series>& series) {
  Found found;
  std::size_t empty = 0;
  for (const datasource::Series& each : series) {
    const auto value = reducer ? reduce(*reducer, each.samples) : std::nullopt;
    if (!value) ++empty;
    if (passes(test, value)) found.matches.push_back({each.name, value});
  }
  if (series.empty() && passes(test, std::nullopt)) found.matches.push_back({"NoData", std::nullopt});
  found.firing = !found.matches.empty();
  found.no_data = empty == series.size();
  return found;
}

Combined combine(const std::vector<Link>& links) {
  Combined out;
  for (std::size_t i = 0; i < links.size(); ++i) {
    const Link& link = links[i];
    if (!link.found) {
      out.error = true;
      break;
    }
    out.firing = link.is_or ? out.firing || link.found->firing : out.firing && link.found->firing;
    out.no_data = link.is_or ? out.no_data || link.found->no_data : out.no_data && link.found->no_data;
    if (i == 0) {
      out.evals = out.firing ? "true" : "false";
    } else {
      out.evals =
          "[" + out.evals + (link.is_or ? " OR " : " AND ") + (link.found->firing ? "true]" : "false]");
    }
  }
  out.evals += out.firing ? " = true" : " = false";
  return out;
}

std::string_view to_string(State state) {
  for (const NamedState& each : kStateNames) {
    if (each.state == state) return each.name;
  }
  return "?";
}

std::optional<State> parse_state(std::string_view text) {
  for (const NamedState& each : kStateNames) {
    if (each.name == text) return each.state;
  }
  return std::nullopt;
}

Transition advance(State state, Seen seen, const Options& options) {
  std::optional<State> next;
  switch (seen) {
    case Seen::kError:
      if (!options.keep_on_error) next = State::kAlerting;
      break;
    case Seen::kFiring:
      next = State::kAlerting;
      break;
    case Seen::kNoData:
      next = options.on_no_data;
      break;
    case Seen::kOk:
      next = State::kOk;
      break;
  }
  Transition out;
  out.state = next.value_or(state);
  out.changed = out.state != state;
  out.notify = out.changed && !(state == State::kPending && out.state == State::kOk);
  return out;
}

std::optional<std::vector<Step>> chain_of(const Condition& condition) {
  std::vector<Step> out;
  if (!flatten(condition, false, out)) return std::nullopt;
  return out;
}

Evaluation evaluate(const Condition& condition, const std::vector<const Answer*>& answers) {
  Evaluation out;
  const auto chain = chain_of(condition);
  std::vector<Link> links;
  for (std::size_t i = 0; chain && i < chain->size(); ++i) {
    const Condition& test = *(*chain)[i].test;
    const Reduction& reduction = test.operands.front().reduction;
    const Answer& answer = *answers.at(i);
    Link link{(*chain)[i].is_or, std::nullopt};
    if (!answer) {
      out.error = "query " + reduction.query + ": " + answer.error().message();
      links.push_back(std::move(link));
      break;
    }
    for (const datasource::Series& series : *answer) {
      for (const datasource::Sample& sample : series.samples) {
        if (sample.value) out.newest_sample = std::max(out.newest_sample.value_or(sample.at), sample.at);
      }
    }
    link.found = look(reduction.reducer, comparison_of(test), *answer);
    for (const Match& match : link.found->matches) {
      if (out.values.size() >= kMaxValues) break;
      out.values.push_back({{"metric", match.metric},
                            {"value", match.value ? nlohmann::json(*match.value) : nlohmann::json()},
                            {"tags", nullptr},
                            {"matched", true}});
    }
    links.push_back(std::move(link));
  }
  const Combined combined = combine(links);
  out.explanation = out.error.empty() ? combined.evals : out.error;
  out.outcome = combined.error     ? Outcome::kError
                : combined.firing  ? Outcome::kTrue
                : combined.no_data ? Outcome::kAbsent
                                   : Outcome::kFalse;
  return out;
}

Result<std::int64_t> parse_frequency(std::string_view text) {
  std::string_view rest = text;
  const std::string_view digits = take_while(rest, is_digit);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  constexpr std::int64_t kMost = 366 * 24 * 3600;
  if (digits.empty() || error != std::errc{} || value > kMost) {
    return fail(Errc::kInvalidArgument,
                "frequency \"" + std::string(text) + "\" must begin with digits, as 60s or 5m");
  }
  const char unit = text.back();
  return value * (unit == 'm' ? 60 : unit == 'h' ? 3600 : 1);
}

bool is_valid_from(std::string_view text) {
  return is_go_duration(text);
}

bool is_valid_to(std::string_view text) {
  if (text == "now") return true;
  if (text.starts_with("now-")) text.remove_prefix(4);
  return is_go_duration(text);
}

}  // namespace gpuscale::alert::grafana44
