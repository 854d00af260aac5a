// SPDX-License-Identifier: Apache-2.0
#include "scaling/replay.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <utility>

namespace gpuscale::scaling {
namespace {

/// Of an opinion only a digest is kept, its words included.
constexpr const char* kSameSize =
    ": the same size; what one of its policies wanted differs, or the words of a reason, as where another "
    "version of gpuscale writes them anew";

class Replay {
 public:
  explicit Replay(TimeRange range) : range_(range) {}

  Result<void> decision(const DecisionJournal::Decision& made) {
    auto inputs = decode_inputs(made.inputs);
    if (!inputs) {
      damaged("decision " + std::to_string(made.id), inputs.error());
      return {};
    }
    const std::string kind(name_of(*inputs));
    ++(kind == "pass" ? report_.passes : kind == "trigger" ? report_.triggers : report_.sizes);
    std::string again = decide_again(*std::move(inputs));
    if (again != made.answer) differs({kind, made.pool, made.at, made.answer, std::move(again)});
    return {};
  }

  void segment(const DecisionJournal::SegmentHead& head, const CouncilSegment& beginning,
               const std::vector<CouncilTick>& ticks) {
    policy::Council council = open_council(beginning);
    for (const CouncilTick& tick : ticks) {
      CouncilTick again = tick;
      look(council, again);
      if (!range_.holds(tick.at)) continue;
      ++report_.looks;
      if (again.want == tick.want && again.digest == tick.digest) continue;
      const char* hint = again.want == tick.want ? kSameSize : "";
      differs({"look", head.pool, tick.at, text_of(tick), text_of(again) + hint});
    }
  }

  void damaged(const std::string& what, const Error& error) {
    ++report_.damaged_count;
    if (report_.damaged.size() < kMostDamagedTold) report_.damaged.push_back(what + ": " + error.message());
  }

  ReplayReport take() { return std::move(report_); }

 private:
  static std::string text_of(const CouncilTick& tick) {
    return "wants " + (tick.want ? std::to_string(*tick.want) : "no change") + " (digest of the opinions " +
           std::to_string(tick.digest) + ")";
  }

  void differs(ReplayReport::Difference difference) {
    ++report_.differing;
    if (!report_.first || difference.at < report_.first->at) report_.first = std::move(difference);
  }

  TimeRange range_;
  ReplayReport report_;
};

/// The other policy over one pool's looks.
class Asked {
 public:
  explicit Asked(policy::PolicySpec spec) : council_({spec}) { report_.pool = std::move(spec.pool); }

  void see(CouncilTick tick, bool counts) {
    const std::optional<std::int64_t> wanted = tick.want;
    look(council_, tick);
    if (!counts) return;
    const policy::Opinion& opinion = council_.opinions().front();
    const std::int64_t had = tick.seen.ready + tick.seen.booting;
    WhatIf::Row row{tick.at, had, wanted.value_or(had),
                    std::clamp(opinion.want.value_or(had), tick.min_nodes, tick.max_nodes), opinion.reason};
    ++report_.looks;
    constexpr double kHours = policy::Council::kTickSeconds / 3'600.0;
    report_.had_node_hours += kHours * static_cast<double>(row.had);
    report_.would_node_hours += kHours * static_cast<double>(row.would);
    report_.looks_more += row.would > row.had ? 1 : 0;
    report_.looks_fewer += row.would < row.had ? 1 : 0;
    const bool same =
        last_ && last_->had == row.had && last_->wanted == row.wanted && last_->would == row.would;
    last_ = row;
    if (same) return;
    if (report_.rows.size() < kMostRows) {
      report_.rows.push_back(std::move(row));
    } else {
      ++report_.rows_omitted;
    }
  }

  WhatIf take() { return std::move(report_); }

