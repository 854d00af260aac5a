// SPDX-License-Identifier: Apache-2.0
/// Private to the room: a thread that reads and writes for its share of the connections, and the errands by
/// which other threads reach the sessions on it.
#pragma once
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "http/answer_text.h"
#include "http/message.h"

namespace gpuscale::http {

class Session;

/// Thread-safe but for what is said to be the thread's alone.
class IoThread {
 public:
  using Step = void (Session::*)();
  /// What a session is to do: a step, or to write an answer, or one that it makes.
  using Work = std::variant<Step, Response, std::shared_ptr<LateAnswer>>;

  IoThread() = default;
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  void start() {
    thread_ = std::thread([this] { io.run(); });
  }
  /// Once it has no work left.
  void join() {
    if (thread_.joinable()) thread_.join();
  }
  /// Has the thread do it soon and in the order of the calls. What comes in a burst wakes the thread once.
  void have_done(std::shared_ptr<Session> session, Work what);
  /// Lets go of errands that nobody will do any more, and takes no further ones. Only after join().
  void forget_errands();

  boost::asio::io_context io{1};
  std::atomic<std::size_t> sessions{0};  ///< that it reads and writes for
  // For the thread alone:
  HttpDate date;
  Request spare;  ///< that was answered, for the next one to have its memory

 private:
  struct Errand {
    std::shared_ptr<Session> session;
    Work what;
  };
  void run_errands();

  std::mutex mutex_;
  std::vector<Errand> errands_;  ///< not empty: the thread has been told
  std::vector<Errand> running_;  ///< for the thread alone; kept for its memory
  bool over_ = false;
  std::thread thread_;
};

}  // namespace gpuscale::http
