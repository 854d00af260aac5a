// SPDX-License-Identifier: Apache-2.0
/// Who a process belongs to, from what the kernel tells of it: a Kubernetes pod, a container, a Slurm job, a
/// systemd unit, else its command.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace gpuscale::agent {

struct ProcessOwner {
  std::string kind;       ///< "pod", "container", "slurm", "unit", "command"; "" where nothing is known
  std::string name;       ///< pod uid, short container id, job id, unit or command
  std::string container;  ///< short id, of a pod's container
  /// "pod:7f1c..", "slurm:1234", "unit:ollama.service", "command:python3".
  std::string text() const { return kind.empty() ? "" : kind + ":" + name; }
};

/// From the text of /proc/PID/cgroup (both hierarchies), as kubelet, containerd, CRI-O, docker, podman, Slurm
/// and systemd lay their groups out. kind "" where none of them made it. Pure.
ProcessOwner owner_from_cgroup(std::string_view cgroup);
/// SLURM_JOB_ID of the text of /proc/PID/environ; "" where there is none. Pure.
std::string slurm_job_in(std::string_view environ_text);

/// Reads /proc (under `root`, "" but in tests). A process that is gone, or that we may not look at, has kind
/// "".
ProcessOwner owner_of(std::int64_t pid, const std::string& root = "");

}  // namespace gpuscale::agent
