// SPDX-License-Identifier: Apache-2.0
#include "policy/lookout.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "policy/catch_up.h"
#include "policy/season.h"
#include "policy/window.h"

namespace gpuscale::policy {
namespace {

constexpr std::int64_t kLoadSeconds = 60;   // over which the load is averaged
constexpr std::int64_t kBurstSeconds = 24;  // over which a burst is looked for
constexpr LoadBase::Times kQuick{.average_seconds = 30};
constexpr LoadBase::Times kHeld{.average_seconds = 200, .held_seconds = 1'200};
constexpr LoadBase::Times kSlow{.average_seconds = 500};
constexpr double kCheapness = 6;         // a base that costs 1 % more weighs so many percent less
constexpr double kPeakSeconds = 57'600;  // 16 h: one day's peak bounds the next
constexpr double kMostCatchUp = 2;       // of the fading peak of the load, that work that waits may ask for
constexpr double kAlphaBoot = 200;       // s; boot time and period at which alpha is meant
constexpr double kBootExponent = 2;
constexpr double kMostUncovered = 0.2;
constexpr double kRoundUpFrom = 0.22;  // of a node: less is not rounded up
constexpr double kKeepFrom = 0.04;     // of a node: a node of which so much is wanted is not released
constexpr std::int64_t kWarmUpSeconds = 900;
constexpr double kSaturated = 0.999;
constexpr std::int64_t kFullSeconds = 10;  // so long full is a full pool; less is work that waits a little
constexpr double kUnseen = 1.08;           // a full pool may be asked for more than it shows
constexpr double kBlindShare = 0.73;       // of the errors left uncovered: what a full pool hides
constexpr double kFullGrowth = 0.8;        // wanted beyond the ready nodes of a full pool, at once
constexpr double kFullGrowthAMinute = 0.5;
constexpr double kMostFullGrowth = 1.5;
constexpr double kScoreSeconds = 3'600;
constexpr double kDistrustFrom = 0.25;  // of periods not covered
constexpr double kTrustFrom = 0.10;
constexpr double kFallbackTarget = 0.6;
constexpr std::string_view kStateVersion = "lookout/5";
constexpr std::string_view kStateWithoutHistories = "lookout/4";  // of a version before
constexpr std::array<std::string_view, 2> kCycles{"day", "week"};

/// A node is not launched for little, and not released for less.
std::int64_t whole(double forecast, std::int64_t size) {
  const std::int64_t nodes = round_up(forecast - kRoundUpFrom);
  if (nodes >= size) return nodes;
  return std::max(nodes, std::min(size, round_up(forecast - kKeepFrom)));
}

double uncovered_by(const LookoutOptions& options) {
  return (1 - options.alpha) * (options.signal == LoadSignal::kArrived ? 1.0 : kBlindShare);
}

}  // namespace

Lookout::Lookout(LookoutOptions options) : options_(options), trials_(uncovered_by(options)) {}

Lookout::Period Lookout::observe(const PoolView& view) {
  Period period;
  const bool arrivals = options_.signal == LoadSignal::kArrived;
  for (std::int64_t tick = std::max(seen_, view.first_tick); tick < view.tick; ++tick) {
    double work = view.at(arrivals ? view.arrived : view.served, tick);
    full_seconds_ =
        !arrivals && view.at(view.utilization, tick) >= kSaturated ? full_seconds_ + view.tick_seconds : 0;
    if (full_seconds_ > kFullSeconds) work *= kUnseen;
    work_.add(work, view.tick_seconds, view.boot_seconds + kPeriodSeconds);
    period.work += work;
    period.seconds += static_cast<double>(view.tick_seconds);
  }
  seen_ = view.tick;
  return period;
}

void Lookout::begin(double load) {
  peak_ = {.root = std::sqrt(load), .load = load};
  for (const LoadBase::Times& times : {kQuick, kHeld, kSlow}) bases_.emplace_back(times, load);
  histories_.emplace_back(Season::kDaySeconds, 1, load);
  histories_.emplace_back(Season::kWeekSeconds, 2, load);
}

void Lookout::follow(const PoolView& view, const Period& period, double load, double rise) {
  for (LoadBase& base : bases_) base.follow(load, rise);
  const History::Look look{.at = view.epoch + view.now(),
                           .seconds = period.seconds,
                           .horizon = view.boot_seconds + kPeriodSeconds,
                           .work = period.work,
                           .heard = view.heard,
                           .load = load,
                           .rise = rise};
  for (History& history : histories_) history.follow(look);
}

/// @param settled the load has been averaged in full: the first look at it is a guess
void Lookout::learn(double need, std::size_t lag, bool settled) {
  for (LoadBase& base : bases_) base.learn(need, lag, settled);
  for (History& history : histories_) history.learn(need, lag, settled);
}

/// What each margin leaves on top of each base.
void Lookout::measure(double horizon_seconds) {
  const double uncovered = uncovered_by(options_) * std::pow(kAlphaBoot / horizon_seconds, kBootExponent);
  LoadBase::Margins shares{};
  for (std::size_t i = 0; i < shares.size(); ++i) {
    shares[i] = std::min(kMostUncovered, uncovered * MarginTrials::scale(i));
  }
  for (LoadBase& base : bases_) base.measure(shares, margin_, peak_);
  for (History& history : histories_) history.measure(shares, margin_, peak_);
}

/// Of the cheapest base 1.
double Lookout::weight(const LoadBase& base) const {
  double least = base.cost();
  for (const LoadBase& other : bases_) least = std::min(least, other.cost());
  return least > 0 ? std::exp(-kCheapness * (base.cost() / least - 1)) : 1;
}

/// The one that is used, the better one where both could be; null = none.
const History* Lookout::history() const {
  const History* best = nullptr;
  for (const History& history : histories_) {
    if (history.used() && (best == nullptr || *history.share() < *best->share())) best = &history;
  }
  return best;
}

/// Nodes that a pool needs which has fallen behind; 0 where it has not, or nobody can tell.
double Lookout::behind(const PoolView& view, double waiting, double ready, double rise) const {
  if (options_.signal != LoadSignal::kArrived) return 0;
  const double nodes =
      catch_up({.waiting = waiting, .ready = ready, .load = rise}, static_cast<double>(view.boot_seconds));
  return std::min(nodes, std::max(rise, kMostCatchUp * peak_.load));
}

/// With the margin in use; the others' pools get what they would have wanted.
double Lookout::forecast(const PoolView& view, const Period& period, double rise) {
  LoadBase::Margins wanted{};
  double weights = 0;
  for (const LoadBase& base : bases_) {
    const double share = weight(base);
    weights += share;
    for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] += share * base.want(i, peak_);
  }
  for (double& nodes : wanted) nodes /= weights;
  for (LoadBase& base : bases_) base.count_cost();
  for (History& history : histories_) history.compare(period.seconds, wanted[margin_]);
  if (const History* known = history()) {
    for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] = known->want(i, peak_);
  }
  if (view.now() < kWarmUpSeconds) return wanted[margin_];
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const double more = behind(view, trials_.waiting(i), trials_.ready(i, view.ready), rise);
    const std::int64_t nodes = whole(std::max(wanted[i], more), trials_.planned(i, view.size()));
    trials_.plan(i, view.now(), nodes, view.boot_seconds);
  }
  return wanted[margin_];
}

