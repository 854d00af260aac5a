// SPDX-License-Identifier: Apache-2.0
/// The provider types that exist, for checking configuration before anything is started.
#pragma once
#include <string>
#include <vector>

#include "pool/node.h"

namespace gpuscale::pool {

/// "docker", "exec", "http", "local", "sim"; ascending.
std::vector<std::string> provider_types();

/// Every fault of a provider's type and options, each with its mend; empty = good.
std::vector<std::string> faults_of(const ProviderSpec& spec);

}  // namespace gpuscale::pool
