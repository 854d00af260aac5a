// SPDX-License-Identifier: Apache-2.0
/// Private to the room: points become a batch of ids and values, judged by types, limits and retention.
#pragma once
#include <optional>
#include <span>

#include "tsdb/batch.h"
#include "tsdb/catalogue.h"

namespace gpuscale::tsdb {

struct ResolveRequest {
  std::string_view database;
  std::string_view policy;
  std::span<const metrics::PointView> points;
  std::int64_t now_ns;
};

struct ResolvedBatch {
  WriteOutcome outcome;
  std::string bytes;  ///< empty where nothing is to be stored
};

/// Resolves against what the catalogue knows. @return nothing where a measurement, field or series would have
/// to be made: then resolve_and_define() must be called under the exclusive lock. Errors: kNotFound.
Result<std::optional<ResolvedBatch>> resolve_known(const Catalogue& catalogue, const ResolveRequest& request,
                                                   const StoreLimits& limits);
/// The same, defining what is missing.
Result<ResolvedBatch> resolve_and_define(Catalogue& catalogue, const ResolveRequest& request,
                                         const StoreLimits& limits);

}  // namespace gpuscale::tsdb
