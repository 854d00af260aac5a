// SPDX-License-Identifier: Apache-2.0
/// Lists inside a provider's options, which are texts: what YAML states as a list arrives with each item
/// closed by a newline; a text of one line is split at blanks. Pure.
#pragma once
#include <string>
#include <vector>

namespace gpuscale::pool {

/// "a b" and "a\nb\n" are both {"a", "b"}; "a b\n" is {"a b"}.
std::vector<std::string> words_of(const std::string& text);

}  // namespace gpuscale::pool
