// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>

#include "base/counted.h"
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
      std::printf("%s: good: %s, %s, %s, %s, %s, %s\n", path->c_str(),
                  base::counted(config->pools.size(), "pool").c_str(),
                  base::counted(config->triggers.size(), "trigger").c_str(),
                  base::counted(config->channels.size(), "channel").c_str(),
                  base::counted(config->rules.size(), "rule").c_str(),
                  base::counted(config->policies.size(), "policy", "policies").c_str(),
                  base::counted(config->schedules.size(), "schedule").c_str());
      return kExitDone;
    };
  });
}

}  // namespace gpuscale::cli
