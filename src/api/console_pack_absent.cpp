// SPDX-License-Identifier: Apache-2.0
#include "api/console_files.h"

namespace gpuscale::api {

std::string_view console_pack() {
  return {};
}

}  // namespace gpuscale::api
