// SPDX-License-Identifier: Apache-2.0
/// Which pods there are and which of them run, from the folders that kubelet keeps. kubelet's pod-resources
/// service goes on naming a pod for up to half an hour after its end, and knows pods by name where control
/// groups know them by uid: these two answers mend both.
#pragma once
#include <map>
#include <optional>
#include <string>

namespace gpuscale::agent {

struct PodName {
  std::string pod_namespace;
  std::string pod;
};

/// Of every folder "NAMESPACE_NAME_UID" in /var/log/pods, by uid; empty where that cannot be read. `root` is
/// "" but in tests.
std::map<std::string, PodName> pods_by_uid(const std::string& root = "");

/// Whether the pod has a control group, which it has as long as a container of it runs, in the layouts of
/// both of kubelet's drivers and both hierarchies. Empty where no pod's groups can be seen at all: from
/// inside a container, as a rule.
std::optional<bool> pod_runs(const std::string& uid, const std::string& root = "");

}  // namespace gpuscale::agent
