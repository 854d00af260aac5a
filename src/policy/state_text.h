// SPDX-License-Identifier: Apache-2.0
/// Private to the room: what a policy has learned, as text that survives a restart: a version, then finite
/// numbers, each written so that it reads back to the same bits.
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

namespace gpuscale::policy {

class StateWriter {
 public:
  explicit StateWriter(std::string_view version) : text_(version) {}
  void put(double value);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

class StateReader {
 public:
  /// kInvalidArgument: another version.
  static Result<StateReader> open(std::string_view version, std::string_view text);
  /// Finite and not negative. kInvalidArgument: there is none.
  Result<double> number();
  Result<void> end() const;  ///< kInvalidArgument: more follows

 private:
  explicit StateReader(std::string_view rest) : rest_(rest) {}
  std::string_view rest_;
};

}  // namespace gpuscale::policy
