// SPDX-License-Identifier: Apache-2.0
#include <boost/asio/post.hpp>
#include <utility>

#include "http/session.h"

namespace gpuscale::http {

bool SessionHost::enter(const std::shared_ptr<Session>& session) {
  const std::scoped_lock lock(mutex_);
  if (stopping_ || sessions_.size() >= options.max_connections) return false;
  sessions_.emplace(session.get(), session);
  return true;
}

void SessionHost::leave(Session* session) {
  const std::scoped_lock lock(mutex_);
  sessions_.erase(session);
}

void SessionHost::on_io(std::shared_ptr<Session> session, std::variant<Step, Response> what) {
  {
    const std::scoped_lock lock(errands_mutex_);
    if (over_) return;
    errands_.push_back({std::move(session), std::move(what)});
    if (errands_.size() > 1) return;
  }
  boost::asio::post(io, [this] { run_errands(); });
}

void SessionHost::run_errands() {
  {
    const std::scoped_lock lock(errands_mutex_);
    running_.swap(errands_);
  }
  for (Errand& errand : running_) {
    if (auto* const answer = std::get_if<Response>(&errand.what)) {
      errand.session->write_answer(std::move(*answer));
    } else {
      ((*errand.session).*std::get<Step>(errand.what))();
    }
  }
  running_.clear();
}

void SessionHost::begin_request(std::shared_ptr<Session> session) {
  ++requests;
  const std::scoped_lock lock(mutex_);
  Session* const raw = session.get();
  answering_.emplace(raw, std::move(session));
}

void SessionHost::end_request(Session* session) {
  std::shared_ptr<Session> last;  // let go outside of the lock, which its destructor takes
  const std::scoped_lock lock(mutex_);
  if (const auto found = answering_.find(session); found != answering_.end()) {
    last = std::move(found->second);
    answering_.erase(found);
  }
  if (answering_.empty()) quiet_.notify_all();
}

bool SessionHost::wait_quiet(std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  return quiet_.wait_until(lock, deadline, [this] { return answering_.empty(); });
}

std::vector<std::shared_ptr<Session>> SessionHost::living() {
  const std::scoped_lock lock(mutex_);
  std::vector<std::shared_ptr<Session>> out;
  for (const auto& [raw, weak] : sessions_) {
    if (auto session = weak.lock()) out.push_back(std::move(session));
  }
  return out;
}

void SessionHost::forget_requests() {
  // Let go outside of the locks, which their destructors take.
  decltype(answering_) forgotten;
  decltype(errands_) undone;
  {
    const std::scoped_lock lock(mutex_);
    forgotten.swap(answering_);
  }
  const std::scoped_lock lock(errands_mutex_);
  over_ = true;
  undone.swap(errands_);
}

void SessionHost::finish_all() {
  {
    // Under the lock, so that no session enters unseen.
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  for (auto& session : living()) on_io(std::move(session), &Session::finish);
}

void SessionHost::close_all() {
  for (auto& session : living()) on_io(std::move(session), &Session::close);
}

void SessionHost::close_overdue(std::chrono::steady_clock::time_point now) {
  std::vector<std::shared_ptr<Session>> overdue;  // let go outside of the lock, which their destructors take
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [raw, weak] : sessions_) {
      // Who is here has not left: its destructor waits for the lock.
      if (raw->overdue(now)) overdue.push_back(weak.lock());
    }
  }
  for (const auto& session : overdue) {
    if (session != nullptr) session->close();
  }
}

ServerStats SessionHost::stats() const {
  const std::scoped_lock lock(mutex_);
  return {sessions_.size(), requests, refused};
}

}  // namespace gpuscale::http
