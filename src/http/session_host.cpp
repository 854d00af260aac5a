// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
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

SessionHost::SessionHost(ServerOptions options_in, RequestHandler handler_in, log::Log log_in)
    : options(std::move(options_in)),
      handler(std::move(handler_in)),
      log(std::move(log_in)),
      pool(options.handler_threads, options.max_queued_requests) {
  for (int i = 0; i < std::max(options.io_threads, 1); ++i)
    io_threads.push_back(std::make_unique<IoThread>());
}

void SessionHost::begin_request() {
  ++requests;
  ++answering_;
}

void SessionHost::end_request() {
  // Who waits marked us as stopping before it looked at the number: so one of the two sees the other.
  if (--answering_ > 0 || !stopping_) return;
  const std::scoped_lock lock(mutex_);
  quiet_.notify_all();
}

bool SessionHost::wait_quiet(std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  return quiet_.wait_until(lock, deadline, [this] { return answering_ == 0; });
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
  for (const auto& session : living()) session->let_go();
  for (const auto& thread : io_threads) thread->forget_errands();
}

void SessionHost::finish_all() {
  {
    // Under the lock, so that no session enters unseen.
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  for (const auto& session : living()) session->on_io(&Session::finish);
}

void SessionHost::close_all() {
  for (const auto& session : living()) session->on_io(&Session::close);
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
    if (session != nullptr) session->on_io(&Session::close_if_overdue);
  }
}

ServerStats SessionHost::stats() const {
  const std::scoped_lock lock(mutex_);
  return {sessions_.size(), requests, refused};
}

}  // namespace gpuscale::http
