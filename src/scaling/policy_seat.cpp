// SPDX-License-Identifier: Apache-2.0
#include "scaling/policy_seat.h"

#include <algorithm>
#include <utility>

namespace gpuscale::scaling {
namespace {

constexpr std::size_t kLeastBoots = 3;
constexpr std::size_t kRecentLooks =
    7'200 / policy::Council::kTickSeconds;  // as long as a council looks back

CouncilSegment beginning_of(std::vector<policy::PolicySpec> specs, const std::optional<Promotion>& promotion,
                            std::map<std::string, std::string> learned) {
  if (promotion) (void)apply(*promotion, specs);
  return {.specs = std::move(specs), .learned = std::move(learned), .warm_up = {}};
}

bool applies(const Promotion& promotion, std::vector<policy::PolicySpec> declared) {
  return apply(promotion, declared);
}

}  // namespace

policy::Observation observe(const PoolStatus& pool, const std::vector<NodeStatus>& nodes) {
  policy::Observation seen;
  seen.ready = pool.counts.ready;
  // What is asked for and not there yet is on its way, or policies would ask for it twice.
  seen.booting = std::max({0, pool.counts.launching + pool.counts.booting, pool.desired - pool.counts.ready});
  double sum = 0;
  int heard = 0;
  for (const NodeStatus& status : nodes) {
    if (status.node.state != pool::NodeState::kReady) continue;
    if (!status.telemetry.utilization) {
      seen.complete = false;
      continue;
    }
    sum += *status.telemetry.utilization / 100;
    ++heard;
  }
  if (heard > 0) seen.utilization = sum / heard;
  return seen;
}

bool stays_itself(const policy::PolicySpec& before, const policy::PolicySpec& now) {
  return before.pool == now.pool && before.choice.name == now.choice.name;
}

bool decides_alike(const policy::PolicySpec& before, const policy::PolicySpec& now) {
  policy::PolicySpec as_heard = now;
  as_heard.shadow = before.shadow;
  return before == as_heard;
}

std::optional<std::int64_t> boot_seconds_of(const std::vector<NodeStatus>& nodes) {
  std::vector<std::int64_t> boots;
  for (const NodeStatus& status : nodes) {
    if (!status.node.ready_at || *status.node.ready_at < status.node.created) continue;
    boots.push_back(
        std::chrono::ceil<std::chrono::seconds>(*status.node.ready_at - status.node.created).count());
  }
  if (boots.size() < kLeastBoots) return std::nullopt;
  std::sort(boots.begin(), boots.end());
  return std::max<std::int64_t>(1, boots[(boots.size() * 9 - 1) / 10]);
}

PolicySeat::PolicySeat(std::string pool, std::vector<policy::PolicySpec> declared, Past past)
    : pool_(std::move(pool)),
      declared_(std::move(declared)),
      promotion_(past.promotion && applies(*past.promotion, declared_) ? std::move(past.promotion)
                                                                       : std::nullopt),
      past_trials_(std::move(past.trials)),
      beginning_(beginning_of(declared_, promotion_, std::move(past.learned))),
      council_(open_council(beginning_, &unusable_)) {}

std::optional<Promotion> PolicySeat::declare(std::vector<policy::PolicySpec> declared) {
  std::set<std::string> unlearned;
  for (const policy::PolicySpec& before : declared_) {
    const auto now = std::find_if(declared.begin(), declared.end(),
                                  [&](const auto& each) { return each.name == before.name; });
    const bool there = now != declared.end();
    if (!there || !stays_itself(before, *now)) unlearned.insert(before.name);
    if (there && decides_alike(before, *now)) continue;
    forget_trial(before.name);
    if (promotion_ && promotion_->policy == before.name) harm_.clear();
    // A value of another formula is none of the new one's.
    if (there && before.formula == now->formula) continue;
    for (CouncilTick& tick : recent_) tick.seen.signals.erase(before.name);
  }
  declared_ = std::move(declared);
  const std::optional<Promotion> before = promotion_;
  if (promotion_ && !applies(*promotion_, declared_)) promotion_.reset();
  std::vector<policy::PolicySpec> next = declared_;
  if (promotion_) (void)scaling::apply(*promotion_, next);
  if (next != specs()) begin_anew(std::move(next), unlearned);
  return promotion_ ? std::nullopt : before;
}

void PolicySeat::forget_trial(const std::string& policy) {
  trials_.erase(policy);
  past_trials_.erase(trial_key(pool_, policy));
}

void PolicySeat::begin_anew(std::vector<policy::PolicySpec> specs, const std::set<std::string>& unlearned) {
  CouncilSegment next{.specs = std::move(specs), .learned = {}, .warm_up = {}};
  for (const policy::PolicySpec& spec : next.specs) {
    if (unlearned.contains(spec.name)) continue;
    if (std::string text = council_.learned(spec.name); !text.empty())
      next.learned[spec.name] = std::move(text);
  }
  next.warm_up.assign(recent_.begin(), recent_.end());
  council_ = open_council(next);
  beginning_ = std::move(next);
  segment_.reset();
  looks_ = 0;
  unwritten_.clear();
}

std::optional<policy::Proposal> PolicySeat::look(const PoolStatus& pool, const std::vector<NodeStatus>& nodes,
                                                 const std::map<std::string, double, std::less<>>& signals,
                                                 WallTime now) {
  // Nodes that leave take their boot times with them; what was learned stays.
  if (const auto boots = boot_seconds_of(nodes)) boot_seconds_ = boots;
  // So that no replay must begin years ago.
  if (looks_ >= kSegmentTicks) begin_anew(specs());
  CouncilTick tick{.at = now,
                   .seen = observe(pool, nodes),
                   .min_nodes = pool.spec.min,
                   .max_nodes = pool.spec.max,
                   .boot_seconds = boot_seconds_,
                   .want = {}};
  for (const policy::PolicySpec& spec : specs()) {
    if (const auto value = signals.find(spec.name); value != signals.end()) tick.seen.signals.insert(*value);
  }
  auto proposal = scaling::look(council_, tick);
  ++looks_;
  recent_.push_back(tick);
  if (recent_.size() > kRecentLooks) recent_.pop_front();
  unwritten_.push_back(tick);
  try_out(pool, tick);
  return proposal;
}

Result<void> PolicySeat::keep_looks(db::Database& database, DecisionJournal& journal) {
  std::optional<std::int64_t> segment = segment_;
  const auto done = database.transact([&](db::Transaction& tx) -> Result<void> {
    if (!segment) {
      GS_TRY(segment, journal.begin_segment(tx, pool_, unwritten_.front().at, beginning_));
    }
    std::int64_t number = looks_ - std::ssize(unwritten_);
    for (const CouncilTick& look : unwritten_) GS_CHECK(journal.add_tick(tx, *segment, number++, look));
    return {};
  });
  if (!done) {
    if (unwritten_.size() >= kRecentLooks) begin_anew(specs());
    return done;
  }
  segment_ = segment;
  beginning_.warm_up.clear();
  unwritten_.clear();
  return {};
}

void PolicySeat::try_out(const PoolStatus& pool, const CouncilTick& tick) {
  // Before the first measurement nobody knows what there is to do.
  if (trials_.empty() && !tick.seen.utilization) return;
  demand_ = demand_of(tick.seen, demand_);
  const pool::PoolCounts& counts = pool.counts;
  const TrialLook look{.at = tick.at,
                       .demand = demand_,
                       .ready = counts.ready,
                       .paid = counts.capacity() + counts.draining,
                       .min_nodes = tick.min_nodes,
                       .max_nodes = tick.max_nodes,
                       .boot_seconds = boot_seconds_.value_or(policy::Council::kDefaultBootSeconds)};
  const auto past_of = [this](const std::string& policy) {
    auto found = past_trials_.extract(trial_key(pool_, policy));
    return found ? std::move(found.mapped()) : TrialHours{};
  };
  auto& as_it_was = trials_[""];
  if (!as_it_was) as_it_was = std::make_unique<PolicyTrial>(look, past_of(""));
  watch_for_harm(tick, as_it_was->look(look));
  for (const policy::PolicySpec& spec : specs()) {
    if (!can_be_tried(spec)) continue;
    TrialLook own = look;
    if (const auto value = tick.seen.signals.find(spec.name); value != tick.seen.signals.end())
      own.value = value->second;
    auto& trial = trials_[spec.name];
    if (!trial)
      trial = std::make_unique<PolicyTrial>(spec, council_.learned(spec.name), look, past_of(spec.name));
    trial->look(own);
  }
}

void PolicySeat::watch_for_harm(const CouncilTick& tick, const TrialSums& as_it_was) {
  if (!promotion_ || promotion_->state != PromotionState::kProbation) return;
  HarmLook look{.crowded = tick.seen.utilization && *tick.seen.utilization >= kCrowded,
                .offered = as_it_was.offered,
                .bad = as_it_was.bad};
  for (const policy::Opinion& opinion : council_.opinions()) {
    const auto& before = promotion_->before;
    if (std::find(before.begin(), before.end(), opinion.policy) == before.end()) continue;
    const std::int64_t want = std::min(opinion.want.value_or(0), tick.max_nodes);
    look.others_larger = look.others_larger || want > tick.seen.ready + tick.seen.booting;
  }
  harm_.push_back(look);
  if (harm_.size() > kHarmLooks) harm_.pop_front();
}

std::string PolicySeat::harm() const {
  return promotion_ && promotion_->state == PromotionState::kProbation ? harm_in(harm_) : std::string();
}

void PolicySeat::take(const Promotion& promotion) {
  std::vector<policy::PolicySpec> next = declared_;
  promotion_ = promotion;
  if (promotion.state != PromotionState::kKept) harm_.clear();
  if (apply(promotion, next) && next != specs()) begin_anew(std::move(next));
}

const TrialHours* PolicySeat::trial(const std::string& policy) const {
  if (const auto running = trials_.find(policy); running != trials_.end()) return &running->second->hours();
  const auto past = past_trials_.find(trial_key(pool_, policy));
  return past == past_trials_.end() ? nullptr : &past->second;
}

std::map<std::string, TrialHours> PolicySeat::trials() const {
  std::map<std::string, TrialHours> out;
  for (const auto& [policy, trial] : trials_) out.emplace(trial_key(pool_, policy), trial->hours());
  return out;
}

std::string PolicySeat::trial_key(const std::string& pool, const std::string& policy) {
  return policy.empty() ? "pool " + pool : policy;
}

}  // namespace gpuscale::scaling
