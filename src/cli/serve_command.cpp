// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>

#include "cli/command.h"
#include "cli/server_app.h"
#include "cli/server_memory.h"

namespace gpuscale::cli {
namespace {

int serve(ServeOptions options, const LogOptions& log_options, const Context& context) {
  const auto log = log_options.make();
  if (!log) return report(log.error());
  if (const char* password = std::getenv("GPUSCALE_ADMIN_PASSWORD");
      password != nullptr && *password != '\0') {
    options.admin_password = Secret{password};
  }
  if (const char* key_file = std::getenv("GPUSCALE_SECRET_KEY_FILE"); key_file != nullptr)
    options.secret_key_file = key_file;
  options.program = context.program;
  options.tell = [](const std::string& word) {
    std::printf("%s\n", word.c_str());
    std::fflush(stdout);
  };
  log->info("server.memory", {{"from", choose_server_memory()}});
  auto app = ServerApp::start(std::move(options), *log);
  if (!app) return report(app.error());
  std::printf("gpuscale serves at %s\n", (*app)->url().c_str());
  std::fflush(stdout);
  while (!context.stop) std::this_thread::sleep_for(std::chrono::milliseconds{50});
  log->info("server.stopping");
  (*app)->stop();
  return kExitDone;
}

}  // namespace

void add_serve_command(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("serve", "Run the server: store, rules, triggers, pools");
  auto options = std::make_shared<ServeOptions>();
  auto log = std::make_shared<LogOptions>();
  command->add_option("--config", options->config_file,
                      "the YAML file of pools, triggers, channels and rules");
  command->add_option("--data", options->data, "folder for everything that lasts")->capture_default_str();
  command->add_option("--listen", options->listen, "HOST:PORT")->capture_default_str();
  command->add_option("--tls-certificate", options->tls_certificate, "PEM file with the certificate chain");
  command->add_option("--tls-key", options->tls_key, "PEM file with the private key");
  command->add_flag("--insecure", options->insecure, "listen beyond this machine without TLS");
  command->add_flag("--no-auth", options->no_auth, "answer everyone; on loopback only");
  command->footer(
      "The admin's password comes from GPUSCALE_ADMIN_PASSWORD, else it is made and printed at the first "
      "start. Secrets given through the API are stored encrypted with the key in DATA/secret.key, or in the "
      "file "
      "that GPUSCALE_SECRET_KEY_FILE names.");
  log->add_to(*command);
  command->callback([&action, options, log] {
    action = [options, log](const Context& context) { return serve(*options, *log, context); };
  });
}

}  // namespace gpuscale::cli
