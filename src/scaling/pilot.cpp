// SPDX-License-Identifier: Apache-2.0
#include "scaling/pilot.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "base/name_list.h"
#include "base/rfc3339.h"

namespace gpuscale::scaling {
namespace {

constexpr int kKeepEveryTicks = 24;  // two minutes

std::optional<TrialStatus> status_of(const TrialHours* hours, WallTime now) {
  if (hours == nullptr) return std::nullopt;
  return TrialStatus{hours->within(std::chrono::hours{23}, now), hours->within(std::chrono::hours{167}, now)};
}

activity::Entry entry_of(const Promotion& promotion, std::string kind, std::string summary, WallTime now) {
  return {.id = 0,
          .at = now,
          .kind = std::move(kind),
          .pool = promotion.pool,
          .subject = promotion.policy,
          .correlation = promotion.correlation,
          .summary = std::move(summary),
          .details = {{"policy", promotion.policy},
                      {"before", promotion.before},
                      {"source", promotion.who},
                      {"probation_until", base::format_rfc3339(promotion.probation_until)},
                      {"state", to_string(promotion.state)}}};
}

std::string people(const std::vector<std::string>& names) {
  return names.empty() ? "nobody" : base::joined(names);
}

}  // namespace

Result<std::unique_ptr<Pilot>> Pilot::open(Ports ports) {
  GS_TRY(const PilotStore store, PilotStore::open(ports.database, ports.ledger));
  GS_TRY(auto journal, DecisionJournal::open(ports.database));
  return std::unique_ptr<Pilot>(new Pilot(std::move(ports), store, std::move(journal)));
}

Pilot::~Pilot() {
  stop();
}

std::unique_ptr<PolicySeat> Pilot::seat_of(const std::string& pool,
                                           std::vector<policy::PolicySpec> declared) {
  PolicySeat::Past past;
  std::vector<std::string> unusable;
  // What cannot be read is as if it had never been: a pool scales without its past.
  auto learned = store_.learned();
  auto trials = store_.trials(unusable);
  auto promotions = store_.promotions(unusable);
  const auto take_trial = [&](const std::string& key) {
    if (!trials) return;
    if (auto found = trials->find(key); found != trials->end()) past.trials.insert(*found);
  };
  take_trial(PolicySeat::trial_key(pool, ""));
  for (const policy::PolicySpec& spec : declared) {
    take_trial(spec.name);
    if (!learned) continue;
    if (const auto found = learned->find(spec.name); found != learned->end()) past.learned.insert(*found);
  }
  if (promotions) {
    if (const auto found = promotions->find(pool); found != promotions->end()) past.promotion = found->second;
  }
  const auto promotion = past.promotion;
  auto seat = std::make_unique<PolicySeat>(pool, std::move(declared), std::move(past));
  if (promotion && !seat->promotion()) end_promotion(*promotion);
  unusable.insert(unusable.end(), seat->unusable().begin(), seat->unusable().end());
  for (const std::string& what : unusable) ports_.log.warn("policy.state_unusable", {{"policy", what}});
  return seat;
}

void Pilot::end_promotion(const Promotion& promotion) {
  const WallTime now = ports_.clock.wall();
  const auto done = store_.drop_promotion(
      promotion.pool,
      entry_of(promotion, "policy.promotion_ended",
               "pool " + promotion.pool + ": the configuration says anew who is heard; the promotion of " +
                   promotion.policy + " by " + promotion.who + " has ended",
               now));
  if (!done) ports_.log.warn("policy.state_not_kept", {{"error", done.error()}});
}

Result<void> Pilot::set_policies(std::vector<policy::PolicySpec> specs) {
  std::map<std::string, std::vector<policy::PolicySpec>> by_pool;
  std::set<std::string> names;
  for (policy::PolicySpec& spec : specs) {
    if (!names.insert(spec.name).second) {
      return fail(Errc::kInvalidArgument, "policy " + spec.name + " is named twice; names must differ");
    }
    for (const std::string& fault : policy::faults_of(spec)) {
      return fail(Errc::kInvalidArgument, "policy " + spec.name + ": " + fault);
    }
    by_pool[spec.pool].push_back(std::move(spec));
  }
  const std::scoped_lock keep(keep_mutex_);
  write_learned();
  const std::scoped_lock lock(mutex_);
  const std::vector<policy::PolicySpec> before = all_declared();
  for (auto& [pool, seat] : seats_) {
    auto wanted = by_pool.extract(pool);
    std::vector<policy::PolicySpec> declared;
    if (wanted) declared = std::move(wanted.mapped());
    if (declared == seat->declared()) continue;
    if (const auto ended = seat->declare(std::move(declared))) end_promotion(*ended);
  }
  forget(before, all_declared());
  unread_.clear();
  for (auto& [pool, wanted] : by_pool) seats_.emplace(pool, seat_of(pool, std::move(wanted)));
  return {};
}

std::vector<policy::PolicySpec> Pilot::all_declared() const {
  std::vector<policy::PolicySpec> out;
  for (const auto& [pool, seat] : seats_)
    out.insert(out.end(), seat->declared().begin(), seat->declared().end());
  return out;
}

void Pilot::forget(const std::vector<policy::PolicySpec>& before,
                   const std::vector<policy::PolicySpec>& now) {
  const auto named = [](const std::vector<policy::PolicySpec>& specs, const std::string& name) {
    return std::find_if(specs.begin(), specs.end(), [&](const auto& spec) { return spec.name == name; });
  };
  std::vector<std::string> learned;
  std::vector<std::string> trials;
  for (const policy::PolicySpec& spec : before) {
    const auto found = named(now, spec.name);
    if (found == now.end() || !stays_itself(spec, *found)) learned.push_back(spec.name);
    if (found == now.end() || !decides_alike(spec, *found)) trials.push_back(spec.name);
  }
  // What an earlier one of the name left, from before a start, is not the new one's either.
  for (const policy::PolicySpec& spec : now) {
    if (named(before, spec.name) != before.end()) continue;
    learned.push_back(spec.name);
    trials.push_back(spec.name);
  }
  const auto done = store_.forget(learned, trials);
  if (!done) ports_.log.warn("policy.state_not_kept", {{"error", done.error()}});
}

std::optional<std::string> Pilot::keeps_from_change(const std::vector<policy::PolicySpec>& next) const {
  const std::scoped_lock lock(mutex_);
  for (const auto& [pool, seat] : seats_) {
    if (!seat->promotion()) continue;
    std::vector<policy::PolicySpec> own;
    std::copy_if(next.begin(), next.end(), std::back_inserter(own),
                 [&name = pool](const policy::PolicySpec& spec) { return spec.pool == name; });
    if (auto reason = keeps_from(*seat->promotion(), own)) return reason;
  }
  return std::nullopt;
}

std::vector<PolicyStatus> Pilot::policies() const {
  const WallTime now = ports_.clock.wall();
  const std::scoped_lock lock(mutex_);
  std::vector<PolicyStatus> out;
  for (const auto& [pool, seat] : seats_) {
    for (std::size_t i = 0; i < seat->specs().size(); ++i) {
      const policy::PolicySpec& spec = seat->specs()[i];
      const policy::Opinion& opinion = seat->council().opinions()[i];
      const auto unread = unread_.find(spec.name);
      const std::string why = unread == unread_.end() ? "" : ": " + unread->second;
      out.push_back({spec, opinion.want, opinion.reason + why, opinion.evidence,
                     spec.boot_seconds ? spec.boot_seconds : seat->boot_seconds(),
                     status_of(seat->trial(spec.name), now)});
    }
  }
  return out;
}

std::vector<SeatStatus> Pilot::seats() const {
  const WallTime now = ports_.clock.wall();
  const std::scoped_lock lock(mutex_);
  std::vector<SeatStatus> out;
  for (const auto& [pool, seat] : seats_)
    out.push_back({pool, status_of(seat->trial(""), now), seat->promotion()});
  return out;
}

Result<Promotion> Pilot::promote(const PromotionOrder& order) {
  if (order.probation < Nanos{0} || order.probation > kLongestProbation) {
    return fail(Errc::kInvalidArgument, "probation must be from 0s to 30 days");
  }
  const WallTime now = ports_.clock.wall();
  const std::scoped_lock lock(mutex_);
  const auto found = seats_.find(order.pool);
  if (found == seats_.end() || found->second->declared().empty())
    return fail(Errc::kNotFound, "pool \"" + order.pool + "\" has no policies");
  PolicySeat& seat = *found->second;
  std::vector<std::string> names;
  for (const policy::PolicySpec& spec : seat.specs()) names.push_back(spec.name);
  if (std::find(names.begin(), names.end(), order.policy) == names.end()) {
    return fail(Errc::kNotFound, "pool " + order.pool + " has no policy \"" + order.policy + "\"; it has " +
                                     base::joined(names));
  }
  const Promotion promotion{.pool = order.pool,
                            .policy = order.policy,
                            .before = heard_among(seat.specs()),
                            .declared = heard_among(seat.declared()),
                            .who = order.who,
                            .at = now,
                            .probation_until = now + order.probation,
                            .notify = order.notify,
                            .reason = {},
                            .correlation = activity::new_correlation()};
  if (promotion.before == std::vector<std::string>{order.policy})
    return fail(Errc::kConflict, "policy " + order.policy + " is already the one that is heard");
  GS_CHECK(store_.save(
      promotion, entry_of(promotion, "policy.promoted",
                          order.who + " promotes policy " + order.policy + " of pool " + order.pool +
                              "; heard until now: " + people(promotion.before) + "; on probation until " +
                              base::format_second(promotion.probation_until),
                          now)));
  seat.take(promotion);
  return promotion;
}

Result<Promotion> Pilot::roll_back(const std::string& pool, const std::string& who) {
  const std::scoped_lock lock(mutex_);
  const auto found = seats_.find(pool);
  if (found == seats_.end()) return fail(Errc::kNotFound, "pool \"" + pool + "\" has no policies");
  return roll_back(*found->second, who + " takes it back", ports_.clock.wall());
}

Result<Promotion> Pilot::roll_back(PolicySeat& seat, const std::string& reason, WallTime now) {
  if (!seat.promotion() || seat.promotion()->state == PromotionState::kRolledBack)
    return fail(Errc::kConflict, "no promotion stands that could be rolled back");
  Promotion promotion = *seat.promotion();
  promotion.state = PromotionState::kRolledBack;
  promotion.reason = reason;
  promotion.told = promotion.notify.empty();
  GS_CHECK(store_.save(
      promotion, entry_of(promotion, "policy.rolled_back",
                          "policy " + promotion.policy + " of pool " + promotion.pool +
                              " is rolled back: " + reason + "; heard again: " + people(promotion.before),
                          now)));
  ports_.log.warn("policy.rolled_back",
                  {{"pool", promotion.pool}, {"policy", promotion.policy}, {"reason", reason}});
  seat.take(promotion);
  return promotion;
}

std::vector<Pilot::Signal> Pilot::read_signals(const std::vector<PoolStatus>& pools, WallTime now) const {
  std::vector<policy::PolicySpec> wanted;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [pool, seat] : seats_)
      std::copy_if(seat->specs().begin(), seat->specs().end(), std::back_inserter(wanted),
                   policy::goes_by_formula);
  }
  std::vector<Signal> out;
  if (!ports_.signals) return out;
  for (const policy::PolicySpec& spec : wanted) {
    for (const PoolStatus& pool : pools) {
      if (pool.spec.name != spec.pool) continue;
      out.push_back({spec, ports_.signals(spec.formula, pool, now)});
    }
  }
  return out;
}

