// SPDX-License-Identifier: Apache-2.0
/// The one error type of the project: a kind, and a message that says what was attempted, with which value,
/// and what mends it. Retrying is a property of the kind, never of the text.
#pragma once
#include <string>
#include <string_view>
#include <utility>

namespace gpuscale::base {

enum class Errc {
  kInvalidArgument,  ///< the caller's input is wrong; the same call fails again
  kNotFound,         ///< the named thing does not exist
  kConflict,         ///< the thing is in a state that forbids this
  kUnauthenticated,  ///< no or wrong credentials
  kForbidden,        ///< good credentials without the right
  kExhausted,        ///< a limit was reached (rate, size, quota, disk); may pass later
  kUnavailable,      ///< the other side cannot be reached or is not ready
  kTimeout,          ///< no answer within the time allowed; the effect is unknown
  kUnsupported,      ///< understood, but not offered here
  kCorrupt,          ///< stored data does not decode
  kInternal,         ///< a fault of our own
};

/// Whether the same call may succeed later without anyone changing it.
constexpr bool is_retryable(Errc code) {
  return code == Errc::kUnavailable || code == Errc::kTimeout || code == Errc::kExhausted;
}

/// Stable lower-case name ("invalid_argument"), used in JSON, logs and metric labels.
std::string_view to_string(Errc code);

class [[nodiscard]] Error {
 public:
  Error(Errc code, std::string message) : code_(code), message_(std::move(message)) {}

  Errc code() const { return code_; }
  const std::string& message() const { return message_; }
  bool retryable() const { return is_retryable(code_); }

  /// The same error seen from the caller: "<context>: <message>".
  Error with_context(std::string_view context) const {
    return {code_, std::string(context) + ": " + message_};
  }

 private:
  Errc code_;
  std::string message_;
};

}  // namespace gpuscale::base

namespace gpuscale {
using base::Errc;
using base::Error;
}  // namespace gpuscale
