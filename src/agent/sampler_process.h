// SPDX-License-Identifier: Apache-2.0
/// The supervisor's side of the sampler process: starts it, asks it for readings, and outlives whatever
/// happens to it. A hung, crashed, mismatched or reloaded driver costs one child; what is known is told with
/// its age.
#pragma once
#include <sys/types.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/child_step.h"
#include "agent/feed.h"
#include "agent/shared_record.h"
#include "log/log.h"

namespace gpuscale::agent {

struct SamplerProcessOptions {
  std::vector<std::string> command;  ///< the program's path, kSamplerWord, source, log level, log format
  ChildPatience patience;
};

class SamplerProcess final : public ReadingFeed {
 public:
  SamplerProcess(SamplerProcessOptions options, const Clock& clock, log::Log log);
  /// Lets a call into the driver end, within the patience; kills what does not, unless the kernel holds it.
  ~SamplerProcess() override;
  SamplerProcess(const SamplerProcess&) = delete;
  SamplerProcess& operator=(const SamplerProcess&) = delete;

  /// Of one thread at a time.
  std::vector<gpu::Reading> sample(MonoTime deadline) override;
  Sight sight() const override;

 private:
  void care(MonoTime now);
  void start();
  Result<pid_t> spawn(int socket);
  void ask(MonoTime now);
  /// Waits for an answer. @return the readings, none where there is no (good) answer in time.
  std::vector<gpu::Reading> await(MonoTime deadline);
  std::vector<gpu::Reading> take_answer();
  void reap();
  void bury(int status);
  void fell_ill(FeedState state, const std::string& why);
  bool is_uninterruptible() const;
  MonoTime heartbeat() const;

  const SamplerProcessOptions options_;
  const Clock& clock_;
  const log::Log log_;
  std::unique_ptr<SharedMemory> memory_;
  int socket_ = -1;
  pid_t child_ = 0;
  ChildFacts facts_;
  MonoTime started_at_{};  ///< this child
  Nanos worked_for_{0};    ///< this child, until its newest reading
  bool told_why_ = false;  ///< this child said what ails its source
  int ends_in_a_row_ = 0;
  mutable std::mutex mutex_;
  Sight sight_;
};

}  // namespace gpuscale::agent
