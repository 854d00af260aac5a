// SPDX-License-Identifier: Apache-2.0
#include "load/generator.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/system_clock.h"
#include "http/client.h"
#include "load/target_watch.h"
#include "load/targets.h"

namespace gpuscale::load {
namespace {

/// One due request on its way.
struct Attempt {
  MonoTime due;
  Target target;
  std::vector<std::string> tried;
  LossReason last_refusal = LossReason::kNoNode;
};

/// What one answer means.
enum class Fate { kServed, kElsewhere, kLost };
struct Judgement {
  Fate fate = Fate::kServed;
  LossReason reason = LossReason::kReset;
};

Judgement judge(const Result<http::ClientResponse>& answer) {
  if (!answer) {
    switch (answer.error().code()) {
      case Errc::kUnavailable:
        return {Fate::kElsewhere, LossReason::kRefused};
      case Errc::kTimeout:
        return {Fate::kLost, LossReason::kTimeout};
      default:
        return {Fate::kLost, LossReason::kReset};
    }
  }
  if (answer->status == 200) return {};
  if (answer->status == 503 && answer->headers.get("X-Gpuscale-Draining") == "true") {
    return {Fate::kElsewhere, LossReason::kDraining};
  }
  return {Fate::kLost, answer->status >= 500 ? LossReason::kServerError : LossReason::kRejected};
}

class OpenLoop final : public LoadGenerator {
 public:
  OpenLoop(LoadOptions options, log::Log log)
      : options_(std::move(options)),
        log_(std::move(log)),
        recorder_(clock_.mono()),
        client_(std::make_unique<http::AsyncClient>(options_.max_outstanding)) {}

  ~OpenLoop() override { stop(std::chrono::milliseconds{0}); }

  Result<void> open() {
    if (options_.endpoints.empty()) {
      TargetWatchOptions watch{options_.server, options_.pool, options_.authorization, options_.ca_file,
                               options_.nodes_every};
      GS_TRY(watch_, TargetWatch::start(std::move(watch), targets_, clock_, log_,
                                        [this](std::uint64_t late) { recorder_.lost_to_drain(late); }));
    } else {
      std::vector<Target> nodes;
      for (const auto& endpoint : options_.endpoints)
        nodes.push_back({endpoint, endpoint, TargetState::kReady});
      targets_.update(nodes, clock_.mono());
    }
    scheduler_ = std::thread([this] { run(); });
    return {};
  }

  Report snapshot() const override;
  void set_rate(std::optional<double> rps) override;
  bool finished() const override;
  void stop(std::chrono::milliseconds grace) override;

 private:
  void run();
  /// Offers at one rate, or by the profile, under the lock of mutex_. @return false where another rate was
  /// set.
  bool follow_rate(std::unique_lock<std::mutex>& lock);
  bool wait_for_nodes();
  void offer(MonoTime due);
  void dispatch(std::shared_ptr<Attempt> attempt);
  void answered(const std::shared_ptr<Attempt>& attempt, const Result<http::ClientResponse>& answer);
  void lose(LossReason reason);
  void settle();
  bool send(const std::shared_ptr<Attempt>& attempt);

  const LoadOptions options_;
  const log::Log log_;
  const base::SystemClock clock_;
  Recorder recorder_;
  Targets targets_;

  mutable std::mutex mutex_;  // what the scheduler, stop() and set_rate() share
  std::condition_variable changed_;
  bool stopping_ = false;
  bool offered_all_ = false;
  std::optional<double> override_rps_;
  std::uint64_t rate_version_ = 0;
  std::optional<MonoTime> profile_start_;
  std::optional<MonoTime> ended_;
  std::string failure_;
  std::size_t outstanding_ = 0;

