// SPDX-License-Identifier: Apache-2.0
/// Answers that come later (http::Response::later), for what is to be done to every answer.
#pragma once
#include <atomic>
#include <memory>
#include <utility>

#include "http/message.h"

namespace gpuscale::api {

/// Does `finish` to an answer on its way to another responder.
template <class Finish>
class Finishing final : public http::Responder,
                        public http::LateAnswer,
                        public std::enable_shared_from_this<Finishing<Finish>> {
 public:
  Finishing(std::shared_ptr<http::Responder> responder, Finish finish)
      : responder_(std::move(responder)), finish_(std::move(finish)) {}
  void respond(http::Response answer) override {
    if (responded_.exchange(true)) return;
    finish_(answer);
    responder_->respond(std::move(answer));
  }
  void respond_with(std::shared_ptr<http::LateAnswer> answer) override {
    if (responded_.exchange(true)) return;
    answer_ = std::move(answer);
    // It will hold us, and whom it gets to may hold it.
    const auto responder = std::move(responder_);
    responder->respond_with(this->shared_from_this());
  }
  http::Response make() override {
    http::Response answer = answer_->make();
    finish_(answer);
    return answer;
  }

 private:
  std::shared_ptr<http::Responder> responder_;
  std::shared_ptr<http::LateAnswer> answer_;
  const Finish finish_;
  std::atomic<bool> responded_{false};
};

/// The response after `finish(http::Response&)` was done to it: now, or where it comes later, then.
template <class Finish>
http::Response finished(http::Response response, Finish finish) {
  if (!response.later) {
    finish(response);
    return response;
  }
  response.later = [answer = std::move(response.later),
                    finish = std::move(finish)](std::shared_ptr<http::Responder> responder) mutable {
    answer(std::make_shared<Finishing<Finish>>(std::move(responder), std::move(finish)));
  };
  return response;
}

}  // namespace gpuscale::api
