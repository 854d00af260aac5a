// SPDX-License-Identifier: Apache-2.0
/// How a child process is to begin: with no signal blocked and each at its default, whatever the thread that
/// starts it has done to its own; with the descriptors that it is given and no other.
#pragma once
#include <spawn.h>
#include <sys/types.h>

#include <string>
#include <vector>

namespace gpuscale::base {

/// A group of its own can be killed as a whole; a session of its own also outlives our terminal.
enum class ChildGroup { kOurs, kOwn, kOwnSession };

/// Not thread-safe. Steps on descriptors happen in the child in the order of the calls.
class ChildPlan {
 public:
  explicit ChildPlan(ChildGroup group = ChildGroup::kOurs);
  ~ChildPlan();
  ChildPlan(const ChildPlan&) = delete;
  ChildPlan& operator=(const ChildPlan&) = delete;

  void give(int ours, int as);
  void open(int as, const std::string& path, int flags, mode_t mode = 0);
  void close_from(int first);
  void work_in(const std::string& folder);

  /// Starts the file arguments.front(). Returns 0 and sets `child`, or the error's number as posix_spawn(3)
  /// has it.
  int start(const std::vector<std::string>& arguments, const std::vector<std::string>& environment,
            pid_t& child) const;
  /// The same, found by PATH where it names no folder.
  int start_by_path(const std::vector<std::string>& arguments, const std::vector<std::string>& environment,
                    pid_t& child) const;

 private:
  posix_spawn_file_actions_t files_{};
  posix_spawnattr_t attributes_{};
};

}  // namespace gpuscale::base
