// SPDX-License-Identifier: Apache-2.0
/// Answers that come later (http::Response::later), for what is to be done to every answer.
#pragma once
#include <functional>
#include <memory>
#include <utility>

#include "http/message.h"

namespace gpuscale::api {

/// The response after `finish` was done to it: now, or where it comes later, then.
inline http::Response finished(http::Response response, std::function<void(http::Response&)> finish) {
  class Finishing final : public http::Responder {
   public:
    Finishing(std::shared_ptr<http::Responder> responder, std::function<void(http::Response&)> finish)
        : responder_(std::move(responder)), finish_(std::move(finish)) {}
    void respond(http::Response answer) override {
      finish_(answer);
      responder_->respond(std::move(answer));
    }

   private:
    const std::shared_ptr<http::Responder> responder_;
    const std::function<void(http::Response&)> finish_;
  };
  if (!response.later) {
    finish(response);
    return response;
  }
  response.later = [answer = std::move(response.later),
                    finish = std::move(finish)](std::shared_ptr<http::Responder> responder) {
    answer(std::make_shared<Finishing>(std::move(responder), finish));
  };
  return response;
}

}  // namespace gpuscale::api