Pilot::Values Pilot::take(const std::vector<Signal>& signals) {
  Values out;
  std::map<std::string, std::string> unread;
  for (const Signal& signal : signals) {
    const auto seat = seats_.find(signal.of.pool);
    const bool meant = seat != seats_.end() &&
                       std::any_of(seat->second->specs().begin(), seat->second->specs().end(),
                                   [&](const policy::PolicySpec& spec) {
                                     return spec.name == signal.of.name && spec.formula == signal.of.formula;
                                   });
    if (!meant) continue;
    if (signal.value) {
      if (*signal.value) out.emplace(signal.of.name, **signal.value);
      continue;
    }
    const std::string& why = unread[signal.of.name] = signal.value.error().message();
    const auto last = unread_.find(signal.of.name);
    if (last == unread_.end() || last->second != why)
      ports_.log.warn("policy.value_failed", {{"policy", signal.of.name}, {"error", why}});
  }
  unread_ = std::move(unread);
  return out;
}

void Pilot::judge_promotion(PolicySeat& seat, WallTime now) {
  if (!seat.promotion() || seat.promotion()->state != PromotionState::kProbation) return;
  if (const std::string harm = seat.harm(); !harm.empty()) {
    if (const auto done = roll_back(seat, harm, now); !done)
      ports_.log.warn("policy.state_not_kept", {{"error", done.error()}});
    return;
  }
  if (now < seat.promotion()->probation_until) return;
  Promotion kept = *seat.promotion();
  kept.state = PromotionState::kKept;
  const auto done = store_.save(kept, entry_of(kept, "policy.kept",
                                               "policy " + kept.policy + " of pool " + kept.pool +
                                                   " did no harm on probation and is kept",
                                               now));
  if (!done) return;  // with the next look
  seat.take(kept);
}

