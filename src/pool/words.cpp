// SPDX-License-Identifier: Apache-2.0
#include "pool/words.h"

#include <sstream>

namespace gpuscale::pool {

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  const bool list = text.find('\n') != std::string::npos;
  for (std::string word; list ? static_cast<bool>(std::getline(in, word)) : static_cast<bool>(in >> word);)
    out.push_back(word);
  return out;
}

}  // namespace gpuscale::pool
