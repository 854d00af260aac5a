// SPDX-License-Identifier: Apache-2.0
/// Statements that wait to be used again, by their SQL: to prepare one costs SQLite more than to run it. At
/// most kMost, those used last. Belongs to one connection and its lock; not thread-safe.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3_stmt;

namespace gpuscale::db {

struct Prepared {
  std::string sql;
  sqlite3_stmt* handle = nullptr;
};

class StatementCache {
 public:
  /// More than all rooms of one file use in turn; 2 to 10 KiB each.
  static constexpr std::size_t kMost = 64;

  StatementCache() = default;
  ~StatementCache() { clear(); }
  StatementCache(const StatementCache&) = delete;
  StatementCache& operator=(const StatementCache&) = delete;

  /// Its handle is null where none waits. The caller has it until it is put back or finalized.
  Prepared take(std::string_view sql);
  /// Reset and without its bindings from now on.
  void put(Prepared statement);
  void clear();

 private:
  std::vector<Prepared> waiting_;  ///< used last at the end
};

}  // namespace gpuscale::db
