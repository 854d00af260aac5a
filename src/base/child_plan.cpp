// SPDX-License-Identifier: Apache-2.0
#include "base/child_plan.h"

#include <csignal>

namespace gpuscale::base {
namespace {

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  // execve(2) takes char* for history's sake and changes nothing.
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

}  // namespace

ChildPlan::ChildPlan(ChildGroup group) {
  posix_spawn_file_actions_init(&files_);
  posix_spawnattr_init(&attributes_);
  sigset_t none;
  sigemptyset(&none);
  sigset_t all;
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes_, &none);
  posix_spawnattr_setsigdefault(&attributes_, &all);
  posix_spawnattr_setpgroup(&attributes_, 0);
  int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  if (group == ChildGroup::kOwn) flags |= POSIX_SPAWN_SETPGROUP;
  if (group == ChildGroup::kOwnSession) flags |= POSIX_SPAWN_SETSID;
  posix_spawnattr_setflags(&attributes_, static_cast<short>(flags));
}

ChildPlan::~ChildPlan() {
  posix_spawn_file_actions_destroy(&files_);
  posix_spawnattr_destroy(&attributes_);
}

void ChildPlan::give(int ours, int as) {
  posix_spawn_file_actions_adddup2(&files_, ours, as);
}
void ChildPlan::open(int as, const std::string& path, int flags, mode_t mode) {
  posix_spawn_file_actions_addopen(&files_, as, path.c_str(), flags, mode);
}
void ChildPlan::close_from(int first) {
  posix_spawn_file_actions_addclosefrom_np(&files_, first);
}
void ChildPlan::work_in(const std::string& folder) {
  posix_spawn_file_actions_addchdir_np(&files_, folder.c_str());
}

int ChildPlan::start(const std::vector<std::string>& arguments, const std::vector<std::string>& environment,
                     pid_t& child) const {
  return posix_spawn(&child, arguments.front().c_str(), &files_, &attributes_, pointers_to(arguments).data(),
                     pointers_to(environment).data());
}

int ChildPlan::start_by_path(const std::vector<std::string>& arguments,
                             const std::vector<std::string>& environment, pid_t& child) const {
  return posix_spawnp(&child, arguments.front().c_str(), &files_, &attributes_, pointers_to(arguments).data(),
                      pointers_to(environment).data());
}

}  // namespace gpuscale::base
