// SPDX-License-Identifier: Apache-2.0
#include "http/smtp.h"

#include <algorithm>

#include "base/digest.h"
#include "http/client.h"
#include "http/curl_exchange.h"

namespace gpuscale::http {
namespace {

struct MailText {
  const std::string& text;
  std::size_t given = 0;
};

std::size_t give_mail(char* data, std::size_t size, std::size_t count, void* self) {
  auto& mail = *static_cast<MailText*>(self);
  const std::size_t bytes = mail.text.copy(data, size * count, mail.given);
  mail.given += bytes;
  return bytes;
}

bool is_address(const std::string& address) {
  return address.find('@') != std::string::npos && address.find_first_of(" \r\n<>\t") == std::string::npos;
}

struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

}  // namespace

std::string mail_header(std::string_view text) {
  std::string line(text);
  std::replace_if(line.begin(), line.end(), [](char c) { return c == '\r' || c == '\n'; }, ' ');
  const bool ascii = std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; });
  return ascii ? line : "=?UTF-8?B?" + base::base64_encode(line) + "?=";
}

Result<int> send_mail(const Mail& mail) {
  if (!mail.server.starts_with("smtp://") && !mail.server.starts_with("smtps://")) {
    return fail(Errc::kInvalidArgument, redact_url(mail.server) + " must begin with smtp:// or smtps://");
  }
  if (!is_address(mail.from)) return fail(Errc::kInvalidArgument, "\"" + mail.from + "\" is no address");
  std::unique_ptr<curl_slist, ListDeleter> recipients;
  for (const std::string& address : mail.to) {
    if (!is_address(address)) return fail(Errc::kInvalidArgument, "\"" + address + "\" is no address");
    recipients.reset(curl_slist_append(recipients.release(), address.c_str()));
  }
  ensure_curl();
  const EasyHandle handle(curl_easy_init());
  CURL* easy = handle.get();
  if (easy == nullptr) return fail(Errc::kExhausted, "no memory for a mail client");
  MailText text{mail.text};
  curl_easy_setopt(easy, CURLOPT_URL, mail.server.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(mail.timeout.count()));
  // A password goes over TLS or not at all.
  curl_easy_setopt(easy, CURLOPT_USE_SSL,
                   static_cast<long>(mail.password.empty() ? CURLUSESSL_TRY : CURLUSESSL_ALL));
  if (!mail.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, mail.ca_file.c_str());
  if (!mail.user.empty()) {
    curl_easy_setopt(easy, CURLOPT_USERNAME, mail.user.c_str());
    curl_easy_setopt(easy, CURLOPT_PASSWORD, mail.password.reveal().c_str());
  }
  curl_easy_setopt(easy, CURLOPT_MAIL_FROM, mail.from.c_str());
  curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, recipients.get());
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, &give_mail);
  curl_easy_setopt(easy, CURLOPT_READDATA, &text);
  curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
  const CURLcode code = curl_easy_perform(easy);
  long reply = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &reply);
  if (code == CURLE_OK || reply >= 400) return static_cast<int>(reply);
  const std::string why = redact_url(mail.server) + ": " + curl_easy_strerror(code);
  return fail(code == CURLE_OPERATION_TIMEDOUT ? Errc::kTimeout : Errc::kUnavailable, why);
}

}  // namespace gpuscale::http
