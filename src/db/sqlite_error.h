// SPDX-License-Identifier: Apache-2.0
/// Private to the room: SQLite's result codes as our errors.
#pragma once
#include <string_view>

#include "base/error.h"

struct sqlite3;

namespace gpuscale::db {

/// "<what>: <sqlite's message>"; full disk and busy are retryable kinds, damage is kCorrupt.
Error sqlite_error(sqlite3* connection, int code, std::string_view what);

}  // namespace gpuscale::db
