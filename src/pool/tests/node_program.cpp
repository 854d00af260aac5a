// SPDX-License-Identifier: Apache-2.0
/// A node as small as the local provider lets one be: it says where it is, drains, tells its work and ends on
/// SIGTERM.
///   gpuscale_test_node agent ... --node ID ... --endpoint-file FILE [--service-file FILE] ...
#include <atomic>
#include <csignal>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "http/router.h"
#include "http/server.h"

int main(int argc, char** argv) {
  using namespace gpuscale;
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigprocmask(SIG_BLOCK, &ending, nullptr);
  std::map<std::string, std::string> options;
  for (int i = 1; i + 1 < argc; ++i) options[argv[i]] = argv[i + 1];

  std::atomic<bool> draining{false};
  http::Router router;
  router.add(http::Method::kPost, "/drain", [&](const http::Request&) {
    draining = true;
    return http::Response::json(200, "{}");
  });
  router.add(http::Method::kPost, "/undrain", [&](const http::Request&) {
    draining = false;
    return http::Response::json(200, "{}");
  });
  router.add(http::Method::kGet, "/status", [&](const http::Request&) {
    const nlohmann::json status = {
        {"node", options["--node"]}, {"in_flight", 0}, {"draining", draining.load()}};
    return http::Response::json(200, status.dump());
  });
  const auto server = http::Server::start(
      {},
      [&](const http::Request& request) {
        http::Request routed = request;
        return router.route(routed);
      },
      log::Log::silent());
  if (!server) return 1;
  for (const char* told : {"--endpoint-file", "--service-file"}) {
    if (!options.contains(told)) continue;
    const std::string half = options[told] + ".new";
    std::FILE* file = std::fopen(half.c_str(), "w");
    if (file == nullptr) return 2;
    std::fprintf(file, "http://127.0.0.1:%d\n", (*server)->port());
    std::fclose(file);
    if (std::rename(half.c_str(), options[told].c_str()) != 0) return 3;
  }
  int signal = 0;
  sigwait(&ending, &signal);
  return 0;
}