void Pilot::fly(const PoolStatus& pool, PolicySeat& seat, const Values& signals, WallTime now) {
  const auto proposal = seat.look(pool, ports_.controller.nodes(pool.spec.name), signals, now);
  const auto kept = seat.keep_looks(ports_.database, *journal_);
  if (!kept && !journal_failed_)
    ports_.log.warn("journal.failed", {{"pool", pool.spec.name}, {"error", kept.error()}});
  journal_failed_ = !kept.has_value();
  judge_promotion(seat, now);
  if (!proposal || proposal->want == pool.desired) return;
  const bool growth = proposal->want > pool.desired;
  const auto& cooldown = growth ? pool.cooldown_out_until : pool.cooldown_in_until;
  if (cooldown && *cooldown > now) return;
  const std::string who = "policy " + proposal->decided_by +
                          (proposal->reason.empty() ? std::string() : " (" + proposal->reason + ")");
  const auto done = ports_.controller.propose_size(pool.spec.name, static_cast<int>(proposal->want), who);
  if (!done) ports_.log.warn("policy.refused", {{"pool", pool.spec.name}, {"error", done.error()}});
}

void Pilot::tick(WallTime now) {
  const std::vector<PoolStatus> pools = ports_.controller.pools();
  const auto asked = read_signals(pools, now);
  bool keep = false;
  {
    const std::scoped_lock lock(mutex_);
    const Values signals = take(asked);
    for (const PoolStatus& pool : pools) {
      auto seat = seats_.find(pool.spec.name);
      if (seat == seats_.end()) seat = seats_.emplace(pool.spec.name, seat_of(pool.spec.name, {})).first;
      fly(pool, *seat->second, signals, now);
    }
    // A pool that is made later under the name of one that is gone is another.
    std::erase_if(seats_, [&](const auto& seat) {
      return seat.second->declared().empty() &&
             std::none_of(pools.begin(), pools.end(),
                          [&](const PoolStatus& pool) { return pool.spec.name == seat.first; });
    });
    keep = ++ticks_since_kept_ >= kKeepEveryTicks;
  }
  tell_roll_backs(now);
  if (keep) keep_learned();
}