void Lookout::score(double need, std::size_t lag, double forecast) {
  forecasts_.push_back(forecast);
  while (forecasts_.size() > lag) {
    const double miss = need > forecasts_.front() ? 1.0 : 0.0;
    missed_ += LoadBase::share_in_period(kScoreSeconds) * (miss - missed_);
    forecasts_.pop_front();
  }
  distrusted_ = missed_ > (distrusted_ ? kTrustFrom : kDistrustFrom);
}

std::int64_t Lookout::whole_nodes(const PoolView& view, double forecast) {
  std::int64_t nodes = whole(forecast, view.size());
  // Too little is known yet to release anything.
  if (!least_) least_ = view.size();
  if (view.now() < kWarmUpSeconds) nodes = *(least_ = std::max(*least_, nodes));
  if (full_seconds_ > kFullSeconds) {
    const double growth = kFullGrowth + kFullGrowthAMinute * static_cast<double>(full_seconds_) / 60;
    const double grown = static_cast<double>(view.ready) * (1 + std::min(growth, kMostFullGrowth));
    nodes = std::max(nodes, round_up(grown - kRoundUpFrom));
  }
  return nodes;
}

std::optional<std::int64_t> Lookout::decide(const PoolView& view) {
  const Period period = observe(view);
  const double load = work_.mean(kLoadSeconds);
  const double newest = work_.mean(kBurstSeconds);
  const double need = work_.take();
  if (bases_.empty()) begin(load);
  if (view.now() >= kWarmUpSeconds) trials_.live(period.work, period.seconds, view.ready);
  margin_ = trials_.best();
  const double fading = std::exp(-LoadBase::kPeriodSeconds / kPeakSeconds);
  peak_.root = std::max(std::sqrt(std::max(need, load)), peak_.root * fading);
  peak_.load = std::max(load, peak_.load * fading);
  const double rise = std::max(load, newest);
  const auto horizon = static_cast<double>(view.boot_seconds + kPeriodSeconds);
  const auto lag = static_cast<std::size_t>(std::ceil(horizon / LoadBase::kPeriodSeconds));
  follow(view, period, load, rise);
  learn(need, lag, view.now() >= kLoadSeconds);
  measure(horizon);
  double wanted = forecast(view, period, rise);
  score(need, lag, wanted);
  if (distrusted_) wanted = std::max(wanted, load / kFallbackTarget);
  const double waiting = view.backlog.empty() ? 0 : view.at(view.backlog, view.tick - 1);
  catch_up_ = behind(view, waiting, static_cast<double>(view.ready), rise);
  wanted = std::max(wanted, catch_up_);
  load_ = load;
  wanted_ = wanted;
  return whole_nodes(view, wanted);
}

