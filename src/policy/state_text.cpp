// SPDX-License-Identifier: Apache-2.0
#include "policy/state_text.h"

#include <array>
#include <charconv>
#include <cmath>

namespace gpuscale::policy {

void StateWriter::put(double value) {
  std::array<char, 32> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  text_ += ' ';
  if (error == std::errc()) text_.append(digits.data(), end);
}

Result<StateReader> StateReader::open(std::string_view version, std::string_view text) {
  if (!text.starts_with(version) || (text.size() > version.size() && text[version.size()] != ' ')) {
    return fail(Errc::kInvalidArgument,
                "the stored state is not of version " + std::string(version) + "; learning begins anew");
  }
  return StateReader(text.substr(version.size()));
}

Result<double> StateReader::number() {
  double value = 0;
  if (rest_.starts_with(' ')) rest_.remove_prefix(1);
  const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
  if (error != std::errc() || !std::isfinite(value) || value < 0) {
    return fail(Errc::kInvalidArgument, "the stored state is damaged; learning begins anew");
  }
  rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
  return value;
}

Result<void> StateReader::end() const {
  if (rest_.empty()) return {};
  return fail(Errc::kInvalidArgument, "the stored state is damaged; learning begins anew");
}

}  // namespace gpuscale::policy
