// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "notify/outbox.h"

namespace gpuscale::notify {
namespace {

class TriggerSender final : public Sender {
 public:
  using Pull = std::function<Result<Receipt>(const std::string& trigger, const Message& message)>;
  explicit TriggerSender(Pull pull) : pull_(std::move(pull)) {}

  Result<Receipt> send(const ChannelSpec& channel, const Message& message) override {
    return pull_(channel.trigger, message);
  }

 private:
  const Pull pull_;
};

}  // namespace

std::shared_ptr<Sender> make_trigger_sender(
    std::function<Result<Receipt>(const std::string& trigger, const Message& message)> pull) {
  return std::make_shared<TriggerSender>(std::move(pull));
}

}  // namespace gpuscale::notify
