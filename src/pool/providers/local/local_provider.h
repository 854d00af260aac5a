// SPDX-License-Identifier: Apache-2.0
/// Nodes as processes on this machine: each an agent in a session of its own, with its own port and log. It
/// serves on a virtual device, or runs the pool's own command on the GPUs that gpu_places.h gives it. The
/// kernel's process table is the only truth: nodes carry a mark in their environment, so a server started
/// after kill -9 finds them again.
///
/// Why one id never gets two processes, at whatever instruction the server dies: <dir>/<id>/lock is locked
/// (flock) before the process is made, and the process inherits the locked descriptor and keeps it through
/// exec until it ends. Killed before the process exists: the kernel drops the lock with the server's
/// descriptor, nothing runs, a launch with the same id starts one. Killed between the making and exec: the
/// newborn holds the lock and goes on to exec by itself; a second launch finds the lock taken and does
/// nothing; list() shows the process as soon as it has its mark. Killed after exec: the mark is there.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "log/log.h"
#include "pool/node_endpoint.h"
#include "pool/provider.h"
#include "pool/providers/local/options.h"
#include "pool/providers/local/process_table.h"

namespace gpuscale::pool::local {

/// The variable that marks a node's processes; its value is "<instance>/<pool>/<id>".
inline constexpr const char* kMarkVariable = "GPUSCALE_NODE_MARK";

/// Not thread-safe. Calls to nodes block up to `call_timeout`.
class LocalProvider final : public NodeProvider {
 public:
  /// Errors: kInvalidArgument (an option is missing), kUnavailable (binary cannot be run, dir cannot be
  /// made).
  static Result<std::unique_ptr<LocalProvider>> open(LocalProviderOptions options, const Clock& clock,
                                                     log::Log log);

  std::string type() const override { return "local"; }
  Result<void> launch(const NodeId& id) override;
  Result<std::vector<Instance>> list() override;
  Result<void> drain(const NodeId& id) override;
  Result<void> undrain(const NodeId& id) override;
  Result<Workload> workload(const NodeId& id) override;
  Result<void> terminate(const NodeId& id) override;

 private:
  struct Ending {
    MonoTime since;
    bool killed = false;
  };

  LocalProvider(LocalProviderOptions options, const Clock& clock, log::Log log);
  std::string prefix() const { return options_.instance + "/" + options_.pool + "/"; }
  std::string folder_of(const std::string& id) const { return options_.dir + "/" + id; }
  std::string agent_of(const std::string& id) const;    ///< where its agent answers; "" while unknown
  std::string service_of(const std::string& id) const;  ///< where it serves; "" while unknown
  std::vector<std::string> arguments_for(const std::string& id, const std::vector<std::string>& gpus) const;

  void reap();
  /// Brings leaders_ up to date: the known ones each time, all of the machine each scan_interval.
  Result<void> look();
  Result<void> scan();
  void enforce_ends();
  Result<const MarkedProcess*> leader_of(const NodeId& id);

  LocalProviderOptions options_;
  const Clock& clock_;
  log::Log log_;
  NodeEndpoint nodes_;
  std::map<std::string, MarkedProcess> leaders_;  ///< by node id
  std::optional<MonoTime> scanned_;
  std::map<pid_t, std::string> children_;  ///< started by this very process: to be reaped by it
  std::map<std::string, Ending> endings_;
};

}  // namespace gpuscale::pool::local
