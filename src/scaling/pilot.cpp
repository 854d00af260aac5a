// SPDX-License-Identifier: Apache-2.0
#include "scaling/pilot.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <utility>

namespace gpuscale::scaling {
namespace {

constexpr std::size_t kLeastBoots = 3;
constexpr int kKeepEveryTicks = 24;  // two minutes
constexpr std::size_t kRecentLooks =
    7'200 / policy::Council::kTickSeconds;  // as long as a council looks back
constexpr std::array<db::Migration, 1> kPilotMigrations{
    {{1, "CREATE TABLE policy_state(policy TEXT PRIMARY KEY, learned TEXT NOT NULL) STRICT"}}};

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

Result<std::unique_ptr<Pilot>> Pilot::open(db::Database& database, Controller& controller, const Clock& clock,
                                           log::Log log, SignalReader signals) {
  GS_CHECK(database.migrate("policy", kPilotMigrations));
  GS_TRY(auto journal, DecisionJournal::open(database));
  return std::unique_ptr<Pilot>(
      new Pilot(database, std::move(journal), controller, clock, std::move(log), std::move(signals)));
}

Pilot::~Pilot() {
  stop();
}

Result<std::map<std::string, std::string>> Pilot::stored() {
  return database_.read<std::map<std::string, std::string>>(
      [](db::Transaction& tx) -> Result<std::map<std::string, std::string>> {
        GS_TRY(auto rows, tx.prepare("SELECT policy, learned FROM policy_state"));
        std::map<std::string, std::string> out;
        for (;;) {
          GS_TRY(const bool more, rows.step());
          if (!more) return out;
          out.emplace(rows.text(0), rows.text(1));
        }
      });
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
  keep_learned();
  GS_TRY(const auto learned, stored());
  std::map<std::string, Seat> seats;
  const std::scoped_lock lock(mutex_);
  for (auto& [pool, wanted] : by_pool) {
    if (const auto present = seats_.find(pool); present != seats_.end() && wanted == present->second.specs) {
      seats.insert(seats_.extract(present));
      continue;
    }
    std::map<std::string, std::string> theirs;
    for (const policy::PolicySpec& spec : wanted) {
      if (const auto found = learned.find(spec.name); found != learned.end()) theirs.insert(*found);
    }
    seats.emplace(pool, seat_of(wanted, std::move(theirs)));
  }
  for (auto& [pool, seat] : seats_) {
    if (seat.specs.empty()) seats.try_emplace(pool, std::move(seat));
  }
  seats_ = std::move(seats);
  return {};
}

Pilot::Seat Pilot::seat_of(std::vector<policy::PolicySpec> specs,
                           std::map<std::string, std::string> learned) {
  CouncilSegment beginning{.specs = specs, .learned = std::move(learned), .warm_up = {}};
  std::vector<std::string> unusable;
  policy::Council council = open_council(beginning, &unusable);
  for (const std::string& what : unusable) log_.warn("policy.state_unusable", {{"policy", what}});
  return {.specs = std::move(specs),
          .boot_seconds = {},
          .beginning = std::move(beginning),
          .council = std::move(council),
          .segment = {},
          .unwritten = {},
          .recent = {}};
}

void Pilot::begin_anew(Seat& seat) {
  CouncilSegment next{.specs = seat.specs, .learned = {}, .warm_up = {}};
  for (const policy::PolicySpec& spec : seat.specs) {
    if (std::string text = seat.council.learned(spec.name); !text.empty()) next.learned[spec.name] = text;
  }
  next.warm_up.assign(seat.recent.begin(), seat.recent.end());
  seat.council = open_council(next);
  seat.beginning = std::move(next);
  seat.segment.reset();
  seat.looks = 0;
  seat.unwritten.clear();
}

void Pilot::keep_look(const std::string& pool, Seat& seat, const CouncilTick& tick) {
  ++seat.looks;
  seat.recent.push_back(tick);
  if (seat.recent.size() > kRecentLooks) seat.recent.pop_front();
  seat.unwritten.push_back(tick);
  std::optional<std::int64_t> segment = seat.segment;
  const auto done = database_.transact([&](db::Transaction& tx) -> Result<void> {
    if (!segment) {
      GS_TRY(segment, journal_->begin_segment(tx, pool, seat.unwritten.front().at, seat.beginning));
    }
    std::int64_t number = seat.looks - std::ssize(seat.unwritten);
    for (const CouncilTick& look : seat.unwritten) GS_CHECK(journal_->add_tick(tx, *segment, number++, look));
    return {};
  });
  if (done) {
    seat.segment = segment;
    seat.beginning.warm_up.clear();
    seat.unwritten.clear();
    return;
  }
  if (seat.unwritten.size() == 1) log_.warn("journal.failed", {{"pool", pool}, {"error", done.error()}});
  // Written with the next that succeeds; too many would be memory without bound.
  if (seat.unwritten.size() >= kRecentLooks) begin_anew(seat);
}

std::vector<PolicyStatus> Pilot::policies() const {
  const std::scoped_lock lock(mutex_);
  std::vector<PolicyStatus> out;
  for (const auto& [pool, seat] : seats_) {
    for (std::size_t i = 0; i < seat.specs.size(); ++i) {
      const policy::Opinion& opinion = seat.council.opinions()[i];
      const auto boot = seat.specs[i].boot_seconds ? seat.specs[i].boot_seconds : seat.boot_seconds;
      out.push_back({seat.specs[i], opinion.want, opinion.reason, boot});
    }
  }
  return out;
}

std::map<std::string, double, std::less<>> Pilot::read_signals(const std::vector<PoolStatus>& pools,
                                                               WallTime now) const {
  std::vector<policy::PolicySpec> wanted;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [pool, seat] : seats_)
      std::copy_if(seat.specs.begin(), seat.specs.end(), std::back_inserter(wanted), policy::goes_by_formula);
  }
  std::map<std::string, double, std::less<>> out;
  if (!read_signal_) return out;
  for (const policy::PolicySpec& spec : wanted) {
    for (const PoolStatus& pool : pools) {
      if (pool.spec.name != spec.pool) continue;
      if (const auto value = read_signal_(spec.formula, pool, now)) out.emplace(spec.name, *value);
    }
  }
  return out;
}

