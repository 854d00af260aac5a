// SPDX-License-Identifier: Apache-2.0
/// The key that secrets are sealed with, or why there is none.
#pragma once
#include <optional>
#include <string>

#include "base/seal.h"
#include "config/definitions.h"

namespace gpuscale::declare {

struct Vault {
  std::optional<base::SealingKey> key;
  std::string file;     ///< where it lies
  std::string trouble;  ///< without a key: why, and the mend

  /// Opens the key file. Where it is missing: makes one (64 hex digits, mode 0600) if `may_make`, else there
  /// is no key. Never fails: what is wrong is the vault's trouble, and only secrets suffer from it.
  static Vault open(const std::string& file, bool may_make);
};

/// What a secret is bound to: "channels/people/basic/password".
std::string place_of(config::Kind kind, const std::string& name, const std::string& pointer);

}  // namespace gpuscale::declare
