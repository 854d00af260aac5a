// SPDX-License-Identifier: Apache-2.0
/// A copy of a store that may be in use.
#pragma once
#include <string>

#include "base/result.h"

namespace gpuscale::tsdb {

/// Copies the database of samples at `from` (metrics.db), with the acknowledged writes that are in its log
/// alone, to `to`, which must not exist: all that was acknowledged before the call, and some of what came
/// meanwhile, without a gap. On disk when it returns. Errors: those of db::copy_database(); kUnavailable.
Result<void> copy_store(const std::string& from, const std::string& to);

}  // namespace gpuscale::tsdb
