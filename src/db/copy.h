// SPDX-License-Identifier: Apache-2.0
/// A copy of a database that others may be writing to.
#pragma once
#include <string>

#include "base/result.h"

namespace gpuscale::db {

/// Writes the database at `from`, as it is in one moment, whole to `to`, which must not exist. On disk when
/// it returns. Errors: kNotFound (`from`), kConflict where `to` exists, kExhausted (disk full), kCorrupt.
Result<void> copy_database(const std::string& from, const std::string& to);

}  // namespace gpuscale::db