void Pilot::fly(const PoolStatus& pool, Seat& seat, const std::map<std::string, double, std::less<>>& signals,
                WallTime now) {
  const std::vector<NodeStatus> nodes = controller_.nodes(pool.spec.name);
  // Nodes that leave take their boot times with them; what was learned stays.
  if (const auto boots = boot_seconds_of(nodes)) seat.boot_seconds = boots;
  if (seat.looks >= kSegmentTicks) begin_anew(seat);
  CouncilTick tick{.at = now,
                   .seen = observe(pool, nodes),
                   .min_nodes = pool.spec.min,
                   .max_nodes = pool.spec.max,
                   .boot_seconds = seat.boot_seconds,
                   .want = {}};
  for (const policy::PolicySpec& spec : seat.specs) {
    if (const auto value = signals.find(spec.name); value != signals.end()) tick.seen.signals.insert(*value);
  }
  const auto proposal = look(seat.council, tick);
  keep_look(pool.spec.name, seat, tick);
  if (!proposal || proposal->want == pool.desired) return;
  const bool growth = proposal->want > pool.desired;
  const auto& cooldown = growth ? pool.cooldown_out_until : pool.cooldown_in_until;
  if (cooldown && *cooldown > now) return;
  const std::string who = "policy " + proposal->decided_by +
                          (proposal->reason.empty() ? std::string() : " (" + proposal->reason + ")");
  const auto done = controller_.propose_size(pool.spec.name, static_cast<int>(proposal->want), who);
  if (!done) log_.warn("policy.refused", {{"pool", pool.spec.name}, {"error", done.error()}});
}

void Pilot::tick(WallTime now) {
  const std::vector<PoolStatus> pools = controller_.pools();
  const auto signals = read_signals(pools, now);
  bool keep = false;
  {
    const std::scoped_lock lock(mutex_);
    for (const PoolStatus& pool : pools) {
      auto seat = seats_.find(pool.spec.name);
      if (seat == seats_.end()) seat = seats_.emplace(pool.spec.name, seat_of({}, {})).first;
      fly(pool, seat->second, signals, now);
    }
    keep = ++ticks_since_kept_ >= kKeepEveryTicks;
  }
  if (keep) keep_learned();
}

void Pilot::keep_learned() {
  std::vector<std::pair<std::string, std::string>> learned;
  {
    const std::scoped_lock lock(mutex_);
    ticks_since_kept_ = 0;
    for (const auto& [pool, seat] : seats_) {
      for (const policy::PolicySpec& spec : seat.specs) {
        std::string text = seat.council.learned(spec.name);
        if (!text.empty()) learned.emplace_back(spec.name, std::move(text));
      }
    }
  }
  if (learned.empty()) return;
  const auto done = database_.transact([&](db::Transaction& tx) -> Result<void> {
    for (const auto& [name, text] : learned) {
      GS_TRY(auto statement,
             tx.prepare("INSERT OR REPLACE INTO policy_state(policy, learned) VALUES(?1,?2)"));
      statement.bind(1, name).bind(2, text);
      GS_CHECK(statement.run());
    }
    return {};
  });
  if (!done) log_.warn("policy.state_not_kept", {{"error", done.error()}});
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
    tick(clock_.wall());
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
