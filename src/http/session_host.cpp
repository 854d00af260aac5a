// SPDX-License-Identifier: Apache-2.0
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
  decltype(answering_) forgotten;  // let go outside of the lock, which their destructors take
  const std::scoped_lock lock(mutex_);
  forgotten.swap(answering_);
}

void SessionHost::finish_all() {
  {
    // Under the lock, so that no session enters unseen.
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  for (const auto& session : living()) session->finish();
}

void SessionHost::close_all() {
  for (const auto& session : living()) session->close();
}

ServerStats SessionHost::stats() const {
  const std::scoped_lock lock(mutex_);
  return {sessions_.size(), requests, refused};
}

}  // namespace gpuscale::http
