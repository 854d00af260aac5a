// SPDX-License-Identifier: Apache-2.0
#include "pool/providers/exec/exec_provider.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>

#include "base/duration.h"
#include "base/run_program.h"
#include "pool/providers/local/spawn.h"
#include "pool/providers/verbs/verb_provider.h"

namespace gpuscale::pool::exec {
namespace {

constexpr std::size_t kShownErrors = 300;

Result<std::string> ask(const ExecOptions& options, log::Log& log, verbs::Verb verb,
                        const std::string& request) {
  base::ProgramRun run;
  run.arguments = options.command;
  run.arguments.emplace_back(verbs::to_string(verb));
  run.environment = local::inherited_environment();
  run.environment.push_back("GPUSCALE_TOKEN=" + options.token.reveal());
  run.input = request;
  run.timeout = options.timeout;
  run.max_output = verbs::kMaxAnswerBytes;
  GS_TRY(const base::ProgramEnd end, base::run_program(run));
  if (!end.errors.empty()) {
    log.info("provider.script_said",
             {{"verb", verbs::to_string(verb)}, {"text", end.errors.substr(0, kShownErrors)}});
  }
  // A script that says what went wrong may well exit with a status of its own.
  if (end.status != 0 && verbs::check_answer(end.output)) {
    return fail(Errc::kUnavailable, options.command.front() + " " + std::string(verbs::to_string(verb)) +
                                        " exited with status " + std::to_string(end.status));
  }
  if (end.status != 0 && end.output.find_first_not_of(" \t\r\n") == std::string::npos) {
    return fail(Errc::kUnavailable, options.command.front() + " " + std::string(verbs::to_string(verb)) +
                                        " exited with status " + std::to_string(end.status) + ": " +
                                        end.errors.substr(0, kShownErrors));
  }
  return end.output;
}

}  // namespace

Result<void> apply_options(const std::map<std::string, std::string>& block, ExecOptions& options) {
  for (const auto& [key, text] : block) {
    if (key == "command") {
      std::istringstream words(text);
      options.command.clear();
      for (std::string word; words >> word;) options.command.push_back(word);
    } else if (key == "timeout") {
      auto timeout = base::parse_duration(text);
      if (!timeout) return timeout.error().with_context("provider exec: timeout");
      if (*timeout <= Nanos{0})
        return fail(Errc::kInvalidArgument, "provider exec: timeout: \"" + text + "\" must be over 0");
      options.timeout = std::chrono::ceil<std::chrono::milliseconds>(*timeout);
    } else {
      return fail(Errc::kInvalidArgument,
                  "provider exec: unknown option \"" + key + "\"; known: command, timeout");
    }
  }
  if (options.command.empty() || !options.command.front().starts_with('/')) {
    return fail(Errc::kInvalidArgument,
                "provider exec: command must begin with the absolute path of a program: /opt/nodes.sh");
  }
  return {};
}

Result<std::unique_ptr<NodeProvider>> open_exec(ExecOptions options, log::Log log) {
  if (access(options.command.front().c_str(), X_OK) != 0) {
    return fail(Errc::kUnavailable,
                "provider exec: cannot run " + options.command.front() + ": " + std::strerror(errno));
  }
  verbs::Context context = options.context;
  return std::unique_ptr<NodeProvider>(
      std::make_unique<verbs::VerbProvider>("exec", std::move(context),
                                            [options = std::move(options), log = std::move(log)](
                                                verbs::Verb verb, const std::string& request) mutable {
                                              return ask(options, log, verb, request);
                                            }));
}

}  // namespace gpuscale::pool::exec
