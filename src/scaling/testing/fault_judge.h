// SPDX-License-Identifier: Apache-2.0
/// The promises of the fault suite, judged by what is true in the world and durable in state.db, never by the
/// code that is on trial.
#pragma once
#include <map>
#include <set>
#include <string>
#include <utility>

#include "activity/ledger.h"
#include "base/time.h"
#include "db/database.h"
#include "scaling/controller.h"
#include "scaling/testing/fault_setup.h"

namespace gpuscale::scaling::testing {

class FaultJudge {
 public:
  FaultJudge(db::Database& database, FaultReport& report, bool flat_load)
      : database_(database), report_(report), flat_load_(flat_load) {}

  void set_fleet_cap(int gpus) { fleet_cap_ = gpus; }
  void set_blind(bool blind) { blind_ = blind; }  ///< telemetry cannot be read

  /// Before a machine is made: what asks for it must be on the disk already.
  void on_launch(const std::string& id) {
    if (count("SELECT count(*) FROM scaling_nodes WHERE id = '" + id + "'") == 0)
      accuse("launched without an intent on the disk: " + id);
  }

  /// What the controller has just made durable. `mono` = true time.
  void on_entry(const activity::Entry& entry, Site& site, MonoTime mono) {
    if (entry.kind == "node.draining" && cause_of(entry) == "scale_in") {
      ++report_.removals;
      judge_removal(entry, site);
    }
    // One that had drained before it is cancelled was no capacity any more.
    const bool was_capacity = entry.details.value("from_state", "") != "draining";
    const bool leaves = entry.kind == "node.draining" || entry.kind == "node.cancelled";
    if (leaves && cause_of(entry) == "cancel" && was_capacity) judge_min(entry, site);
    if (entry.kind == "node.launching" && capacity(site) > site.spec.max)
      accuse("a launch went above max: " + entry.summary);
    if (entry.kind == "node.undrained") ++report_.rescues;
    if (entry.kind == "pool.desired") judge_size(entry, site, mono);
  }

  /// What must hold at every moment. `nodes` as the controller shows them.
  void on_step(Site& site, const std::vector<NodeStatus>& nodes) {
    std::set<std::string> leaving;
    for (const NodeStatus& status : nodes) {
      if (status.node.state == pool::NodeState::kDraining) leaving.insert(status.node.id.value());
    }
    int there = 0;
    for (const std::string& id : site.ids()) {
      const bool counts = site.machine(id)->state != pool::InstanceState::kStopping &&
                          !leaving.contains(id) && !site.planted.contains(id);
      there += counts ? 1 : 0;
    }
    if (there > site.highest_max + site.taken_back) {
      accuse(std::to_string(there) + " machines of pool " + site.spec.name + ", above max " +
             std::to_string(site.highest_max));
    }
    for (const auto* cloud : site.clouds()) {
      if (!cloud->made_twice().empty()) accuse("launched twice: " + cloud->made_twice().front());
      if (!cloud->ended_busy().empty()) accuse("ended while busy: " + cloud->ended_busy().front());
    }
    if (!site.second) return;
    for (const std::string& id : site.second->ids()) {
      if (site.first.machine(id)) accuse("launched twice, in both clouds: " + id);
    }
  }

  /// Why books and world do not agree yet, after a while in peace; "" = they do.
  static std::string unrest(Site& site, const PoolStatus& pool, const std::vector<NodeStatus>& nodes) {
    std::set<std::string> known;
    int ready = 0;
    for (const NodeStatus& status : nodes) {
      known.insert(status.node.id.value());
      const bool serves = status.node.state == pool::NodeState::kReady;
      if (serves && !site.machine(status.node.id.value()))
        return "ready and not there: " + status.node.id.value();
      ready += serves ? 1 : 0;
    }
    for (const std::string& id : site.ids()) {
      if (!known.contains(id)) return "orphan: " + id;
    }
    if (ready < site.spec.min) return "below min at rest: " + pool.phase_reason;
    if (ready < pool.desired) return "wedged: " + pool.phase_reason;
    return "";
  }

  void accuse(std::string what) { report_.broken.push_back(std::move(what)); }

 private:
  static std::string cause_of(const activity::Entry& entry) { return entry.details.value("cause", ""); }

  int count(const std::string& sql) {
    return database_
        .read<int>([&](db::Transaction& transaction) -> Result<int> {
          GS_TRY(auto rows, transaction.prepare(sql));
          GS_TRY(const bool row, rows.step());
          return row ? static_cast<int>(rows.integer(0)) : 0;
        })
        .value_or(0);
  }

  int capacity(const Site& site) {
    return count(
        "SELECT count(*) FROM scaling_nodes WHERE state IN ('launching','booting','ready') AND pool = '" +
        site.spec.name + "'");
  }

  void judge_min(const activity::Entry& entry, const Site& site) {
    if (capacity(site) < site.spec.min) accuse("went below min: " + entry.summary);
  }

  void judge_removal(const activity::Entry& entry, Site& site) {
    judge_min(entry, site);
    if (blind_) accuse("a node was taken while no telemetry could be read: " + entry.summary);
    if (site.held) accuse("a node was taken under a person's hold: " + entry.summary);
    if (site.guarded.contains(entry.subject)) accuse("a protected node was taken: " + entry.summary);
    const auto machine = site.machines.find(entry.subject);
    if (machine == site.machines.end()) return;
    const double patience = std::chrono::duration<double>(site.spec.telemetry_timeout).count() + kSlack;
    if (machine->second.unheard > patience) accuse("a silent node was taken: " + entry.summary);
  }

  /// Reversals are judged by the true demand, which the controller never sees.
  void judge_size(const activity::Entry& entry, Site& site, MonoTime mono) {
    const int from = entry.details.at("from").get<int>();
    const int to = entry.details.at("to").get<int>();
    if (to < site.spec.min || to > site.spec.max) accuse("desired out of bounds: " + entry.summary);
    const std::string source = entry.details.value("source", "");
    if (source == "rule" && to > from && fleet_cap_ > 0 &&
        count("SELECT sum(desired) FROM scaling_pools") > fleet_cap_)
      accuse("the fleet's cap was passed: " + entry.summary);
    if (!flat_load_ || (source != "rule" && source != "rescue")) return;
    bool& shrank = shrank_[site.spec.name];
    if (to > from && std::exchange(shrank, false)) note_reversal(mono, site.spec.name);
    if (to < from) shrank = true;
  }

  void note_reversal(MonoTime mono, const std::string& pool) {
    ++report_.reversals;
    const auto last = reversed_.find(pool);
    if (last != reversed_.end() && mono - last->second < std::chrono::hours{1})
      accuse("pool " + pool + " reversed twice within an hour of flat load");
    reversed_[pool] = mono;
  }

  /// Between a report and the pass that sees it, and between two steps of the world.
  static constexpr double kSlack = 4;

  db::Database& database_;
  FaultReport& report_;
  bool flat_load_;
  int fleet_cap_ = 0;
  bool blind_ = false;
  std::map<std::string, bool> shrank_;
  std::map<std::string, MonoTime> reversed_;
};

}  // namespace gpuscale::scaling::testing
