// SPDX-License-Identifier: Apache-2.0
#include "db/statement_cache.h"

#include <sqlite3.h>

#include <algorithm>
#include <utility>

namespace gpuscale::db {

Prepared StatementCache::take(std::string_view sql) {
  const auto found =
      std::find_if(waiting_.rbegin(), waiting_.rend(), [&](const Prepared& each) { return each.sql == sql; });
  if (found == waiting_.rend()) return {};
  Prepared statement = std::move(*found);
  waiting_.erase(std::next(found).base());
  return statement;
}

void StatementCache::put(Prepared statement) {
  sqlite3_reset(statement.handle);
  sqlite3_clear_bindings(statement.handle);
  if (waiting_.size() == kMost) {
    sqlite3_finalize(waiting_.front().handle);
    waiting_.erase(waiting_.begin());
  }
  waiting_.push_back(std::move(statement));
}

void StatementCache::clear() {
  for (const Prepared& each : waiting_) sqlite3_finalize(each.handle);
  waiting_.clear();
}

}  // namespace gpuscale::db
