// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <cstdlib>
#include <utility>

#include "base/run_program.h"
#include "notify/outbox.h"
#include "notify/payloads.h"

namespace gpuscale::notify {
namespace {

constexpr int kTemporaryFailure = 75;  // EX_TEMPFAIL

std::vector<std::string> environment_of(const Message& message) {
  std::vector<std::string> out;
  for (const char* name : {"PATH", "LANG"}) {
    if (const char* value = std::getenv(name)) out.push_back(std::string(name) + "=" + value);
  }
  out.push_back("GPUSCALE_STATE=" + message.state);
  out.push_back("GPUSCALE_RULE=" + message.rule);
  out.push_back("GPUSCALE_IDEMPOTENCY_KEY=" + message.idempotency);
  out.push_back("GPUSCALE_CORRELATION=" + message.correlation);
  return out;
}

class ExecSender final : public Sender {
 public:
  Result<Receipt> send(const ChannelSpec& channel, const Message& message) override {
    GS_TRY(base::ProgramEnd end,
           base::run_program(
               {.arguments = channel.command,
                .environment = environment_of(message),
                .input = own_payload(message).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
                .timeout = channel.timeout,
                .max_output = kMaxAnswerBytes,
                .stop = &stopped_,
                .by_path = true,
                .cut_output = true,
                .spare_children = true}));
    const int status = end.status == 0 ? 200 : end.status == kTemporaryFailure ? 503 : 400;
    std::string said = std::move(end.output) + end.errors;
    if (said.size() > kMaxAnswerBytes) said.resize(kMaxAnswerBytes);
    return Receipt{status, "exit code " + std::to_string(end.status) + (said.empty() ? "" : ": " + said),
                   std::nullopt};
  }
  void stop() override { stopped_ = true; }

 private:
  std::atomic<bool> stopped_{false};
};

}  // namespace

std::shared_ptr<Sender> make_exec_sender() {
  return std::make_shared<ExecSender>();
}

}  // namespace gpuscale::notify