  std::mutex send_mutex_;  // no send() once client_ is going
  bool abandoned_ = false;
  std::mutex stop_mutex_;
  // In this order: the watch reports into the recorder, the client's callbacks use everything above.
  std::unique_ptr<http::AsyncClient> client_;
  std::unique_ptr<TargetWatch> watch_;
  std::thread scheduler_;
};

bool OpenLoop::wait_for_nodes() {
  const MonoTime until = clock_.mono() + options_.wait_patience;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (targets_.ready() >= options_.wait_for_nodes) return true;
    if (clock_.mono() >= until) {
      failure_ = std::to_string(targets_.ready()) + " of " + std::to_string(options_.wait_for_nodes) +
                 " nodes of pool \"" + options_.pool + "\" were ready within " +
                 std::to_string(options_.wait_patience.count() / 1000) + " s; see \"gpuscale node list\"";
      log_.warn("load.no_nodes", {{"pool", options_.pool}, {"waited", Nanos{options_.wait_patience}}});
      return false;
    }
    changed_.wait_for(lock, std::chrono::milliseconds{20});
  }
  return false;
}

void OpenLoop::run() {
  const bool begun = wait_for_nodes();
  std::unique_lock lock(mutex_);
  if (begun) {
    profile_start_ = clock_.mono();
    recorder_.begin(*profile_start_);
    log_.info("load.started", {{"pool", options_.pool}, {"ready", targets_.ready()}});
    while (!follow_rate(lock)) {
    }
  }
  offered_all_ = true;
  if (outstanding_ == 0 && !ended_) ended_ = clock_.mono();
  changed_.notify_all();
}

bool OpenLoop::follow_rate(std::unique_lock<std::mutex>& lock) {
  const std::uint64_t version = rate_version_;
  const MonoTime now = clock_.mono();
  const MonoTime base = override_rps_ ? now : *profile_start_;
  // set_rate() lets through only what constant() takes, so the value is there.
  const Profile profile = override_rps_ ? Profile::constant(*override_rps_).value() : options_.profile;
  Arrivals arrivals(profile, options_.arrivals, options_.seed + version, now - base);
  for (;;) {
    const std::optional<Nanos> next = arrivals.next();
    const std::optional<Nanos> at = next ? next : profile.length();
    const auto disturbed = [&] { return stopping_ || rate_version_ != version; };
    if (at) {
      changed_.wait_until(lock, base + *at, disturbed);
    } else {
      changed_.wait(lock, disturbed);
    }
    if (stopping_) return true;
    if (rate_version_ != version) return false;
    if (!next) return true;
    ++outstanding_;
    lock.unlock();
    offer(base + *next);
    lock.lock();
  }
}

void OpenLoop::offer(MonoTime due) {
  recorder_.offered(clock_.mono());
  std::size_t outstanding = 0;
  {
    const std::lock_guard lock(mutex_);
    outstanding = outstanding_;
  }
  if (outstanding > options_.max_outstanding) return lose(LossReason::kOverload);
  auto attempt = std::make_shared<Attempt>();
  attempt->due = due;
  dispatch(std::move(attempt));
}

void OpenLoop::dispatch(std::shared_ptr<Attempt> attempt) {
  const bool more = attempt->tried.size() <= static_cast<std::size_t>(options_.max_retries);
  auto target = more ? targets_.pick(attempt->tried) : std::nullopt;
  if (!target) return lose(attempt->last_refusal);
  if (!attempt->tried.empty()) recorder_.retried();
  attempt->target = std::move(*target);
  if (!send(attempt)) {
    targets_.release(attempt->target.id);
    lose(LossReason::kStopped);
  }
}

bool OpenLoop::send(const std::shared_ptr<Attempt>& attempt) {
  http::ClientRequest request;
  request.method = http::Method::kPost;
  request.url = attempt->target.endpoint + "/infer";
  request.headers.set("Content-Type", "application/json");
  request.body = "{}";
  request.timeout = options_.request_timeout;
  request.connect_timeout = options_.connect_timeout;
  request.max_answer_bytes = 1U << 20U;
  const std::lock_guard lock(send_mutex_);
  if (abandoned_) return false;
  client_->send(std::move(request),
                [this, attempt](Result<http::ClientResponse> answer) { answered(attempt, answer); });
  return true;
}

void OpenLoop::answered(const std::shared_ptr<Attempt>& attempt, const Result<http::ClientResponse>& answer) {
  const MonoTime now = clock_.mono();
  const std::string node = attempt->target.id;
  targets_.release(node);
  bool abandoned = false;
  {
    const std::lock_guard lock(send_mutex_);
    abandoned = abandoned_;
  }
  if (abandoned && !answer) return lose(LossReason::kStopped);
  const Judgement judgement = judge(answer);
  switch (judgement.fate) {
    case Fate::kServed:
      recorder_.served(now, now - attempt->due);
      return settle();
    case Fate::kElsewhere:
      if (judgement.reason == LossReason::kDraining) targets_.note_draining(node, now);
      attempt->tried.push_back(node);
      attempt->last_refusal = judgement.reason;
      return dispatch(attempt);
    case Fate::kLost:
      if (targets_.note_loss(node, now)) recorder_.lost_to_drain(1);
      log_.debug("load.lost", {{"node", node}, {"reason", to_string(judgement.reason)}});
      return lose(judgement.reason);
  }
}

void OpenLoop::lose(LossReason reason) {
  recorder_.lost(clock_.mono(), reason);
  settle();
}

void OpenLoop::settle() {
  const std::lock_guard lock(mutex_);
  --outstanding_;
  if (outstanding_ > 0) return;
  if (offered_all_ && !ended_) ended_ = clock_.mono();
  changed_.notify_all();
}

Report OpenLoop::snapshot() const {
  MonoTime now = clock_.mono();
  std::optional<double> target;
  std::string failure;
  bool ended = false;
  {
    const std::lock_guard lock(mutex_);
    ended = ended_.has_value();
    if (ended_) now = *ended_;
    failure = failure_;
    if (!offered_all_ && profile_start_) {
      target = override_rps_ ? *override_rps_ : options_.profile.rate_at(now - *profile_start_);
    }
  }
  Report report = recorder_.snapshot(now);
  report.target_rps = target;
  report.ready_nodes = targets_.ready();
  report.finished = ended;
  report.failure = std::move(failure);
  return report;
}

void OpenLoop::set_rate(std::optional<double> rps) {
  const std::lock_guard lock(mutex_);
  if (rps) rps = *rps > 0 ? std::min(*rps, kMaxRps) : 0.0;  // not a number becomes 0
  override_rps_ = rps;
  ++rate_version_;
  changed_.notify_all();
}

bool OpenLoop::finished() const {
  const std::lock_guard lock(mutex_);
  return ended_.has_value();
}

void OpenLoop::stop(std::chrono::milliseconds grace) {
  const std::lock_guard only_one(stop_mutex_);
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (scheduler_.joinable()) scheduler_.join();
  {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, grace, [this] { return outstanding_ == 0; });
  }
  {
    const std::lock_guard lock(send_mutex_);
    abandoned_ = true;
  }
  client_.reset();
  watch_.reset();
  const std::lock_guard lock(mutex_);
  offered_all_ = true;
  if (!ended_) ended_ = clock_.mono();
}

}  // namespace

Result<std::unique_ptr<LoadGenerator>> LoadGenerator::start(LoadOptions options, log::Log log) {
  if (options.max_outstanding == 0)
    return fail(Errc::kInvalidArgument, "load: max_outstanding must be above 0");
  if (options.max_retries < 0) return fail(Errc::kInvalidArgument, "load: max_retries must not be negative");
  auto loop = std::make_unique<OpenLoop>(std::move(options), std::move(log));
  GS_CHECK(loop->open());
  return std::unique_ptr<LoadGenerator>(std::move(loop));
}

}  // namespace gpuscale::load
