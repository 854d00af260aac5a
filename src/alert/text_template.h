// SPDX-License-Identifier: Apache-2.0
/// Texts with places to fill: "GPU of {{ labels.node }} at {{ value }}". A place names a value by its path in
/// a JSON object and may pass it through `| json` (as JSON, strings quoted and escaped) or `| upper`. What is
/// missing is empty. No loops, no code: rendering ends. Pure.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gpuscale::alert {

class TextTemplate {
 public:
  /// `known` lists the first parts that a path may have. Errors: kInvalidArgument "line 1, column 8: ...".
  static Result<TextTemplate> parse(std::string_view text, const std::vector<std::string>& known);

  /// At most kMaxRendered bytes; what is longer is cut.
  std::string render(const nlohmann::json& values) const;

  static constexpr std::size_t kMaxText = 65'536;
  static constexpr std::size_t kMaxRendered = 262'144;

 private:
  enum class Filter { kPlain, kJson, kUpper };
  struct Part {
    std::string text;  ///< as it stands, where path is empty
    std::vector<std::string> path;
    Filter filter = Filter::kPlain;
  };
  static Result<Part> parse_place(std::string_view inside, const std::vector<std::string>& known);

  std::vector<Part> parts_;
};

}  // namespace gpuscale::alert
