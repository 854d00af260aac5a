// SPDX-License-Identifier: Apache-2.0
/// What to say of a command that does not exist; the parser itself only says that one is required.
#pragma once
#include <CLI/CLI.hpp>
#include <string>

namespace gpuscale::cli {

/// After parsing has failed: names the word that is no command and those there are. "" where that was not it.
std::string unknown_command(const CLI::App& app);

}  // namespace gpuscale::cli
