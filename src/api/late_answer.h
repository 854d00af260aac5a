// SPDX-License-Identifier: Apache-2.0
/// Answers that come later (http::Response::later), for what is to be done to every answer.
#pragma once
#include <memory>
#include <utility>

#include "http/message.h"

namespace gpuscale::api {

/// Does `finish` to an answer on its way to another responder.
template <class Finish>
class Finishing final : public http::Responder {
 public:
  Finishing(std::shared_ptr<http::Responder> responder, Finish finish)
      : responder_(std::move(responder)), finish_(std::move(finish)) {}
  void respond(http::Response answer) override {
    finish_(answer);
    responder_->respond(std::move(answer));
  }

 private:
  const std::shared_ptr<http::Responder> responder_;
  const Finish finish_;
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
