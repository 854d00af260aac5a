// SPDX-License-Identifier: Apache-2.0
#include "pool/providers/local/local_provider.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <utility>

#include "base/duration.h"
#include "pool/providers/local/spawn.h"

namespace gpuscale::pool::local {
namespace {

constexpr std::size_t kMaxEndpointBytes = 256;

Error no_instance(const NodeId& id) {
  return fail(Errc::kNotFound, "no process of node " + id.value());
}

std::string describe_exit(int status) {
  if (WIFSIGNALED(status)) return std::string("ended by signal ") + std::to_string(WTERMSIG(status));
  return "exited with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

Result<std::unique_ptr<LocalProvider>> LocalProvider::open(LocalProviderOptions options, const Clock& clock,
                                                           log::Log log) {
  for (const auto& [name, value] :
       {std::pair("binary", &options.binary), std::pair("dir", &options.dir),
        std::pair("instance", &options.instance), std::pair("pool", &options.pool)}) {
    if (value->empty())
      return fail(Errc::kInvalidArgument, std::string("provider local: no ") + name + " given");
  }
  for (const std::string* word : {&options.instance, &options.pool}) {
    if (word->find('/') != std::string::npos) {
      return fail(Errc::kInvalidArgument, "provider local: \"" + *word + "\" must not hold a slash");
    }
  }
  if (access(options.binary.c_str(), X_OK) != 0) {
    return fail(Errc::kUnavailable,
                "provider local: cannot run " + options.binary + ": " + std::strerror(errno));
  }
  std::error_code error;
  std::filesystem::create_directories(options.dir, error);
  if (error) {
    return fail(Errc::kUnavailable, "provider local: cannot make " + options.dir + ": " + error.message());
  }
  return std::unique_ptr<LocalProvider>(new LocalProvider(std::move(options), clock, std::move(log)));
}

LocalProvider::LocalProvider(LocalProviderOptions options, const Clock& clock, log::Log log)
    : options_(std::move(options)),
      clock_(clock),
      log_(std::move(log)),
      nodes_(options_.call_timeout, options_.ca_file) {}

Result<void> LocalProvider::launch(const NodeId& id) {
  GS_CHECK(look());
  if (leaders_.contains(id.value())) return {};
  const std::string folder = folder_of(id.value());
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(Errc::kUnavailable, "cannot make " + folder + ": " + error.message());
  GS_TRY(const int lock, try_lock(folder + "/lock"));
  if (lock < 0) return {};  // its process exists, though it may not show its mark yet
  // Of an earlier process: its port may be another's by now.
  std::filesystem::remove(folder + "/endpoint", error);

  SpawnRequest request;
  request.arguments = {options_.binary,
                       "agent",
                       "--server",
                       options_.server_url,
                       "--cluster",
                       options_.cluster,
                       "--pool",
                       options_.pool,
                       "--node",
                       id.value(),
                       "--source",
                       options_.source,
                       "--serve",
                       "--service-time",
                       base::format_duration(options_.service_time),
                       "--interval",
                       base::format_duration(options_.interval),
                       "--listen",
                       "127.0.0.1:0",
                       "--endpoint-file",
                       folder + "/endpoint"};
  if (options_.max_queue > 0) {
    request.arguments.insert(request.arguments.end(), {"--max-queue", std::to_string(options_.max_queue)});
  }
  if (!options_.ca_file.empty())
    request.arguments.insert(request.arguments.end(), {"--ca", options_.ca_file});
  request.environment = inherited_environment();
  request.environment.push_back("GPUSCALE_TOKEN=" + options_.token.reveal());
  request.environment.push_back(std::string(kMarkVariable) + "=" + prefix() + id.value());
  request.folder = folder;
  request.log_file = folder + "/agent.log";
  request.lock_fd = lock;
  auto pid = spawn(request);
  close(lock);  // the process has its own; the lock lives as long as that one
  if (!pid) return std::move(pid).error();
  children_.emplace(*pid, id.value());
  scanned_.reset();  // the next look finds it by its mark
  log_.info("process.started", {{"node", id.value()}, {"pid", *pid}});
  return {};
}

void LocalProvider::reap() {
  // Only our own, by pid: waiting for any child would steal those of other rooms.
  std::erase_if(children_, [&](const auto& child) {
    int status = 0;
    const pid_t got = waitpid(child.first, &status, WNOHANG);
    if (got == 0) return false;
    if (got == child.first) {
      const bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
      const log::Field how("how", describe_exit(status));
      if (clean || endings_.contains(child.second)) {
        log_.info("process.ended", {{"node", child.second}, how});
      } else {
        log_.warn("process.ended",
                  {{"node", child.second}, how, {"log", folder_of(child.second) + "/agent.log"}});
      }
    }
    return true;
  });
}

Result<void> LocalProvider::look() {
  reap();
  const MonoTime now = clock_.mono();
  if (!scanned_ || now - *scanned_ >= options_.scan_interval || now < *scanned_) {
    GS_CHECK(scan());
    scanned_ = now;
  } else {
    for (auto it = leaders_.begin(); it != leaders_.end();) {
      GS_TRY(const bool alive, is_alive(it->second));
      it = alive ? std::next(it) : leaders_.erase(it);
    }
  }
  enforce_ends();
  return {};
}

Result<void> LocalProvider::scan() {
  GS_TRY(auto processes, find_marked(kMarkVariable, prefix()));
  std::map<std::string, MarkedProcess> leaders;
  for (const MarkedProcess& process : processes) {
    if (process.session == process.pid)
      leaders.insert_or_assign(process.mark.substr(prefix().size()), process);
  }
  for (const MarkedProcess& process : processes) {
    const std::string id = process.mark.substr(prefix().size());
    if (leaders.contains(id)) continue;
    // A leader may have been in the middle of exec, without its mark, when the scan passed it.
    GS_TRY(const bool leader_lives, is_living(process.session));
    if (leader_lives) continue;
    // What a dead node left behind serves nobody, and would hold the lock of its id.
    log_.warn("process.left_behind", {{"node", id}, {"pid", process.pid}});
    kill(process.pid, SIGKILL);
  }
  leaders_ = std::move(leaders);
  return {};
}

void LocalProvider::enforce_ends() {
  const MonoTime now = clock_.mono();
  std::erase_if(endings_, [&](const auto& ending) { return !leaders_.contains(ending.first); });
  for (auto& [id, ending] : endings_) {
    if (ending.killed || now - ending.since < options_.kill_after) continue;
    const MarkedProcess& leader = leaders_.at(id);
    const auto alive = is_alive(leader);
    if (!alive || !*alive) continue;
    log_.warn("process.killed", {{"node", id}, {"pid", leader.pid}, {"after", options_.kill_after}});
    kill(-leader.pid, SIGKILL);
    ending.killed = true;
  }
}

std::string LocalProvider::endpoint_of(const std::string& id) const {
  std::ifstream file(folder_of(id) + "/endpoint");
  std::string line;
  // A half-written line mends itself: the file is read anew on each look.
  if (!std::getline(file, line) || line.empty() || line.size() > kMaxEndpointBytes) return "";
  return line.starts_with("http://") || line.starts_with("https://") ? line : "http://" + line;
}

Result<std::vector<Instance>> LocalProvider::list() {
  GS_CHECK(look());
  std::vector<Instance> out;
  for (const auto& [id, process] : leaders_) {
    Instance instance{NodeId(id), InstanceState::kStarting, endpoint_of(id),
                      "pid " + std::to_string(process.pid)};
    if (endings_.contains(id)) {
      instance.state = InstanceState::kStopping;
    } else if (!instance.endpoint.empty()) {
      instance.state = InstanceState::kRunning;
    }
    out.push_back(std::move(instance));
  }
  return out;
}

Result<const MarkedProcess*> LocalProvider::leader_of(const NodeId& id) {
  GS_CHECK(look());
  const auto found = leaders_.find(id.value());
  if (found == leaders_.end()) return no_instance(id);
  return &found->second;
}

Result<void> LocalProvider::drain(const NodeId& id) {
  GS_CHECK(leader_of(id));
  return nodes_.set_draining(id, endpoint_of(id.value()), true);
}
Result<void> LocalProvider::undrain(const NodeId& id) {
  GS_CHECK(leader_of(id));
  return nodes_.set_draining(id, endpoint_of(id.value()), false);
}

Result<Workload> LocalProvider::workload(const NodeId& id) {
  GS_CHECK(leader_of(id));
  return nodes_.workload(id, endpoint_of(id.value()));
}

Result<void> LocalProvider::terminate(const NodeId& id) {
  auto leader = leader_of(id);
  if (!leader) {
    if (leader.error().code() == Errc::kNotFound) return {};
    return std::move(leader).error();
  }
  const auto [ending, first] = endings_.try_emplace(id.value(), Ending{clock_.mono()});
  // Once only: an agent takes a second SIGTERM as impatience. After kill_after comes SIGKILL.
  if (first && kill(-(*leader)->pid, SIGTERM) != 0 && errno != ESRCH) {
    const int error = errno;
    endings_.erase(ending);
    return fail(Errc::kUnavailable, "cannot end node " + id.value() + ": " + std::strerror(error));
  }
  return {};
}

}  // namespace gpuscale::pool::local
