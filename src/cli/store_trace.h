// SPDX-License-Identifier: Apache-2.0
/// A demand trace out of a server's store: what the GPUs of a pool did, in nodes.
#pragma once
#include <string>

#include "cli/remote.h"
#include "trace/demand_trace.h"

namespace gpuscale::cli {

/// Sum over nodes of their mean utilisation, for the last `range` ("7d", "36h"), in steps of 10 s or as much
/// as keeps it under kMaxStoreSteps. Where nothing was stored the last known demand stands in, since silence
/// is not idleness; says on stderr how much of the range that was. What nodes had to refuse or delay is not
/// in it. Errors: those of the server, kInvalidArgument (range), kNotFound (nothing stored).
Result<trace::DemandTrace> trace_from_store(const RemoteOptions& remote, const std::string& range,
                                            const std::string& pool);

/// The trace in a server's answer to the query of trace_from_store().
/// @param gap_share becomes the share of steps without data
Result<trace::DemandTrace> trace_from_answer(const nlohmann::json& answer, double& gap_share);

constexpr std::int64_t kMaxStoreSteps = 200'000;

}  // namespace gpuscale::cli
