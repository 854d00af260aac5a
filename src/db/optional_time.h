// SPDX-License-Identifier: Apache-2.0
/// A time that may be absent, as a column of nanoseconds since 1970 or NULL.
#pragma once
#include <optional>

#include "base/time.h"
#include "db/database.h"

namespace gpuscale::db {

inline void bind_time(Statement& statement, int position, std::optional<base::WallTime> time) {
  if (time) {
    statement.bind(position, base::to_unix_nanos(*time));
  } else {
    statement.bind_null(position);
  }
}

inline std::optional<base::WallTime> time_at(const Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return base::from_unix_nanos(row.integer(column));
}

}  // namespace gpuscale::db
