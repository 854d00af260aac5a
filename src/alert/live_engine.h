// SPDX-License-Identifier: Apache-2.0
/// The engine that Engine::open() makes. Each rule is a small object with a lock of its own; the threads take
/// the rule that has been due for longest. A rule never overlaps itself. Slow rules wait in a lane of their
/// own, so that they hold up each other alone.
#pragma once
#include <array>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "alert/answer_cache.h"
#include "alert/engine.h"
#include "alert/inquiry.h"
#include "alert/live_rule.h"

namespace gpuscale::alert {

class LiveEngine final : public Engine {
 public:
  struct Parts {
    db::Database& database;
    RuleStore store;
    activity::Ledger& ledger;
    datasource::DataSource& source;
    const Clock& clock;
    log::Log log;
    Sink sink;
    EngineOptions options;
  };
  LiveEngine(Parts parts, std::vector<Silence> silences)
      : parts_(std::move(parts)), silences_(std::move(silences)) {}
  ~LiveEngine() override;
  LiveEngine(const LiveEngine&) = delete;
  LiveEngine& operator=(const LiveEngine&) = delete;

  Result<void> set_rules(std::vector<RuleSpec> rules) override;
  std::vector<RuleStatus> status() const override;
  Result<Silence> silence(Silence silence) override;
  Result<void> lift_silence(const std::string& id) override;
  std::vector<Silence> silences() const override;
  void tick(WallTime now) override;
  void start() override;
  void stop() override;

  void take_answer(const std::shared_ptr<Inquiry>& inquiry, std::size_t which, AnswerCache::AnswerPtr answer);

 private:
  using RulePtr = std::shared_ptr<LiveRule>;
  using InquiryPtr = std::shared_ptr<Inquiry>;

  // live_engine.cpp: the set of rules, and whose turn it is.
  Result<RulePtr> make_rule(RuleSpec spec, std::vector<StoredInstance> stored, WallTime now);
  void resume(LiveRule& rule, Tracked& tracked, WallTime now);
  Result<void> pause(LiveRule& rule, Tracked& tracked, WallTime now);
  /// The rules as running, as stored and as specified; those that are no more are called off.
  Result<std::vector<RulePtr>> make_rules(std::vector<RuleSpec> specs,
                                          const std::map<std::string, RulePtr>& before, WallTime now);
  Result<RulePtr> edited_rule(RuleSpec spec, LiveRule& before, WallTime now);
  /// A state that is no more must not go on acting through a message that still waits.
  Result<void> retire(const LiveRule& rule, const Tracked& tracked, WallTime now);
  enum Lane : std::size_t { kQuick, kSlow };
  using Queue = std::multimap<WallTime, RulePtr>;  ///< by when they are due; one that runs is not in it
  void notice_set_back(WallTime now);
  RulePtr take_due(WallTime now, Lane lane);
  void requeue(const RulePtr& rule);
  /// Gives a rule its place in its interval, so that not all ask at once; rules that ask the same stay
  /// together and share the answer.
  static void spread_out(LiveRule& rule, WallTime now);
  Nanos until_next(WallTime now, Lane lane) const;
  void run(Lane lane);
  /// One look of a thread; the engine's mutex is held before and after, not meanwhile.
  void look(std::unique_lock<std::mutex>& lock, const InquiryPtr& inquiry, Lane lane);
  /// Where a rule asks other sources, its questions are sent; else it can be looked at now.
  void inquire(const InquiryPtr& inquiry);
  InquiryPtr take_answered(Lane lane);
  /// Starts another quick thread where looks that take too long have left fewer than there should be.
  void keep_quick();

  // live_engine_look.cpp: one evaluation.
  /// What one look makes of one state, before it is on disk.
  struct Change {
    Tracked* tracked = nullptr;
    Step step;
    StoredRule next;
    std::optional<activity::Entry> entry;
    bool forget = false;  ///< a calm series that is no more
  };
  /// false: it would have had to wait for another's slow question, and has not looked. Only with `patience`.
  bool evaluate_now(const Inquiry& inquiry, std::optional<Nanos> patience);
  datasource::Query query_of(const LiveRule& rule, const Reduction& reduction, WallTime moment,
                             Nanos timeout) const;
  /// What the inquiry has no answer to yet. Empty where patience ended.
  std::optional<std::vector<AnswerCache::AnswerPtr>> ask(const Inquiry& inquiry,
                                                         std::optional<Nanos> patience);
  /// For the explanation of a look: of each query without an answer, why it has none where that is known, "
  /// (C: nothing was ever written to ...)"; else "". Looked up anew when it was not for kLookUpAgain.
  std::string absence_of(LiveRule& rule, const std::vector<AnswerCache::AnswerPtr>& answers, WallTime now);
  static constexpr Nanos kLookUpAgain = std::chrono::seconds{10};
  /// Per state of the rule: what was seen of it. Makes the states of series that are new.
  std::map<std::string, Look> looks_of(LiveRule& rule, const Evaluation& recovered, WallTime now);
  /// What becomes of a series that was not seen while others were: absent, until it counts as over.
  static void settle_gone(const LiveRule& rule, Tracked& tracked, Look& look, WallTime now);
  std::string muted_by(const LiveRule& rule, const metrics::Tags& labels, WallTime now) const;
  std::optional<Change> change_of(LiveRule& rule, Tracked& tracked, const Look& look, bool seen,
                                  WallTime now);
  /// What `step` makes owed: a message, or word of what becomes of those that wait; else what is owed
  /// already.
  std::optional<Notification> owed_after(const LiveRule& rule, const Tracked& tracked, const Step& step,
                                         WallTime now) const;
  Result<void> keep(const std::string& rule, const StoredInstance& next, activity::Entry* entry);
  Result<void> keep(const std::string& rule, std::vector<Change>& changes);
  void hand_over(LiveRule& rule, Tracked& tracked);
  void log_step(const LiveRule& rule, const Tracked& tracked, const Step& step) const;

  Parts parts_;
  AnswerCache answers_;
  std::mutex setup_mutex_;  ///< one set_rules() at a time

  mutable std::mutex silences_mutex_;
  std::vector<Silence> silences_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<RulePtr> rules_;
  std::array<Queue, 2> queues_;
  WallTime newest_now_{};          ///< to notice a clock that was set back
  std::multiset<MonoTime> looks_;  ///< when those of the quick lane that run began
  int quick_threads_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
  std::set<InquiryPtr> asked_;                      ///< on their way
  std::array<std::deque<InquiryPtr>, 2> answered_;  ///< whole, by lane
  std::shared_ptr<Letterbox> letterbox_;            ///< while it is started
};

}  // namespace gpuscale::alert
