// SPDX-License-Identifier: Apache-2.0
/// Private to tables.cpp, tables_schema.cpp and tables_segments.cpp: what they all run.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "db/database.h"

namespace gpuscale::tsdb::tables {

/// A statement without rows.
Result<void> run(db::Transaction& transaction, std::string_view sql,
                 std::initializer_list<std::int64_t> values);
/// The first number of the first row; 0 where there is none.
Result<std::int64_t> one_integer(db::Transaction& transaction, std::string_view sql);
/// With all that belongs to them. @param which a condition on tsdb_segments with one place for `value`
Result<void> delete_segments(db::Transaction& transaction, std::string_view which, std::int64_t value);

}  // namespace gpuscale::tsdb::tables
