// SPDX-License-Identifier: Apache-2.0
/// One e-mail to one SMTP server.
#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace gpuscale::http {

struct Mail {
  std::string
      server;  ///< "smtp://host:587" (STARTTLS is required where a password is sent), "smtps://host:465"
  std::string user;  ///< "" = no sign-in
  Secret password;
  std::string ca_file;  ///< PEM; empty = the system's
  std::string from;
  std::vector<std::string> to;
  std::string text;  ///< header and body, lines ended by CR LF
  std::chrono::milliseconds timeout{10'000};
};

/// The server's last reply code, 250 for a mail that it took. Errors: as Client::send(); kInvalidArgument for
/// an address or a server that cannot be.
Result<int> send_mail(const Mail& mail);

/// A text fit for a header line: no line breaks; RFC 2047 where it is not ASCII.
std::string mail_header(std::string_view text);

}  // namespace gpuscale::http
