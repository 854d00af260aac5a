// SPDX-License-Identifier: Apache-2.0
/// Result<T>: a value or an Error, as functions that can fail return it. Member names follow std::expected,
/// which g++ 12 has only outside C++20. Reading the absent side aborts: that is a bug, not an input.
#pragma once
#include <cstdlib>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/error.h"

namespace gpuscale::base {

template <typename T>
class [[nodiscard]] Result {
  static_assert(!std::is_reference_v<T> && !std::is_same_v<std::remove_cv_t<T>, Error>);

 public:
  using value_type = T;

  // Implicit on purpose: `return value;` and `return Error{...};` are the two ways out of a function.
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & { return checked(); }
  const T& value() const& { return const_cast<Result*>(this)->checked(); }
  T&& value() && { return std::move(checked()); }
  T& operator*() & { return checked(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(checked()); }
  T* operator->() { return &checked(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& {
    if (has_value()) std::abort();
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    if (has_value()) std::abort();
    return std::move(*std::get_if<1>(&state_));
  }

  T value_or(T fallback) const& { return has_value() ? value() : std::move(fallback); }

 private:
  T& checked() {
    if (!has_value()) std::abort();
    return *std::get_if<0>(&state_);
  }

  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool has_value() const { return !error_.has_value(); }
  explicit operator bool() const { return has_value(); }
  void value() const {
    if (error_) std::abort();
  }
  const Error& error() const& {
    if (!error_) std::abort();
    return *error_;
  }
  Error&& error() && {
    if (!error_) std::abort();
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

/// Errors short: `return fail(Errc::kNotFound, "no pool \"x\"; known: gpu");`
inline Error fail(Errc code, std::string message) {
  return {code, std::move(message)};
}

}  // namespace gpuscale::base

namespace gpuscale {
using base::fail;
using base::Result;
}  // namespace gpuscale

#define GS_CONCAT_INNER_(a, b) a##b
#define GS_CONCAT_(a, b) GS_CONCAT_INNER_(a, b)
#define GS_TRY_IMPL_(tmp, decl, ...)       \
  auto tmp = (__VA_ARGS__);                \
  if (!tmp) return std::move(tmp).error(); \
  decl = *std::move(tmp)
/// GS_TRY(const int port, parse_port(text)); declares or assigns from a Result, or returns its Error.
#define GS_TRY(decl, ...) GS_TRY_IMPL_(GS_CONCAT_(gs_try_, __LINE__), decl, __VA_ARGS__)
/// GS_CHECK(store.write(...)); returns the Error of a Result<void> (or of any Result whose value is not
/// needed).
#define GS_CHECK_IMPL_(tmp, ...)                                       \
  do {                                                                 \
    if (auto tmp = (__VA_ARGS__); !tmp) return std::move(tmp).error(); \
  } while (false)
#define GS_CHECK(...) GS_CHECK_IMPL_(GS_CONCAT_(gs_check_, __LINE__), __VA_ARGS__)
