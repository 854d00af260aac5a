// SPDX-License-Identifier: Apache-2.0
/// What one step of a plan changes in the book, and what the ledger says of it.
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"
#include "scaling/book.h"
#include "scaling/reconcile.h"

namespace gpuscale::scaling {

struct StepEffect {
  bool failed_boot = false;  ///< a node went without ever having been ready
};

/// Errors: kConflict where the node is no longer there.
Result<StepEffect> record_step(Draft& draft, const std::string& pool, const Action& action, WallTime now);

/// The ledger's kind ("node.draining"); for an end it depends on the cause.
std::string_view step_kind(const Action& action);
/// Whether the step is chosen, and not only a note of what the world shows (a node that is ready) or a call
/// made again.
bool is_choice(ActionKind kind);
/// Whether the step only repeats a call whose intent is already written.
bool is_repeat(ActionKind kind);

}  // namespace gpuscale::scaling