 private:
  policy::Council council_;
  WhatIf report_;
  std::optional<WhatIf::Row> last_;
};

}  // namespace

Result<policy::PolicyChoice> parse_asked(std::string_view text) {
  constexpr std::string_view kTarget = "target=";
  if (text == "step") return policy::PolicyChoice{"step", 0};
  if (!text.starts_with(kTarget) && text != "target") return policy::PolicyChoice::parse(text);
  const std::string_view digits = text.substr(std::min(text.size(), kTarget.size()));
  policy::PolicyChoice choice{"target", 0};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), choice.knob);
  if (error != std::errc() || end != digits.data() + digits.size() || !(choice.knob > 0) ||
      !std::isfinite(choice.knob)) {
    return fail(Errc::kInvalidArgument, std::string(text) +
                                            ": a target is a number over 0, what one node is to have of "
                                            "the value, as target=4");
  }
  return choice;
}

Result<ReplayReport> replay(const DecisionJournal& journal, const std::string& pool, TimeRange range) {
  Replay run(range);
  GS_CHECK(journal.each_decision(
      pool, range, [&](const DecisionJournal::Decision& made) { return run.decision(made); },
      [&](std::int64_t id, const Error& error) { run.damaged("decision " + std::to_string(id), error); }));
  GS_TRY(const auto heads, journal.segments(pool, range));
  for (const DecisionJournal::SegmentHead& head : heads) {
    const auto beginning = journal.segment(head.id);
    const auto ticks = journal.ticks(head.id);
    if (!beginning || !ticks) {
      run.damaged("policies of " + head.pool, (!beginning ? beginning.error() : ticks.error()));
      continue;
    }
    run.segment(head, *beginning, *ticks);
  }
  return run.take();
}

namespace {

/// By pool: the policy as it is to be asked. One that goes by a value has the name and the steps of the
/// newest of its type, whose value the looks hold.
Result<std::map<std::string, policy::PolicySpec>> specs_to_ask(
    const DecisionJournal& journal, const std::vector<DecisionJournal::SegmentHead>& heads,
    const policy::PolicyChoice& choice) {
  std::map<std::string, policy::PolicySpec> out;
  for (auto head = heads.rbegin(); head != heads.rend(); ++head) {
    if (out.contains(head->pool)) continue;
    policy::PolicySpec spec{.name = "what-if", .pool = head->pool, .choice = choice};
    if (policy::goes_by_formula(spec)) {
      GS_TRY(const CouncilSegment beginning, journal.segment(head->id));
      const auto recorded =
          std::find_if(beginning.specs.begin(), beginning.specs.end(),
                       [&](const policy::PolicySpec& each) { return each.choice.name == choice.name; });
      if (recorded == beginning.specs.end()) continue;
      spec.name = recorded->name;
      spec.steps = recorded->steps;
    }
    out.emplace(head->pool, std::move(spec));
  }
  return out;
}

}  // namespace

Result<std::vector<WhatIf>> what_if(const DecisionJournal& journal, const std::string& pool, TimeRange range,
                                    const policy::PolicyChoice& choice) {
  const policy::PolicySpec spec{.name = "what-if", .pool = pool, .choice = choice};
  const bool by_value = policy::goes_by_formula(spec);
  // What it goes by, and its steps, are the recorded policy's, which had been checked.
  if (!by_value) {
    for (const std::string& fault : policy::faults_of(spec)) return fail(Errc::kInvalidArgument, fault);
  }
  GS_TRY(const auto heads, journal.segments(pool, range));
  GS_TRY(const auto specs, specs_to_ask(journal, heads, choice));
  if (by_value && specs.empty() && !heads.empty()) {
    return fail(
        Errc::kInvalidArgument,
        "no policy of type " + choice.name +
            " was recorded there, and so no value that it could go by; declare one with shadow: true");
  }
  std::map<std::string, Asked> asked;
  for (const DecisionJournal::SegmentHead& head : heads) {
    const auto to_ask = specs.find(head.pool);
    if (to_ask == specs.end()) continue;
    GS_TRY(const auto ticks, journal.ticks(head.id));
    Asked& other = asked.try_emplace(head.pool, to_ask->second).first->second;
    for (const CouncilTick& tick : ticks) other.see(tick, range.holds(tick.at));
  }
  std::vector<WhatIf> out;
  for (auto& [name, other] : asked) out.push_back(other.take());
  return out;
}

}  // namespace gpuscale::scaling
