// SPDX-License-Identifier: Apache-2.0
/// A pool's nodes judged before any is taken: the victim ledger, the removal proof, and whether the fleet can
/// be believed at all. Pure.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "scaling/reconcile.h"
#include "scaling/roster.h"

namespace gpuscale::scaling {

struct Survey {
  std::vector<LedgerLine> ledger;  ///< one for each node, in their order
  RemovalProof proof;
  std::string removals_stopped;  ///< why nothing may be removed; "" = it may
};

/// O(n log n).
Survey survey_nodes(const ReconcileInput& input, const Roster& roster);

/// Why `left` more cannot go after `taken` have been chosen; names up to five nodes.
std::string why_none_is_spare(const Survey& survey, const std::vector<NodeView>& nodes, int left, int taken);

/// Those next in turn and why the others are not, for the activity ledger; at most 50.
nlohmann::json explain_ranking(const Survey& survey, const std::vector<NodeView>& nodes);

}  // namespace gpuscale::scaling
