// SPDX-License-Identifier: Apache-2.0
#include "scaling/replay.h"

#include <algorithm>
#include <map>
#include <utility>

namespace gpuscale::scaling {
namespace {

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
      differs({"look", head.pool, tick.at, text_of(tick), text_of(again)});
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
  Asked(const std::string& pool, const policy::PolicyChoice& choice)
      : council_({policy::PolicySpec{.name = "what-if", .pool = pool, .choice = choice}}) {
    report_.pool = pool;
  }

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

Result<std::vector<WhatIf>> what_if(const DecisionJournal& journal, const std::string& pool, TimeRange range,
                                    const policy::PolicyChoice& choice) {
  const policy::PolicySpec spec{.name = "what-if", .pool = pool, .choice = choice};
  if (policy::goes_by_formula(spec)) {
    return fail(Errc::kInvalidArgument, "policy " + choice.name +
                                            " goes by queries whose answers were not recorded; take one that "
                                            "goes by GPU utilisation");
  }
  for (const std::string& fault : policy::faults_of(spec)) return fail(Errc::kInvalidArgument, fault);
  std::map<std::string, Asked> asked;
  GS_TRY(const auto heads, journal.segments(pool, range));
  for (const DecisionJournal::SegmentHead& head : heads) {
    GS_TRY(const auto ticks, journal.ticks(head.id));
    Asked& other = asked.try_emplace(head.pool, head.pool, choice).first->second;
    for (const CouncilTick& tick : ticks) other.see(tick, range.holds(tick.at));
  }
  std::vector<WhatIf> out;
  for (auto& [name, other] : asked) out.push_back(other.take());
  return out;
}

}  // namespace gpuscale::scaling
