// SPDX-License-Identifier: Apache-2.0
/// Private to the room: a compiled regular expression (RE2, whose syntax is Go's). Thread-safe once made.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gpuscale::influxql {

class Pattern {
 public:
  /// Errors: kInvalidArgument in Go's words, "error parsing regexp: missing closing ): `a(`".
  static Result<std::shared_ptr<const Pattern>> compile(std::string_view text);
  ~Pattern();
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  bool matches(std::string_view text) const;  ///< anywhere in `text`
  const std::string& text() const { return text_; }

 private:
  struct Compiled;
  Pattern(std::string text, std::unique_ptr<Compiled> compiled);

  std::string text_;
  std::unique_ptr<Compiled> compiled_;
};
using PatternPtr = std::shared_ptr<const Pattern>;

}  // namespace gpuscale::influxql
