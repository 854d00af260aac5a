// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "config/config.h"

namespace gpuscale::cli {
namespace {

constexpr const char* kDefaultUrl = "http://127.0.0.1:8486";

}  // namespace

void add_check_command(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("check", "Check a configuration file and say what it declares");
  auto path = std::make_shared<std::string>();
  command->add_option("FILE", *path, "the YAML file")->required();
  command->callback([&action, path] {
    action = [path](const Context&) {
      // Known only to a server that runs; any will do to check the rest.
      const config::Environment environment = [process =
                                                   config::process_environment()](const std::string& name) {
        auto value = process(name);
        return !value && name == "GPUSCALE_URL" ? std::optional<std::string>(kDefaultUrl) : value;
      };
      const auto config = config::load(*path, environment);
      if (!config) {
        std::fprintf(stderr, "%s\n", config.error().message().c_str());
        return kExitFailed;
      }
      std::printf("%s: good: %zu pools, %zu triggers, %zu channels, %zu rules, %zu schedules\n",
                  path->c_str(), config->pools.size(), config->triggers.size(), config->channels.size(),
                  config->rules.size(), config->schedules.size());
      return kExitDone;
    };
  });
}

}  // namespace gpuscale::cli
