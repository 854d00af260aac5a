// SPDX-License-Identifier: Apache-2.0
/// Why something happened: the chain of one episode from its samples to its nodes, as text. Pure.
#pragma once
#include <string>
#include <vector>

#include "activity/ledger.h"

namespace gpuscale::cli {

/// The correlation that `id` means: itself, or that of the newest entry about a node, rule, trigger, channel
/// or idempotency key of this name; "" where there is none.
std::string correlation_of(const std::string& id, const std::vector<activity::Entry>& entries);

/// One line an entry, each with the time since the first; what an entry knows of its inputs stands below it.
std::string why_text(const std::vector<activity::Entry>& chain);

}  // namespace gpuscale::cli
