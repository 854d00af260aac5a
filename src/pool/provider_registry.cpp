// SPDX-License-Identifier: Apache-2.0
#include "pool/provider_registry.h"

#include "pool/providers/local/options.h"

namespace gpuscale::pool {

std::vector<std::string> provider_types() {
  return {"local"};
}

std::vector<std::string> faults_of(const ProviderSpec& spec) {
  if (spec.type != "local") return {"provider type \"" + spec.type + "\" is unknown; known: local"};
  local::LocalProviderOptions options;
  if (const auto applied = local::apply_options(spec.options, options); !applied)
    return {applied.error().message()};
  return {};
}

}  // namespace gpuscale::pool
