// SPDX-License-Identifier: Apache-2.0
/// One pool's hands and eyes: looks at provider and telemetry, lets reconcile() plan, writes each step down
/// and then carries it out. Holds only what may be forgotten in a crash (back-off, what was seen when). Not
/// thread-safe; the controller runs one pass at a time.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "log/log.h"
#include "pool/provider.h"
#include "scaling/book.h"
#include "scaling/decision_journal.h"
#include "scaling/peak_window.h"
#include "scaling/reconcile.h"
#include "scaling/report_age.h"
#include "scaling/telemetry.h"

namespace gpuscale::scaling {

/// What the last pass saw, for the people's view.
struct PoolSight {
  std::optional<TelemetryByNode> telemetry;
  std::map<std::string, LedgerLine> ledger;  ///< by node id
  RemovalProof proof;
  std::string fault;  ///< "" = none
  std::string scale_in_blocked;
  bool empty_handed = false;  ///< no instance exists and no node is recorded
};

class PoolShell {
 public:
  struct Ports {
    Book& book;
    DecisionJournal& journal;
    Telemetry& telemetry;
    const Clock& clock;
    log::Log log;
    Nanos telemetry_window;
    std::function<std::string()> id_suffix;
  };  // all outlive the shell

  PoolShell(pool::PoolSpec spec, std::unique_ptr<pool::NodeProvider> provider, Ports ports);

  void set_spec(pool::PoolSpec spec) { spec_ = std::move(spec); }
  const pool::PoolSpec& spec() const { return spec_; }

  /// Looks, plans, acts. `closing`: end all nodes and make none.
  void pass(WallTime now, bool closing);
  const PoolSight& sight() const { return sight_; }
  int parked() const;  ///< by the last pass

 private:
  /// What this process has seen of a node; begins anew after a restart, which only makes it more patient.
  struct Watch {
    pool::NodeState state = pool::NodeState::kLaunching;
    bool ending = false;
    Nanos before{0};  ///< time in this state before `since`, by the wall clock
    MonoTime since;
    int calls = 0;  ///< without the effect wanted
    std::optional<MonoTime> next_call;
    std::optional<MonoTime> next_look;
    int idle_observations = 0;  ///< consecutive
    MonoTime idle_since;
    bool workload_unsupported = false;
  };

  ReconcileInput observe(const PoolPage& page, WallTime now, bool closing);
  NodeView view_of(const NodeRecord& record, WallTime now);
  void look_at_workload(NodeView& view, Watch& watch);
  void note_failing(ReconcileInput& input);
  void note_work(const RemovalProof& proof);
  /// Writes the pass down with its inputs where it decides anything; a journal that refuses stops nothing.
  void keep_pass(const ReconcileInput& input, const Plan& plan, WallTime now);
  void count_gpu_hours(const PoolPage& page, WallTime now);
  std::set<std::string> unknown_and_gone(const PoolPage& page, const std::vector<pool::Instance>& instances);

  /// false: the pool was changed by a command meanwhile, or state.db refuses; the rest of the plan is
  /// dropped.
  bool carry_out(Action& action, std::uint64_t revision, WallTime now);
  Result<void> write_down(const Action& action, std::uint64_t revision, WallTime now);
  void call(const Action& action);
  void note_boot_failure();
  void note_call(const Action& action, const Result<void>& result);
  Result<std::string> fresh_id() const;
  void tell_when_steady(const PoolPage& page, WallTime now);
  void set_fault(std::string& slot, std::string what, std::string_view event);

  pool::PoolSpec spec_;
  std::unique_ptr<pool::NodeProvider> provider_;
  Ports ports_;
  MonoTime started_;
  std::map<std::string, Watch> watches_;
  std::map<std::string, MonoTime> failing_since_;  ///< nodes that report failed devices
  ReportAge report_age_;
  PeakWindow work_;
  std::map<std::string, PeakWindow> work_by_class_;  ///< of a pool of several GPU classes
  std::string fleet_fault_;
  std::string budget_fault_;
  int boot_failures_ = 0;
  std::optional<MonoTime> next_launch_;
  std::string list_fault_;
  std::string telemetry_fault_;
  std::string launch_fault_;
  std::string book_fault_;
  DecisionJournal::PassBase pass_base_;
  std::string journal_fault_;
  std::string told_blocked_;  ///< why the last pass that was kept left a surplus or a gap
  PoolSight sight_;
  bool restless_ = false;  ///< has been other than steady since the last pool.steady
};

}  // namespace gpuscale::scaling