std::string Lookout::margin_words() const {
  std::array<char, 160> text{};
  if (trials_.sure()) {
    std::snprintf(text.data(), text.size(),
                  "margin %zu of %zu: with it %.3f%% would have come too late, with the widest %.3f%%",
                  margin_ + 1, MarginTrials::kCount, 100 * trials_.late(margin_), 100 * trials_.late(0));
  } else {
    std::snprintf(text.data(), text.size(), "margin %zu of %zu until a whole day is known", margin_ + 1,
                  MarginTrials::kCount);
  }
  return text.data();
}

std::string Lookout::history_words() const {
  std::string out;
  for (std::size_t i = 0; i < histories_.size(); ++i) {
    const History& history = histories_[i];
    const auto share = history.share();
    if (!share) continue;
    std::array<char, 160> text{};
    if (history.known()) {
      std::snprintf(text.data(), text.size(),
                    "; the %s's history %.2f, %s: it has cost %.0f%% of what they did", kCycles[i].data(),
                    history.want(), &history == this->history() ? "which is used" : "unused", 100 * *share);
    } else {
      std::snprintf(text.data(), text.size(), "; the %s's history does not know this hour",
                    kCycles[i].data());
    }
    out += text.data();
  }
  return out;
}

std::string Lookout::reason() const {
  if (bases_.empty()) return {};
  double weights = 0;
  for (const LoadBase& base : bases_) weights += weight(base);
  const auto part = [&](std::size_t i) { return 100 * weight(bases_[i]) / weights; };
  std::array<char, 768> text{};
  const int size = std::snprintf(
      text.data(), text.size(),
      "load %.2f nodes; with headroom for a boot time %.2f (quick base %.2f at %.0f%%, held %.2f at %.0f%%, "
      "slow %.2f at %.0f%%%s; %s); missed %.2f%% of the last hour%s%s%s",
      load_, wanted_, bases_[0].want(), part(0), bases_[1].want(), part(1), bases_[2].want(), part(2),
      history_words().c_str(), margin_words().c_str(), 100 * missed_,
      distrusted_ ? "; the forecast is bad, so target tracking at 60% is the least" : "",
      catch_up_ > 0 ? "; work waits too long, so what works it off soon is the least" : "",
      full_seconds_ > kFullSeconds ? "; the pool is full, so nearly twice what is ready is the least" : "");
  return {text.data(), static_cast<std::size_t>(std::clamp<int>(size, 0, text.size() - 1))};
}

Evidence Lookout::evidence() const {
  if (bases_.empty()) return {};
  const History* known = history();
  return {.load = load_,
          .forecast = wanted_,
          .missed = missed_,
          .history = known == nullptr ? std::string_view()
                                      : kCycles[static_cast<std::size_t>(known - histories_.data())],
          .distrusted = distrusted_};
}

std::string Lookout::learned() const {
  if (bases_.empty()) return {};
  StateWriter out(kStateVersion);
  out.put(peak_.root);
  out.put(peak_.load);
  out.put(missed_);
  for (const LoadBase& base : bases_) base.write(out);
  trials_.write(out);
  for (const History& history : histories_) history.write(out);
  return out.text();
}

Result<void> Lookout::read(StateReader& in, bool histories) {
  begin(1);
  GS_TRY(peak_.root, in.number());
  GS_TRY(peak_.load, in.number());
  GS_TRY(missed_, in.number());
  for (LoadBase& base : bases_) GS_CHECK(base.read(in));
  GS_CHECK(trials_.read(in));
  if (histories) {
    for (History& history : histories_) GS_CHECK(history.read(in));
  }
  return in.end();
}

Result<void> Lookout::relearn(std::string_view text) {
  const bool histories = !text.starts_with(kStateWithoutHistories);
  GS_TRY(StateReader in, StateReader::open(histories ? kStateVersion : kStateWithoutHistories, text));
  Lookout fresh(options_);
  GS_CHECK(fresh.read(in, histories));
  fresh.seen_ = seen_;
  fresh.least_ = least_;
  *this = std::move(fresh);
  return {};
}

}  // namespace gpuscale::policy
