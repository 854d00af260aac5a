// SPDX-License-Identifier: Apache-2.0
/// The composition root of the server: every object built by hand, in the order of its life.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "config/config.h"
#include "log/log.h"

namespace gpuscale::cli {

struct ServeOptions {
  std::string data = "gpuscale-data";
  std::string listen = "127.0.0.1:8486";
  std::string config_file;  ///< empty = no pools, no rules
  bool no_auth = false;
  bool insecure = false;
  std::string tls_certificate;
  std::string tls_key;
  std::optional<Secret> admin_password;
  std::string secret_key_file;  ///< of the stored secrets; empty = secret.key in the data folder
  std::string program;          ///< this binary, for local nodes
  std::string config_text;      ///< used instead of a file where not empty
  /// Hears what is said once, a password or a secret, in the moment it is made: it is valid from then on,
  /// also where a later step of the start fails. Thread-safe.
  std::function<void(const std::string&)> tell;
  config::Environment environment;  ///< for ${NAME} in the config; GPUSCALE_URL is added where it is not set
};

class ServerApp {
 public:
  /// Errors: kInvalidArgument (options, config), kConflict (port, data folder), kUnavailable, kCorrupt.
  static Result<std::unique_ptr<ServerApp>> start(ServeOptions options, log::Log log);
  ~ServerApp();  ///< stop()

  std::string url() const;  ///< "http://127.0.0.1:8486"
  /// Ends every node of every pool, for `gpuscale up`.
  Result<void> shut_down_nodes(std::chrono::milliseconds patience);
  /// Answers what is being answered, then stops in reverse order of life; the nodes stay. Idempotent.
  void stop();

 private:
  struct Parts;
  explicit ServerApp(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace gpuscale::cli
