// SPDX-License-Identifier: Apache-2.0
/// The verbs of what is declared: get, apply, delete.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "cli/command.h"
#include "config/definitions.h"

namespace gpuscale::cli {

/// `gpuscale <kind> get NAME | apply FILE | delete NAME`.
void add_declared_verbs(CLI::App& parent, Action& action, config::Kind kind);

/// The entries of this kind in a file that is written as the configuration file is, by name. Errors:
/// kInvalidArgument (no YAML, none of the kind), kExhausted.
Result<std::vector<std::pair<std::string, nlohmann::json>>> entries_to_apply(config::Kind kind,
                                                                             const std::string& yaml);

}  // namespace gpuscale::cli