/// Outside of the lock, and until it has succeeded: a crash between the roll-back and its telling loses
/// nothing.
void Pilot::tell_roll_backs(WallTime now) {
  std::vector<Promotion> untold;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [pool, seat] : seats_) {
      if (seat->promotion() && !seat->promotion()->told) untold.push_back(*seat->promotion());
    }
  }
  for (Promotion& promotion : untold) {
    if (ports_.roll_back) {
      if (const auto told = ports_.roll_back(promotion, now); !told) {
        ports_.log.warn("policy.not_told", {{"pool", promotion.pool}, {"error", told.error()}});
        continue;
      }
    }
    const std::scoped_lock lock(mutex_);
    const auto seat = seats_.find(promotion.pool);
    // Another may have been promoted meanwhile.
    if (seat == seats_.end() || seat->second->promotion() != promotion) continue;
    promotion.told = true;
    if (store_.save(promotion)) seat->second->take(promotion);
  }
}

void Pilot::keep_learned() {
  const std::scoped_lock keep(keep_mutex_);
  write_learned();
}

void Pilot::write_learned() {
  std::map<std::string, std::string> learned;
  std::map<std::string, TrialHours> trials;
  {
    const std::scoped_lock lock(mutex_);
    ticks_since_kept_ = 0;
    for (const auto& [pool, seat] : seats_) {
      trials.merge(seat->trials());
      for (const policy::PolicySpec& spec : seat->specs()) {
        std::string text = seat->council().learned(spec.name);
        if (!text.empty()) learned.emplace(spec.name, std::move(text));
      }
    }
  }
  const auto done = store_.save(learned, trials);
  if (!done) ports_.log.warn("policy.state_not_kept", {{"error", done.error()}});
}

void Pilot::start() {
  const std::scoped_lock lock(thread_mutex_);
  if (thread_.joinable()) return;
  stopping_ = false;
  thread_ = std::thread([this] { run(); });
}

void Pilot::run() {
  std::unique_lock lock(thread_mutex_);
  while (!wake_.wait_for(lock, std::chrono::seconds{policy::Council::kTickSeconds},
                         [this] { return stopping_; })) {
    lock.unlock();
    tick(ports_.clock.wall());
    lock.lock();
  }
}

void Pilot::stop() {
  std::thread ending;
  {
    const std::scoped_lock lock(thread_mutex_);
    stopping_ = true;
    ending = std::move(thread_);
  }
  wake_.notify_all();
  if (!ending.joinable()) return;
  ending.join();
  keep_learned();
}

}  // namespace gpuscale::scaling
