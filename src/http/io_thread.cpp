// SPDX-License-Identifier: Apache-2.0
#include "http/io_thread.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "http/session.h"

namespace gpuscale::http {

void IoThread::have_done(std::shared_ptr<Session> session, Work what) {
  {
    const std::scoped_lock lock(mutex_);
    if (over_) return;
    errands_.push_back({std::move(session), std::move(what)});
    if (errands_.size() > 1) return;
  }
  boost::asio::post(io, [this] { run_errands(); });
}

void IoThread::run_errands() {
  {
    const std::scoped_lock lock(mutex_);
    running_.swap(errands_);
  }
  for (Errand& errand : running_) {
    if (auto* const answer = std::get_if<Response>(&errand.what)) {
      errand.session->write_answer(std::move(*answer));
    } else if (auto* const late = std::get_if<std::shared_ptr<LateAnswer>>(&errand.what)) {
      errand.session->write_late_answer(**late);
    } else {
      ((*errand.session).*std::get<Step>(errand.what))();
    }
  }
  running_.clear();
}

void IoThread::forget_errands() {
  decltype(errands_) undone;  // let go outside of the lock
  const std::scoped_lock lock(mutex_);
  over_ = true;
  undone.swap(errands_);
}

}  // namespace gpuscale::http
