// SPDX-License-Identifier: Apache-2.0
/// Carries out what triggers of type run and call are pulled for. Of one trigger one errand runs at a time;
/// one that hangs delays no other trigger's. "running" is on disk before the command starts or the request
/// leaves, so that after a crash an errand was either never begun (it still will be), or it is told as
/// unknown and never repeated by itself. Thread-safe.
#pragma once
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "log/log.h"
#include "notify/outbox.h"
#include "scaling/book.h"
#include "scaling/errand_store.h"

namespace gpuscale::scaling {

/// Who carries them out; null = that type is not offered.
struct ErrandSenders {
  std::shared_ptr<notify::Sender> run;
  std::shared_ptr<notify::Sender> call;
};

/// Errands that run at once, of all triggers together; others wait.
constexpr std::size_t kMostErrandsAtOnce = 32;

class ErrandDesk {
 public:
  struct Ports {
    db::Database& database;
    Book& book;
    const Clock& clock;
    log::Log log;
    ErrandSenders senders;
  };
  /// Tells what a crash has left in the middle.
  static Result<std::unique_ptr<ErrandDesk>> open(Ports ports);
  ~ErrandDesk();  ///< stop()
  ErrandDesk(const ErrandDesk&) = delete;
  ErrandDesk& operator=(const ErrandDesk&) = delete;

  /// The triggers there are. What waits for one that was just deleted is called off.
  Result<void> configure(const std::vector<TriggerSpec>& triggers);
  /// What one call comes to, written down in the caller's change. kUnsupported: nobody carries it out.
  Result<void> decide_in(Draft& draft, const TriggerSpec& trigger, const TriggerCall& call, WallTime now,
                         TriggerOutcome& outcome);
  /// How far the errand of an earlier answer has come, for who asks again.
  Result<std::string> progress_of(Draft& draft, const TriggerOutcome& outcome) const;
  /// Newest first. Errors: of the database.
  Result<std::vector<Errand>> newest(const std::string& trigger, std::size_t most) const;

  /// Carries out all that waits on the calling thread.
  void tick(WallTime now);
  void start();
  void wake();  ///< something may wait
  void stop();  ///< idempotent; ends what runs, whose outcome is then unknown

 private:
  ErrandDesk(Ports ports, ErrandStore store) : ports_(std::move(ports)), store_(store) {}

  Result<void> settle_unfinished(const std::string& trigger, WallTime now);
  /// @return whether there was one.
  Result<bool> carry_out_next(const std::string& trigger, WallTime now);
  Result<std::optional<Errand>> begin(const std::string& trigger, WallTime now);
  Result<void> end(Errand errand);
  std::set<std::string> triggers_with_waiting() const;
  void run(const std::string& trigger);  ///< a thread's: all that waits for one trigger
  void dispatch();                       ///< the dispatching thread's
  void start_due();
  activity::Entry entry_of(const Errand& errand, const std::string& kind, WallTime now) const;

  Ports ports_;
  const ErrandStore store_;
  mutable std::mutex mutex_;
  std::map<std::string, TriggerSpec> triggers_;  ///< of type run and call
  std::condition_variable wake_;
  bool due_ = false;  ///< something may wait
  bool stopping_ = false;
  std::thread dispatcher_;
  std::set<std::string> busy_;
  std::map<std::string, std::thread> threads_;  ///< of busy_
  std::vector<std::thread> ended_;              ///< to be joined
};

}  // namespace gpuscale::scaling
