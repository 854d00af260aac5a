// SPDX-License-Identifier: Apache-2.0
#include "base/rfc3339.h"
#include "http/smtp.h"
#include "notify/outbox.h"

namespace gpuscale::notify {
namespace {

/// RFC 5321's codes as HTTP's: 2xx is delivered, 4xx may pass, 5xx is final.
int as_http_status(int reply) {
  if (reply < 400) return 200;
  return reply < 500 ? 503 : 400;
}

std::string lines_ended_by_crlf(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\r') continue;
    out += c == '\n' ? "\r\n" : std::string(1, c);
  }
  return out;
}

std::string mail_text(const ChannelSpec& channel, const Message& message) {
  std::string to;
  for (const std::string& address : channel.to) to += (to.empty() ? "" : ", ") + address;
  std::string body = message.words.empty() ? "" : message.words + "\n\n";
  body += message.text + "\n\nrule: " + message.rule + "\nstate: " + message.state;
  if (!message.pool.empty()) body += "\npool: " + message.pool;
  for (const auto& [name, value] : message.labels) body += "\n" + name + ": " + value;
  for (const auto& [name, value] : message.annotations) body += "\n" + name + ": " + value;
  body += "\nat: " + base::format_second(message.at) + "\nwhy: gpuscale activity --why " +
          message.correlation + "\n";
  // The same Message-ID on every retry: a mail server that took it twice shows it once.
  return "From: " + http::mail_header(channel.from) + "\r\nTo: " + http::mail_header(to) +
         "\r\nSubject: " + http::mail_header(message.title) + "\r\nMessage-ID: <" +
         http::mail_header(message.idempotency) + "@gpuscale>" +
         "\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8"
         "\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" +
         lines_ended_by_crlf(body);
}

class MailSender final : public Sender {
 public:
  Result<Receipt> send(const ChannelSpec& channel, const Message& message) override {
    http::Mail mail;
    mail.server = channel.url;
    mail.user = channel.user;
    mail.password = channel.password;
    mail.ca_file = channel.ca_file;
    mail.from = channel.from;
    mail.to = channel.to;
    mail.timeout = channel.timeout;
    mail.text = mail_text(channel, message);
    GS_TRY(const int reply, http::send_mail(mail));
    return Receipt{as_http_status(reply), "SMTP " + std::to_string(reply), std::nullopt};
  }
};

}  // namespace

std::shared_ptr<Sender> make_mail_sender() {
  return std::make_shared<MailSender>();
}

}  // namespace gpuscale::notify
