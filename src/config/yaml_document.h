// SPDX-License-Identifier: Apache-2.0
/// Private to the room: a text as YAML.
#pragma once
#include <yaml-cpp/yaml.h>

#include <string_view>

namespace gpuscale::config {

/// The one document of `text`. Throws YAML::Exception with the place where it is not YAML or not UTF-8, or
/// where a second document begins, which nobody would read.
YAML::Node load_document(std::string_view text);

}  // namespace gpuscale::config
