// SPDX-License-Identifier: Apache-2.0
/// Learns of every call into a driver, so that another process can tell a call that hangs from one that
/// works.
#pragma once

namespace gpuscale::gpu {

class CallWatch {
 public:
  virtual ~CallWatch() = default;
  virtual void enter(const char* call) = 0;  ///< `call` lives as long as the program
  virtual void leave() = 0;
};

/// Enters for its own lifetime; does nothing where `watch` is null.
class WatchedCall {
 public:
  WatchedCall(CallWatch* watch, const char* call) : watch_(watch) {
    if (watch_ != nullptr) watch_->enter(call);
  }
  ~WatchedCall() {
    if (watch_ != nullptr) watch_->leave();
  }
  WatchedCall(const WatchedCall&) = delete;
  WatchedCall& operator=(const WatchedCall&) = delete;

 private:
  CallWatch* watch_;
};

}  // namespace gpuscale::gpu
