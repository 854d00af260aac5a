// SPDX-License-Identifier: Apache-2.0
#include "pool/providers/local/local_provider.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <utility>

#include "base/duration.h"
#include "pool/providers/local/gpu_places.h"
#include "pool/providers/local/spawn.h"

namespace gpuscale::pool::local {
namespace {

constexpr std::size_t kMaxEndpointBytes = 256;
constexpr Nanos kAgentShare = std::chrono::seconds{1};

/// "" where there is none yet.
std::string address_in(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  // A half-written line mends itself: the file is read anew on each look.
  if (!std::getline(file, line) || line.empty() || line.size() > kMaxEndpointBytes) return "";
  return line.starts_with("http://") || line.starts_with("https://") ? line : "http://" + line;
}

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
  if (options.root.empty()) options.root = std::filesystem::path(options.dir).parent_path();
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

std::vector<std::string> LocalProvider::arguments_for(const std::string& id,
                                                      const std::vector<std::string>& gpus) const {
  const bool commanded = !options_.command.empty();
  const std::string folder = folder_of(id);
  const std::string source = !options_.source.empty() ? options_.source : commanded ? "auto" : "virtual";
  std::vector<std::string> out{options_.binary,   "agent",
                               "--server",        options_.server_url,
                               "--cluster",       options_.cluster,
                               "--pool",          options_.pool,
                               "--node",          id,
                               "--source",        source,
                               "--interval",      base::format_duration(options_.interval),
                               "--listen",        "127.0.0.1:0",
                               "--endpoint-file", folder + "/endpoint"};
  const auto add = [&out](const std::string& flag, std::string value) {
    out.push_back(flag);
    out.push_back(std::move(value));
  };
  if (options_.max_queue > 0) add("--max-queue", std::to_string(options_.max_queue));
  if (!options_.ca_file.empty()) add("--ca", options_.ca_file);
  if (!commanded) {
    out.push_back("--serve");
    add("--service-time", base::format_duration(options_.service_time));
    return out;
  }
  add("--service-file", folder + "/service");
  add("--ready", options_.ready);
  // The agent ends its command by force before it is ended by force itself.
  add("--grace", base::format_duration(std::max(options_.grace - kAgentShare, options_.grace / 2)));
  if (!options_.inference.empty()) add("--inference", options_.inference);
  std::string words;
  for (const std::string& gpu : gpus) words += (words.empty() ? "" : ",") + gpu;
  if (!words.empty()) add("--gpus", words);
  out.push_back("--");
  out.insert(out.end(), options_.command.begin(), options_.command.end());
  return out;
}

Result<void> LocalProvider::launch(const NodeId& id) {
  GS_CHECK(look());
  if (leaders_.contains(id.value())) return {};
  const std::string folder = folder_of(id.value());
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(Errc::kUnavailable, "cannot make " + folder + ": " + error.message());
  GS_TRY(const int lock, try_lock(folder + "/lock"));
  if (lock < 0) return {};  // its process exists, though it may not show its mark yet
  // Of an earlier process: its ports may be another's by now.
  std::filesystem::remove(folder + "/endpoint", error);
  std::filesystem::remove(folder + "/service", error);
  std::vector<std::string> gpus;
  if (!options_.gpus.empty()) {
    auto places = take_places({options_.root, folder, options_.gpus, options_.gpus_per_node});
    if (!places) {
      close(lock);
      return std::move(places).error();
    }
    gpus = *std::move(places);
  }

  SpawnRequest request;
  request.arguments = arguments_for(id.value(), gpus);
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
  // Who ends gives back his memory, and the mark with it, before his files and devices: he is there till
  // then.
  for (const auto& [id, process] : leaders_) {
    if (leaders.contains(id)) continue;
    GS_TRY(const bool alive, is_alive(process));
    if (alive) leaders.emplace(id, process);
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
    if (ending.killed || now - ending.since < options_.grace) continue;
    const MarkedProcess& leader = leaders_.at(id);
    const auto alive = is_alive(leader);
    if (!alive || !*alive) continue;
    log_.warn("process.killed", {{"node", id}, {"pid", leader.pid}, {"after", options_.grace}});
    kill(-leader.pid, SIGKILL);
    ending.killed = true;
  }
}

std::string LocalProvider::agent_of(const std::string& id) const {
  return address_in(folder_of(id) + "/endpoint");
}

std::string LocalProvider::service_of(const std::string& id) const {
  return options_.command.empty() ? agent_of(id) : address_in(folder_of(id) + "/service");
}

Result<std::vector<Instance>> LocalProvider::list() {
  GS_CHECK(look());
  std::vector<Instance> out;
  for (const auto& [id, process] : leaders_) {
    Instance instance{NodeId(id), InstanceState::kStarting, service_of(id),
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
  return nodes_.set_draining(id, agent_of(id.value()), true);
}
Result<void> LocalProvider::undrain(const NodeId& id) {
  GS_CHECK(leader_of(id));
  return nodes_.set_draining(id, agent_of(id.value()), false);
}

Result<Workload> LocalProvider::workload(const NodeId& id) {
  GS_CHECK(leader_of(id));
  return nodes_.workload(id, agent_of(id.value()));
}

Result<void> LocalProvider::terminate(const NodeId& id) {
  auto leader = leader_of(id);
  if (!leader) {
    if (leader.error().code() == Errc::kNotFound) return {};
    return std::move(leader).error();
  }
  const auto [ending, first] = endings_.try_emplace(id.value(), Ending{clock_.mono()});
  // Once only: an agent takes a second SIGTERM as impatience, and so do inference servers, whom the agent
  // tells to end; so one with a command is told alone. After the grace comes SIGKILL for all.
  const pid_t told = options_.command.empty() ? -(*leader)->pid : (*leader)->pid;
  if (first && kill(told, SIGTERM) != 0 && errno != ESRCH) {
    const int error = errno;
    endings_.erase(ending);
    return fail(Errc::kUnavailable, "cannot end node " + id.value() + ": " + std::strerror(error));
  }
  return {};
}

}  // namespace gpuscale::pool::local
