// SPDX-License-Identifier: Apache-2.0
#include "influxql/pattern.h"

#include <re2/re2.h>

namespace gpuscale::influxql {

namespace {

constexpr std::int64_t kMaxMemory = 8 << 20;  // of one compiled expression and its automaton

re2::StringPiece piece(std::string_view text) {
  return {text.data(), text.size()};
}

/// Go's name of a fault that RE2 words differently.
std::string go_words(const RE2& failed, const std::string& text) {
  std::string reason = failed.error();
  const std::size_t colon = reason.find(": ");
  if (colon != std::string::npos) reason.resize(colon);
  std::string where = failed.error_arg();
  switch (failed.error_code()) {
    case RE2::ErrorMissingParen:
      reason = "missing closing )";
      where = text;
      break;
    case RE2::ErrorUnexpectedParen:
      reason = "unexpected )";
      where = text;
      break;
    case RE2::ErrorMissingBracket:
      reason = "missing closing ]";
      break;
    case RE2::ErrorRepeatArgument:
      reason = "missing argument to repetition operator";
      break;
    case RE2::ErrorRepeatOp:
      reason = "invalid nested repetition operator";
      break;
    case RE2::ErrorBadEscape:
      reason = "invalid escape sequence";
      break;
    case RE2::ErrorTrailingBackslash:
      reason = "trailing backslash at end of expression";
      where.clear();
      break;
    case RE2::ErrorBadPerlOp:
      reason = "invalid or unsupported Perl syntax";
      break;
    default:
      break;
  }
  return "error parsing regexp: " + reason + ": `" + where + "`";
}

}  // namespace

struct Pattern::Compiled {
  Compiled(std::string_view text, const RE2::Options& options) : regex(piece(text), options) {}
  RE2 regex;
};

Pattern::Pattern(std::string text, std::unique_ptr<Compiled> compiled)
    : text_(std::move(text)), compiled_(std::move(compiled)) {}
Pattern::~Pattern() = default;

Result<PatternPtr> Pattern::compile(std::string_view text) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxMemory);
  auto compiled = std::make_unique<Compiled>(text, options);
  if (!compiled->regex.ok())
    return fail(Errc::kInvalidArgument, go_words(compiled->regex, std::string(text)));
  return PatternPtr(new Pattern(std::string(text), std::move(compiled)));
}

bool Pattern::matches(std::string_view text) const {
  return RE2::PartialMatch(piece(text), compiled_->regex);
}

}  // namespace gpuscale::influxql
