// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include <cstdio>

namespace gpuscale::cli {

void LogOptions::add_to(CLI::App& command) {
  command.add_option("--log-level", level, "debug, info, warn, error or off")->capture_default_str();
  command.add_option("--log-format", format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

Result<log::Log> LogOptions::make() const {
  GS_TRY(const log::Level parsed, log::parse_level(level));
  return log::Log::to_stderr(parsed, format == "json" ? log::Format::kJson : log::Format::kText);
}

int report(const Error& error) {
  std::fprintf(stderr, "gpuscale: %s\n", error.message().c_str());
  return error.code() == Errc::kInvalidArgument ? kExitUsage : kExitFailed;
}

}  // namespace gpuscale::cli
