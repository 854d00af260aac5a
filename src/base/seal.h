// SPDX-License-Identifier: Apache-2.0
/// Secrets at rest: AES-256-GCM under a key of the installation, bound to the place that they belong to, so
/// that a sealed text that is moved elsewhere does not open there.
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace gpuscale::base {

class SealingKey {
 public:
  static constexpr std::size_t kBytes = 32;

  /// 64 hex digits. Errors: kInvalidArgument, without the text.
  static Result<SealingKey> parse(const Secret& hex);

  /// Names the key without telling it: the first 8 hex digits of its SHA-256.
  const std::string& id() const { return id_; }

  /// "v1.<key id>.<base64 of nonce, ciphertext and tag>"; the nonce is random. `place` must be the same when
  /// it is opened.
  std::string seal(const Secret& plain, std::string_view place) const;
  /// Errors: kForbidden (another key sealed it; names both), kCorrupt (damaged, or of another place).
  Result<Secret> open(std::string_view sealed, std::string_view place) const;

 private:
  explicit SealingKey(std::string bytes);
  std::string bytes_;
  std::string id_;
};

}  // namespace gpuscale::base
