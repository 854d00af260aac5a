// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "cli/command.h"

namespace gpuscale::cli {

void add_version_command(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("version", "Print the version");
  command->callback([&action] {
    action = [](const Context&) {
      std::puts("gpuscale " GPUSCALE_VERSION);
      return kExitDone;
    };
  });
}

}  // namespace gpuscale::cli
